import { newReadCounts } from '../../../src/trace/ledger.js'
import type { TracedTable } from '../../../src/trace/events.js'
import { Trace, type Span, type TraceListener } from '../../../src/trace/span.js'

/** What happens next, as numbers that a generator can draw. */
export type Step =
  | { readonly do: 'write'; readonly bytes: number; readonly sync: boolean }
  | { readonly do: 'commit'; readonly ahead: number }
  | { readonly do: 'get'; readonly bytes: number }
  | { readonly do: 'flush'; readonly bytes: number; readonly ends: 'ok' | 'failed'; readonly isLogKnown?: boolean }
  | { readonly do: 'compact'; readonly level: number; readonly kept: number; readonly outputs: number; readonly ends: 'ok' | 'failed' }
  | { readonly do: 'checkpoint'; readonly bytes: number }
  | { readonly do: 'reopen' }

export const FRAME_BYTES = 20
export const HEADER_BYTES = 24

const noBytes = new Uint8Array(0)

function table(number: number, level: number, fileBytes: number): TracedTable {
  const counts = { entries: 1, tombstones: 0, rangeTombstones: 0, minSequence: 1, maxSequence: 1, rawBytes: fileBytes }
  return { number, level, run: number, fileBytes, ...counts, smallest: noBytes, largest: noBytes }
}

/** Emits the events that an engine emits in such steps, without an engine. Counts the bytes and syncs in them. */
export class EngineStream {
  readonly #trace: Trace
  #nextFile = 1
  #log = 0
  #size = HEADER_BYTES
  #unflushed: number[] = []
  readonly #tables = new Map<number, TracedTable>()
  #waiting: Span[] = []
  /** By part, and all syncs. */
  readonly emitted: Record<string, number> = { syncs: 0 }

  constructor(listener: TraceListener) {
    this.#trace = new Trace({ listener })
    this.#open()
  }

  run(step: Step): void {
    if (step.do === 'write') this.write(step.bytes, step.sync)
    else if (step.do === 'commit') this.commit(step.ahead)
    else if (step.do === 'get') this.get(step.bytes)
    else if (step.do === 'flush') this.flush(step.bytes, step.ends, step.isLogKnown)
    else if (step.do === 'compact') this.compact(step)
    else if (step.do === 'checkpoint') this.checkpoint(step.bytes)
    else this.reopen()
  }

  write(bytes: number, sync = false): number {
    const operation = this.#trace.startSpan('operation', 'write')
    operation.emit({ type: 'operation.begin', kind: 'write', entries: 1, userBytes: bytes, sync })
    const length = bytes + FRAME_BYTES
    this.#write(operation, `${this.#log}.log`, 'log', length)
    const offset = this.#size
    this.#size += length
    operation.emit({ type: 'log.append', log: this.#log, firstSequence: 1, entries: 1, offset, length, userBytes: bytes })
    if (sync) this.#waiting.push(operation)
    else operation.emit({ type: 'operation.end', kind: 'write', status: 'ok' })
    return operation.operation
  }

  /** One sync for all who wait, after `ahead` bytes of room. */
  commit(ahead = 0): void {
    if (this.#waiting.length === 0) return
    const job = this.#trace.startSpan('job', 'commit')
    if (ahead > 0) this.#write(job, `${this.#log}.log`, 'log', ahead)
    this.#sync(job)
    job.emit({ type: 'log.commit', log: this.#log, operations: this.#waiting.map(({ operation }) => operation), upTo: this.#size })
    job.end('ok')
    for (const operation of this.#waiting) operation.emit({ type: 'operation.end', kind: 'write', status: 'ok' })
    this.#waiting = []
  }

  get(bytes: number): number {
    const operation = this.#trace.startSpan('operation', 'get')
    operation.emit({ type: 'operation.begin', kind: 'get' })
    operation.emit({ type: 'get.probe', source: { in: 'memtable' }, outcome: 'miss' })
    operation.emit({ type: 'get.probe', source: { in: 'table', level: 0, file: 1 }, outcome: 'range-skip' })
    operation.emit({ type: 'get.probe', source: { in: 'table', level: 1, file: 2 }, outcome: 'hit' })
    this.#read(operation, 'get', bytes)
    const touched = { ...newReadCounts(), filterProbes: 1, blocksFromDisk: 1, bytesFromDisk: bytes }
    operation.emit({ type: 'operation.end', kind: 'get', status: 'found', valueBytes: 3, touched })
    return operation.operation
  }

  /** @param isLogKnown Whether the manifest has heard of the log: it need not before a sync. */
  flush(bytes: number, ends: 'ok' | 'failed' = 'ok', isLogKnown = true): void {
    const logs = [...this.#unflushed, this.#log]
    this.#rotate()
    const job = this.#trace.startSpan('job', 'flush')
    this.#write(job, 'x.sst', 'flush', bytes)
    if (ends === 'ok') {
      const built = table(this.#nextFile++, 0, bytes)
      job.emit({ type: 'table.built', ...built, blocks: 1 })
      this.#edit(job, [built], [], isLogKnown ? logs : [])
      for (const log of logs) job.emit({ type: 'memtable.drop', log, entries: 1 })
      this.#unflushed = []
    } else {
      this.#unflushed = logs
    }
    job.end(ends)
  }

  compact({ level, kept, outputs, ends }: Omit<Extract<Step, { do: 'compact' }>, 'do'>): void {
    const inputs = [...this.#tables.values()].filter(input => input.level === level || input.level === level + 1)
    if (inputs.length === 0) return
    const job = this.#trace.startSpan('job', 'compaction')
    const inputBytes = inputs.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
    const numbers = inputs.map(({ number }) => number)
    const pick = {
      reason: 'test',
      scores: [1],
      inputs: [numbers],
      outputLevel: level + 1,
      outcome: 'merge',
      overlapBytes: 0,
      inputBytes,
    } as const
    job.emit({ type: 'compaction.pick', ...pick })
    this.#read(job, 'compaction', inputBytes)
    const bytes = Math.floor((inputBytes * kept) / outputs)
    const built = bytes === 0 ? [] : Array.from({ length: outputs }, () => table(this.#nextFile++, level + 1, bytes))
    for (const { fileBytes } of built) this.#write(job, 'x.sst', 'compaction', fileBytes)
    if (ends === 'ok') this.#edit(job, built, numbers, [])
    job.end(ends)
  }

  checkpoint(bytes: number): void {
    const job = this.#trace.startSpan('job', 'checkpoint')
    this.#rotate()
    this.#write(job, 'data.btree', 'page', bytes)
    this.#write(job, 'data.btree', 'meta', 512)
    this.#sync(job)
    const end = { number: 1, firstLog: this.#log, pages: 1, bytes, fileBytes: bytes, freeBytes: 0 }
    job.emit({ type: 'checkpoint.end', ...end })
    job.end('ok')
    this.#unflushed = []
  }

  /** Tables of one level become tables of the next, as they are. */
  move(level: number): void {
    const moved = [...this.#tables.values()].filter(one => one.level === level).map(one => ({ ...one, level: level + 1 }))
    const job = this.#trace.startSpan('job', 'compaction')
    const numbers = moved.map(({ number }) => number)
    this.#edit(job, moved, numbers, [])
    job.end('ok')
  }

  /** A clean close, after which the logs are replayed, and flushed to a table of `flushBytes` if that is not 0. */
  reopen(flushBytes = 0): void {
    this.commit()
    const job = this.#trace.startSpan('job', 'close')
    this.#write(job, `${this.#log}.log`, 'log', 16)
    this.#sync(job)
    job.end('ok')
    this.#unflushed.push(this.#log)
    this.#open(flushBytes)
  }

  #open(flushBytes = 0): void {
    const job = this.#trace.startSpan('job', 'open')
    this.#read(job, 'open', 99)
    for (const log of this.#unflushed) job.emit({ type: 'log.replay', log, records: 1, entries: 1, bytes: 50, outcome: 'whole' })
    if (flushBytes > 0) {
      const built = table(this.#nextFile++, 0, flushBytes)
      this.#write(job, 'x.sst', 'flush', flushBytes)
      job.emit({ type: 'table.built', ...built, blocks: 1 })
      this.#tables.set(built.number, built)
      this.#unflushed = []
    }
    this.#log = this.#nextFile++
    this.#size = HEADER_BYTES
    job.emit({ type: 'file.create', file: `${this.#log}.log` })
    this.#write(job, `${this.#log}.log`, 'log', HEADER_BYTES)
    this.#edit(job, [...this.#tables.values()], [], [], true)
    job.end('ok')
  }

  #rotate(): void {
    const from = this.#log
    this.#log = this.#nextFile++
    this.#size = HEADER_BYTES
    const job = this.#trace.startSpan('job', 'rotate')
    job.emit({ type: 'file.create', file: `${this.#log}.log` })
    this.#write(job, `${this.#log}.log`, 'log', HEADER_BYTES)
    job.emit({ type: 'log.rotate', from, to: this.#log })
    job.end('ok')
    this.#trace.emit({ type: 'memtable.new', log: this.#log, bytesUsed: 0, capacityBytes: 1 })
  }

  #edit(job: Span, added: readonly TracedTable[], deleted: readonly number[], flushedLogs: readonly number[], whole = false): void {
    const length = 30 + 10 * added.length
    this.#write(job, 'MANIFEST-1', 'meta', length)
    this.#sync(job)
    for (const number of deleted) this.#tables.delete(number)
    for (const one of added) this.#tables.set(one.number, one)
    job.emit({ type: 'manifest.edit', added, deleted, flushedLogs, offset: 0, length, manifest: 1, whole })
  }

  #write(owner: Span, file: string, part: 'log' | 'flush' | 'compaction' | 'page' | 'meta', length: number): void {
    owner.emit({ type: 'file.write', file, offset: 0, length, part })
    this.#count(`written ${part}`, length)
  }

  #read(owner: Span, part: 'open' | 'get' | 'compaction', length: number): void {
    owner.emit({ type: 'file.read', file: 'x.sst', offset: 0, length, part })
    this.#count(`read ${part}`, length)
  }

  #sync(job: Span): void {
    job.emit({ type: 'file.sync', file: 'x' })
    this.#count('syncs', 1)
  }

  #count(name: string, by: number): void {
    this.emitted[name] = (this.emitted[name] ?? 0) + by
  }
}
