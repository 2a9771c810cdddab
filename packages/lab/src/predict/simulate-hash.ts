/**
 * A hash engine without files: of each file the keys whose newest values it has. What is merged when is decided by the engine's own plan.
 *
 * Invariants:
 * 1. Which put of a key is the newest, and the file it is in, is exact. Bytes are a function of counts.
 * 2. Merges run to the end before the next put, as in an engine whose writers leave it the time.
 * 3. Puts only: no deletes, no snapshots, no expiries.
 */
import type { HashOptions } from 'kvarium/hash'
import { BATCH_BYTES, HINT_HEADER_BYTES, HINT_PUT_BYTES, planMerges, whyDue, type MergeInput } from 'kvarium/hash'
import { varintLength } from 'kvarium/codec'
import { BATCH_HEADER_BYTES } from 'kvarium/engine'
import { FRAME_HEADER_BYTES, LOG_HEADER_BYTES } from 'kvarium/wal'
import type { Work } from './prediction.js'
import { keyDraws } from './simulate.js'
import { compactLogBytes, logBytes } from './size-model.js'

export interface HashSimulation {
  readonly puts: number
  readonly userBytes: number
  /** `flush` are the hint files of logs, `compaction` is what merges write, hint files included. */
  readonly written: { readonly log: number; readonly flush: number; readonly compaction: number }
  readonly merges: number
  readonly files: number
  readonly writeAmplification: number
  /** Bytes of data files, hint files and the log ÷ key and value bytes of different keys. */
  readonly spaceAmplification: number
}

export interface HashSizes {
  /** Key and value bytes of a put. */
  readonly userBytes: number
  /** Bytes of a put in a log, in a merged file, and in a hint file. */
  readonly logBytes: number
  readonly mergedBytes: number
  readonly hintBytes: number
  /** Puts in a log that is full. */
  readonly filePuts: number
}

const NONE = { count: 0 } as const

class SimulatedFile implements MergeInput {
  readonly tombstones = NONE
  readonly firstExpiry = 0
  live = 0
  /** Keys of the newest puts, and of some that are not that any more. */
  readonly keys: number[] = []
  bytes = 0
  hintBytes = 0
  readonly #userBytes: number

  constructor(userBytes: number) {
    this.#userBytes = userBytes
  }

  get liveBytes(): number {
    return this.live * this.#userBytes
  }

  get liveShare(): number {
    return this.keys.length === 0 ? 0 : this.live / this.keys.length
  }
}

export function hashSizes(work: Pick<Work, 'keyBytes' | 'valueBytes' | 'batchPuts'>, options: Pick<HashOptions, 'maxFileSize'>): HashSizes {
  const { keyBytes, valueBytes, batchPuts = 1 } = work
  const log = compactLogBytes(work)
  const alone = logBytes({ keyBytes, valueBytes, batchPuts: Infinity })
  const perFrame = Math.max(1, Math.ceil((BATCH_BYTES - BATCH_HEADER_BYTES) / alone))
  const batches = Math.max(1, Math.floor((options.maxFileSize - LOG_HEADER_BYTES) / (log * batchPuts)))
  return {
    userBytes: keyBytes + valueBytes,
    logBytes: log,
    mergedBytes: alone + (FRAME_HEADER_BYTES + BATCH_HEADER_BYTES) / perFrame,
    hintBytes: HINT_PUT_BYTES + varintLength(keyBytes) + keyBytes,
    filePuts: batches * batchPuts,
  }
}

export interface HashSimulationSettings {
  /** Seed of the draws: the same one draws the same keys. */
  readonly seed: number
  /** Puts after which the caller waits for merges. Default: the engine looks only when a file is full. */
  readonly settleEvery?: number
}

/** Runs the work on simulated files with the engine's options. The log at the end is not sealed, as in the engine. */
export function simulateHash(options: HashOptions, work: Work, { seed, settleEvery }: HashSimulationSettings): HashSimulation {
  const sizes = hashSizes(work, options)
  const draw = keyDraws(work, seed)
  const newest = new Map<number, SimulatedFile>()
  const written = { log: 0, flush: 0, compaction: 0 }
  let files: SimulatedFile[] = []
  let log = new SimulatedFile(sizes.userBytes)
  let merges = 0
  const seal = (file: SimulatedFile, part: 'flush' | 'compaction'): void => {
    file.hintBytes = HINT_HEADER_BYTES + 4 + file.live * sizes.hintBytes
    written[part] += file.hintBytes
  }
  const merge = (inputs: readonly SimulatedFile[]): SimulatedFile => {
    const output = new SimulatedFile(sizes.userBytes)
    for (const input of inputs) {
      for (const key of input.keys) {
        if (newest.get(key) !== input) continue
        newest.set(key, output)
        output.keys.push(key)
      }
    }
    output.live = output.keys.length
    output.bytes = LOG_HEADER_BYTES + output.live * sizes.mergedBytes
    written.compaction += output.bytes
    seal(output, 'compaction')
    return output
  }
  const mergeDue = (): void => {
    const { maxFileSize, mergeThreshold } = options
    while (whyDue(files, mergeThreshold, maxFileSize, maxFileSize) !== undefined) {
      const runs = planMerges(files, maxFileSize)
      if (runs.length === 0) return
      for (const inputs of runs) {
        const output = merge(inputs)
        merges++
        files = files.flatMap(file => (file === inputs[0] ? [output] : inputs.includes(file) ? [] : [file]))
      }
    }
  }
  for (let i = 0; i < work.puts; i++) {
    if (log.keys.length >= sizes.filePuts) {
      seal(log, 'flush')
      files.push(log)
      log = new SimulatedFile(sizes.userBytes)
      mergeDue()
    } else if (settleEvery !== undefined && i % settleEvery === 0) mergeDue()
    const key = draw()
    const before = newest.get(key)
    if (before !== undefined) before.live--
    newest.set(key, log)
    log.keys.push(key)
    log.live++
    log.bytes = LOG_HEADER_BYTES + log.keys.length * sizes.logBytes
    written.log += sizes.logBytes
  }
  const userBytes = work.puts * sizes.userBytes
  const total = written.log + written.flush + written.compaction
  const fileBytes = [...files, log].reduce((sum, file) => sum + file.bytes + file.hintBytes, 0)
  return {
    puts: work.puts,
    userBytes,
    written,
    merges,
    files: files.length + 1,
    writeAmplification: userBytes === 0 ? 0 : total / userBytes,
    spaceAmplification: newest.size === 0 ? 0 : fileBytes / (newest.size * sizes.userBytes),
  }
}
