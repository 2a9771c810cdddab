/**
 * The log-structured merge tree: writes go to a log and a skiplist in memory; full skiplists become sorted tables; tables are
 * merged in the background. This file is the contract's side of it: it orders writers, reads, and hands out cursors.
 *
 * Invariants:
 * 1. A batch is in the log before it is in the memtable, and both happen in one synchronous step: nobody sees half of it.
 * 2. Writers that must wait for room are served in the order they came, and nobody overtakes them.
 * 3. A read looks at sources from newest to oldest and takes the first version it meets.
 */
import type { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import { KIND_PUT, type ByteView, type EntryKind } from '../codec/entry.js'
import { BatchReader, WriteBatch } from '../engine/batch.js'
import type {
  Cursor,
  Engine,
  EngineContext,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { halfOpen, isEmptyRange, type HalfOpenRange } from '../engine/range.js'
import { MisuseError } from '../errors.js'
import { keyHash } from '../sstable/bloom-filter.js'
import { TableHit } from '../sstable/table.js'
import type { ProbeOutcome } from '../trace/events.js'
import { newReadCounts, type Ledger, type ReadCounts } from '../trace/ledger.js'
import { JobTracer, type Owner, type Trace, type Tracer } from '../trace/trace.js'
import { Background } from './background.js'
import { checkTree } from './check.js'
import type { CompactionPicker } from './compaction-picker.js'
import { GetTrace, IN_MEMTABLE } from './get-trace.js'
import type { JobRunner } from './job-runner.js'
import type { LogSet } from '../engine/log-set.js'
import { LsmCursor } from './lsm-cursor.js'
import { Memtable } from './memtable.js'
import type { MemtablePool } from './memtable-pool.js'
import type { LsmOptions } from './options.js'
import { approximateBytes, liveBytesEstimate, shapeOf } from './shape.js'
import { SnapshotList } from '../engine/snapshot-list.js'
import type { TableSet } from './table-set.js'
import type { Tree } from './tree.js'
import { tableFor } from './version.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { WriteQueue } from '../engine/write-queue.js'

/** Memtables that may wait for their flush before writers do. */
const MAX_FROZEN = 2
/** A range with no more keys than this is cleared by a tombstone for each: cheaper to read past than a range tombstone. */
const CLEAR_KEY_BY_KEY = 32

/** What an open engine is made of. */
export interface LsmParts {
  readonly context: EngineContext
  readonly options: LsmOptions
  readonly picker: CompactionPicker
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly cache: Cache
  /** What the get under way has touched; tables count into it. */
  readonly touched: ReadCounts
  readonly tables: TableSet
  readonly pool: MemtablePool
  readonly runner: JobRunner
  readonly logs: LogSet
  readonly tree: Tree
  readonly trace: Trace | null
}

export class LsmEngine implements Engine {
  readonly name = 'lsm'
  readonly #parts: LsmParts
  readonly #background: Background
  readonly #snapshots: SnapshotList
  readonly #queue: WriteQueue
  readonly #reader = new BatchReader()
  readonly #hit = new TableHit()
  /** Whoever is told: null, as far as nobody listens. */
  readonly #trace: Trace | null
  readonly #step: Tracer | null
  readonly #probes: GetTrace | null
  /** Reads of checks: scans, but not the user's. */
  readonly #checked = newReadCounts()
  #closing: Promise<void> | undefined
  /** At the close nobody waits for room any more: the logs take the rest, and the next open puts it into tables. */
  #roomForAll = false

  constructor(parts: LsmParts) {
    this.#parts = parts
    const { trace } = parts
    const { clock } = parts.context.environment
    this.#trace = trace
    this.#step = trace?.at('step') ?? null
    this.#probes = this.#step === null ? null : new GetTrace(this.#step, parts.touched)
    this.#snapshots = new SnapshotList(() => this.#background.schedule(), trace)
    this.#queue = new WriteQueue(clock, parts.context.trace)
    this.#background = new Background({ ...parts, clock, snapshots: this.#snapshots, onProgress: () => this.#queue.drain() })
    if (parts.context.inspecting !== true) this.#background.schedule()
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const value = this.#hit.value
    return this.getView(key, value, snapshot) ? value.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireOpen()
    const { tree, ledger, touched } = this.#parts
    const sequence = this.#snapshots.resolve(snapshot, tree.sequence)
    const found = this.#find(key, sequence, out)
    const counts = found ? ledger.found : ledger.missing
    counts.operations++
    if (this.#trace !== null) this.#trace.touched = { ...touched, operations: 1 }
    if (touched.filterProbes !== 0 || touched.blocksFromCache !== 0 || touched.blocksFromDisk !== 0) book(touched, counts)
    return found
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    if (batch.count === 0) return
    if (!this.#queue.isEmpty || !this.#makeRoom(batch.byteLength, batch.count)) return this.#wait(() => this.#tryApply(batch), options)
    this.#apply(batch)
    return options.sync ? this.#parts.logs.sync() : undefined
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    const bounds = halfOpen(range)
    // What the range holds is known only once the writers before have had their turn.
    const attempt = (): boolean => {
      const { logs } = this.#parts
      // Even if there is nothing to delete: what has failed may be there after the next open.
      if (logs.failure !== undefined) throw logs.refusal()
      const batch = this.#clearBatch(range)
      if (batch !== undefined && !this.#makeRoom(batch.byteLength, batch.count)) return false
      if (batch !== undefined) this.#append(batch)
      this.#bookClear(bounds)
      return true
    }
    if (this.#queue.isEmpty && attempt()) return options.sync ? this.#parts.logs.sync() : undefined
    return this.#wait(attempt, options)
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireOpen()
    const cursor = this.#cursor(range, snapshot)
    return this.#trace === null ? cursor : new TouchedCursor(cursor, this.#parts.ledger.scan, this.#trace)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return this.#snapshots.take(this.#parts.tree.sequence)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return approximateBytes(this.#parts.tree.state.version, this.#parts.tables, halfOpen(range))
  }

  async flush(): Promise<void> {
    this.#requireOpen()
    const { tree } = this.#parts
    const owner = this.#trace?.owner ?? null
    while (!tree.state.memtable.isEmpty && tree.state.frozen.length >= MAX_FROZEN) await this.#background.flushed()
    if (!tree.state.memtable.isEmpty) this.#as(owner, () => this.#rotate(0))
    await this.#background.flushed()
  }

  async compact(range: KeyRange = {}): Promise<void> {
    const bounds = halfOpen(range)
    await this.flush()
    await this.#background.compact(bounds)
    await this.#rest()
  }

  async settle(): Promise<void> {
    this.#requireOpen()
    await this.#background.settle()
    await this.#rest()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): EngineStats {
    const { tree, tables, cache, ledger, logs } = this.#parts
    const { memtable, frozen, version } = tree.state
    const memtables = [memtable, ...frozen]
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk + this.#checked.bytesFromDisk
    const counts = ledger.counts(liveBytesEstimate(version, memtables))
    return {
      engine: this.name,
      ledger: { ...counts, syncs: counts.syncs + logs.syncs },
      memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0) + cache.usedBytes + tables.residentBytes,
      cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
      pending: { memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0), jobs: this.#background.pendingJobs },
      stalls: { ...this.#queue.stalls },
    }
  }

  shape(): EngineShape {
    const { tree, runner, picker } = this.#parts
    return {
      ...shapeOf(tree.state),
      picker: picker.name,
      sequence: tree.sequence,
      snapshots: this.#snapshots.count,
      dropped: { ...runner.dropped },
    }
  }

  check(): AsyncIterable<Violation> {
    this.#requireOpen()
    const { tree, tables, context, hash32, touched } = this.#parts
    const counters = this.#checked
    return checkTree({
      state: tree.state,
      newest: () => tree.sequence,
      tables,
      hash32,
      counters,
      bookGet: () => book(touched, counters),
      scheduler: context.environment.scheduler,
    })
  }

  /** What is left to do when the background has nothing to do. */
  async #rest(): Promise<void> {
    this.#parts.pool.releaseIdle()
    await this.#parts.tables.removed()
  }

  #find(key: Uint8Array, sequence: number, out: ByteView): boolean {
    const { tree, tables, hash32 } = this.#parts
    const probes = this.#probes
    const { memtable, frozen, version, tombstones } = tree.state
    let isThere = this.#findIn(memtable, key, sequence, out)
    if (probes !== null) probes.searched(IN_MEMTABLE, memtable.list, key, sequence, this.#outcome(isThere, key, sequence))
    if (isThere) return this.#isLive(key, sequence)
    for (let index = 0; index < frozen.length; index++) {
      isThere = this.#findIn(frozen[index], key, sequence, out)
      if (probes !== null) {
        probes.searched({ in: 'frozen', index }, frozen[index].list, key, sequence, this.#outcome(isThere, key, sequence))
      }
      if (isThere) return this.#isLive(key, sequence)
    }
    const { levels } = version
    if (levels.length === 0) return false
    const hash = keyHash(hash32, key)
    const hit = this.#hit
    for (let level = 0; level < levels.length; level++) {
      const runs = levels[level]
      for (let run = 0; run < runs.length; run++) {
        const file = tableFor(runs[run].tables, key)
        if (file === undefined) {
          if (probes !== null) probes.skipped(level, runs[run])
          continue
        }
        if (probes !== null) probes.asks()
        if (!tables.open(file).get(key, hash, sequence, hit)) {
          if (probes !== null) probes.missed(level, file)
          continue
        }
        const isPut = hit.kind === KIND_PUT
        const isCovered = isPut && tombstones !== undefined && tombstones.newestOver(key, 0, key.length, sequence) > hit.sequence
        if (probes !== null) probes.found(level, file, isCovered ? 'covered' : isPut ? 'hit' : 'tombstone')
        if (!isPut || isCovered) return false
        out.set(hit.value.bytes, hit.value.start, hit.value.end)
        return true
      }
    }
    return false
  }

  #foundKind: EntryKind = KIND_PUT
  #foundSequence = 0

  #findIn(memtable: Memtable, key: Uint8Array, sequence: number, out: ByteView): boolean {
    const { list } = memtable
    const node = list.find(key, 0, key.length, sequence)
    if (node === 0) return false
    this.#foundKind = list.kindAt(node)
    this.#foundSequence = list.sequenceAt(node)
    list.setValueView(node, out)
    return true
  }

  /** Whether the version that `#findIn` met is a value that no range tombstone deletes. */
  #isLive(key: Uint8Array, sequence: number): boolean {
    if (this.#foundKind !== KIND_PUT) return false
    const { tombstones } = this.#parts.tree.state
    return tombstones === undefined || tombstones.newestOver(key, 0, key.length, sequence) <= this.#foundSequence
  }

  /** What a search of a memtable met. */
  #outcome(isThere: boolean, key: Uint8Array, sequence: number): ProbeOutcome {
    if (!isThere) return 'miss'
    if (this.#foundKind !== KIND_PUT) return 'tombstone'
    return this.#isLive(key, sequence) ? 'hit' : 'covered'
  }

  /** Runs `work` as part of an operation that began in an earlier turn. */
  #as<T>(owner: Owner | null, work: () => T): T {
    return this.#trace === null ? work() : this.#trace.within(owner, work)
  }

  /** Waits for room, then makes the attempt, and syncs if that is asked for. */
  #wait(attempt: () => boolean, { sync }: WriteOptions): Promise<void> {
    return this.#queue.wait(attempt, () => (sync ? this.#parts.logs.sync() : undefined), this.#stallReason())
  }

  #stallReason(): string {
    const { tree, options } = this.#parts
    if (!this.#queue.isEmpty) return 'other writers wait'
    if (tree.state.frozen.length >= MAX_FROZEN) return 'memtables wait for their flush'
    return tree.state.version.level(0).length >= options.level0StopTables ? 'level 0 is full' : 'other writers wait'
  }

  #tryApply(batch: WriteBatch): boolean {
    if (!this.#makeRoom(batch.byteLength, batch.count)) return false
    this.#apply(batch)
    return true
  }

  #apply(batch: WriteBatch): void {
    this.#append(batch)
    const { ledger } = this.#parts
    ledger.userBytes += batch.userBytes
    ledger.operations.batches++
    ledger.operations.deletes += batch.deletes
    ledger.operations.puts += batch.count - batch.deletes
  }

  #bookClear({ lower, upper }: HalfOpenRange): void {
    const { ledger } = this.#parts
    ledger.userBytes += (lower?.length ?? 0) + (upper?.length ?? 0)
    ledger.operations.clears++
  }

  /** Into the log, then into the memtable. */
  #append(batch: WriteBatch): void {
    const { tree, logs } = this.#parts
    batch.seal(tree.sequence + 1)
    logs.append(batch.bytes, batch.byteLength)
    const { state } = tree
    const ranges = state.memtable.apply(this.#reader.reset(batch.bytes, 0, batch.byteLength), this.#step)
    tree.sequence += batch.count
    if (ranges > 0) state.addTombstones(state.memtable.ranges.slice(-ranges))
  }

  /** True when the memtable can take the batch now; otherwise starts what will make room, or throws if nothing will. */
  #makeRoom(bytes: number, operations: number): boolean {
    const { tree, logs, options, pool } = this.#parts
    const { memtable, frozen, version } = tree.state
    if (memtable.hasRoom(bytes, operations)) return true
    if (logs.failure !== undefined) throw logs.refusal()
    const needed = Memtable.bytesFor(bytes, operations)
    if (memtable.isEmpty) {
      const larger = pool.take(needed, memtable.firstLog)
      tree.replaceEmpty(larger)
      return true
    }
    const level0Full = version.level(0).length >= options.level0StopTables
    if (this.#roomForAll || (frozen.length < MAX_FROZEN && !level0Full)) {
      this.#rotate(needed)
      return true
    }
    this.#background.schedule()
    const reason = this.#background.whyNoRoom(level0Full)
    if (reason !== undefined) throw reason
    return false
  }

  /** Freezes the memtable and goes on with a new one, of at least `bytes`, and a new log. */
  #rotate(bytes: number): void {
    const { tree, logs, pool } = this.#parts
    const number = tree.allocateFiles(1)
    logs.start(number, () => this.#registerLog(number))
    tree.freeze(pool.take(bytes, number))
    this.#background.schedule()
  }

  async #registerLog(number: number): Promise<void> {
    const { tree, context, ledger } = this.#parts
    // The log set runs this as a job.
    const owner = this.#trace?.owner
    await context.environment.fileSystem.syncDirectory(context.directory)
    ledger.syncs++
    await tree.apply({ log: number }, owner instanceof JobTracer ? owner : null)
  }

  #cursor(range: KeyRange, snapshot?: EngineSnapshot): LsmCursor {
    const { tree, tables, ledger } = this.#parts
    return new LsmCursor(tree.state, tables, halfOpen(range), this.#snapshots.resolve(snapshot, tree.sequence), ledger.scan)
  }

  /** The deletion of what the range holds now; `undefined` if it holds nothing. */
  #clearBatch(range: KeyRange): WriteBatch | undefined {
    if (isEmptyRange(halfOpen(range))) return undefined
    const batch = new WriteBatch()
    const cursor = this.#cursor(range)
    try {
      let keys = 0
      for (cursor.first(); cursor.valid && keys <= CLEAR_KEY_BY_KEY; cursor.next(), keys++) batch.del(cursor.key.copy())
      if (keys <= CLEAR_KEY_BY_KEY) return keys === 0 ? undefined : batch
      batch.clear()
      cursor.first()
      const first = cursor.key.copy()
      cursor.last()
      batch.deleteRange(first, cursor.key.copy())
      return batch
    } finally {
      cursor.close()
    }
  }

  async #close(): Promise<void> {
    const { tree, logs } = this.#parts
    this.#roomForAll = true
    this.#queue.drain()
    await this.#background.close()
    try {
      await logs.close()
    } finally {
      await tree.close(logs.failure === undefined ? logs.ends : undefined)
    }
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new MisuseError('LEVEL_ENGINE_CLOSED', 'The engine is closed; open it again')
  }
}

/** Moves what a get has touched to where it belongs. */
function book(touched: ReadCounts, counts: ReadCounts): void {
  counts.filterProbes += touched.filterProbes
  counts.filterNegatives += touched.filterNegatives
  counts.filterFalsePositives += touched.filterFalsePositives
  counts.blocksFromCache += touched.blocksFromCache
  counts.blocksFromDisk += touched.blocksFromDisk
  counts.bytesFromDisk += touched.bytesFromDisk
  touched.filterProbes = touched.filterNegatives = touched.filterFalsePositives = 0
  touched.blocksFromCache = touched.blocksFromDisk = touched.bytesFromDisk = 0
}
