import { SingleBar } from 'cli-progress'
import type { BackupProgress, CopyProgress } from 'kvarium'
import type { Progress } from 'kvarium-lab/compare'
import { bytes, count } from 'kvarium-lab/report'
import type { OutputStream } from './invocation.js'

/** Shows how far the comparison is: a bar on a terminal, elsewhere a line for each phase. */
export interface ProgressView {
  update(progress: Progress): void
  /** Makes room for other output. */
  pause(): void
}

export function progressView(stream: OutputStream, isQuiet: boolean): ProgressView {
  if (stream.isTTY === true) return new Bar(stream)
  return isQuiet ? { update: () => undefined, pause: () => undefined } : new Lines(stream)
}

function barOn(stream: OutputStream, format: string): SingleBar {
  return new SingleBar({
    stream,
    format,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
    fps: 20,
  })
}

/** The first round goes without saying. */
const inRound = (round: number): string => (round === 1 ? '' : `, round ${round}`)

class Bar implements ProgressView {
  readonly #bar: SingleBar
  #started = false

  constructor(stream: OutputStream) {
    this.#bar = barOn(stream, '  {engine} {phase} {bar} {percentage} %  {detail}')
  }

  update({ engine, phase, phaseIndex, phaseCount, isWarmUp, round, done, total }: Progress): void {
    const within = total === undefined || total === 0 ? 0 : Math.min(1, done / total)
    const payload = {
      engine: `${engine}${inRound(round)}`.padEnd(12),
      phase: (isWarmUp ? 'warming up' : phase).padEnd(16),
      detail: isWarmUp || total === undefined ? '' : `${count(done)} of ${count(total)}`,
    }
    if (!this.#started) this.#bar.start(phaseCount * 1000, 0, payload)
    this.#started = true
    this.#bar.update(Math.round((phaseIndex + within) * 1000), payload)
  }

  pause(): void {
    if (this.#started) this.#bar.stop()
    this.#started = false
  }
}

class Lines implements ProgressView {
  readonly #stream: OutputStream
  #phase = ''

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  update({ engine, phase, phaseIndex, phaseCount, isWarmUp, round }: Progress): void {
    const title = `${engine}${inRound(round)}: ${isWarmUp ? 'warming up' : `${phase} (${phaseIndex + 1} of ${phaseCount})`}`
    if (title === this.#phase) return
    this.#phase = title
    this.#stream.write(`${title}\n`)
  }

  pause(): void {
    this.#phase = ''
  }
}

/** Counts the entries of a copy on a terminal. How many there will be is not known before the comparison. */
export function copyProgress(stream: OutputStream): { update(progress: CopyProgress): void; end(): void } {
  if (stream.isTTY !== true) return { update: () => undefined, end: () => undefined }
  const bar = barOn(stream, '  {phase} {entries} entries')
  bar.start(1, 0, { phase: 'copying', entries: '0' })
  return {
    update: ({ phase, entries }) => bar.update(0, { phase: phase === 'copy' ? 'copying' : 'comparing', entries: count(entries) }),
    end: () => bar.stop(),
  }
}

export interface LoadProgress {
  /** How many bytes of the input have been read, of `size` if that is known. */
  read(bytes: number, size: number | undefined): void
  /** How many records have been written. */
  write(records: number, total: number): void
  end(): void
}

/** Shows how far a load is on a terminal: first how much of the input has been read, then how many records are written. */
export function loadProgress(stream: OutputStream): LoadProgress {
  if (stream.isTTY !== true) return { read: () => undefined, write: () => undefined, end: () => undefined }
  const bar = barOn(stream, '  {phase} {bar} {percentage} %  {detail}')
  bar.start(1000, 0, { phase: 'reading', detail: '' })
  const show = (phase: string, done: number, total: number | undefined, detail: string): void =>
    bar.update(total === undefined || total === 0 ? 0 : Math.min(1000, Math.round((done / total) * 1000)), { phase, detail })
  return {
    read: (done, size) => show('reading', done, size, size === undefined ? bytes(done) : `${bytes(done)} of ${bytes(size)}`),
    write: (records, total) => show('writing', records, total, `${count(records)} of ${count(total)}`),
    end: () => bar.stop(),
  }
}

/** Shows how far a backup is, on a terminal. How many entries there are is not known before they are compared. */
export function backupProgress(stream: OutputStream): { update(progress: BackupProgress): void; end(): void } {
  if (stream.isTTY !== true) return { update: () => undefined, end: () => undefined }
  const bar = barOn(stream, '  {phase} {bar} {detail}')
  bar.start(1, 0, { phase: 'writing', detail: '' })
  return {
    update: ({ phase, bytes, totalBytes, entries }) => {
      const share = totalBytes === 0 ? 0 : Math.min(1, bytes / totalBytes)
      if (phase === 'write') bar.update(share, { phase: 'writing', detail: `${Math.round(share * 100)} %` })
      else if (phase === 'check') bar.update(1, { phase: 'checking', detail: '' })
      else bar.update(1, { phase: 'comparing', detail: `${count(entries)} entries` })
    },
    end: () => bar.stop(),
  }
}
