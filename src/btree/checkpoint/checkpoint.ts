/**
 * The checkpoint: writes the tree of one moment to the data file while writes go on, and makes it the tree that the next open begins with.
 *
 *   1. a new log is begun; the tree's root is held
 *   2. dirty pages are written to free places, then the free list of this tree, then the file is synced
 *   3. the older meta page is overwritten and synced: from here on the new tree is in force
 *   4. earlier logs are removed; pages that only the earlier tree reaches become free; a free end of the file is cut off
 *
 * Invariants:
 * 1. Until step 3 is done, nothing that the meta page in force refers to is overwritten, nor are its logs removed.
 * 2. A failure before step 3 changes nothing: what was written is free space again. After a failure in step 3 either tree may be in force,
 *    so writing stops until the store is opened again.
 * 3. The free list of a tree names every unit that neither the tree nor the list itself occupies. It includes units that older readers or
 *    the earlier tree still need: these do not outlive the process.
 * 4. Dirty pages that only readers still reach are written, too, so that they do not stay in memory.
 */
import { JobPace, type JobTime } from '../../engine/durable/job-pace.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import type { Hash32 } from '../../codec/checksum.js'
import { LOG_HEADER_BYTES } from '../../wal/format.js'
import { withSpan, type Span, type Tracer } from '../../trace/span.js'
import type { Environment } from '../../vfs/environment.js'
import type { CurrentLog } from './current-log.js'
import type { DroppedSubtrees } from '../pages/dropped-subtrees.js'
import type { Extents } from '../pages/extents.js'
import type { LeftPage } from '../pages/former-page.js'
import { FreeListWriter, type FreedExtents } from '../pages/free-list.js'
import type { FreeSpace } from '../pages/free-space.js'
import type { LevelCounts } from '../pages/level-counts.js'
import type { LiveVersion } from '../pages/live-versions.js'
import { encodeMeta, metaOffset, type Meta } from '../pages/meta-page.js'
import type { PageFile } from '../pages/page-file.js'
import { PageWriter } from '../pages/page-writer.js'
import { Reference, type ReferenceFields } from '../pages/reference.js'
import type { Tree } from '../tree/tree.js'

export interface CheckpointOptions {
  readonly environment: Environment
  readonly tree: Tree
  readonly file: PageFile
  readonly free: FreeSpace
  readonly dropped: DroppedSubtrees
  readonly hash32: Hash32
  /** The meta page in force, and the root it refers to. */
  readonly meta: Meta
  readonly version: LiveVersion
  readonly trace?: Tracer | undefined
}

/** A tree that an ingest has written. */
export interface NextTree {
  readonly height: number
  readonly root: ReferenceFields
  readonly sequence: number
  readonly levels: LevelCounts
  /** Offset and length of each page of the present tree that is not in this one, the root first. */
  readonly replaced: number[]
  /** The same for what the ingest has written and no tree needs. */
  readonly unused: number[]
}

/** How long a checkpoint takes by its bytes, until one has shown it: 200 MB a second. */
const ASSUMED_MS_PER_BYTE = 1 / 200_000
/** The end of the file is cut off when this share of it is free. */
const CUT_SHARE = 1 / 16

export class Checkpointer {
  readonly #options: CheckpointOptions
  readonly #writer: PageWriter
  readonly #freeList: FreeListWriter
  readonly #pace: JobPace
  #meta: Meta
  #version: LiveVersion
  #isRunning = false
  /** Checkpoints since open. */
  count = 0
  /** Extents that an ingest under way has taken: in the free list of a checkpoint they are free. */
  unborn: Extents | undefined

  constructor(options: CheckpointOptions) {
    const { environment, tree, file, free, meta, version } = options
    const { clock, scheduler } = environment
    this.#options = options
    this.#meta = meta
    this.#version = version
    this.#writer = new PageWriter({ file, store: tree.store, free, versions: tree.versions, clock, scheduler })
    this.#pace = new JobPace(clock, ASSUMED_MS_PER_BYTE)
    this.#freeList = new FreeListWriter(file, free, () => scheduler.turn())
  }

  get meta(): Meta {
    return this.#meta
  }

  /** The version on disk. */
  get version(): LiveVersion {
    return this.#version
  }

  /** Whether the tree differs from the one on disk. */
  get isDue(): boolean {
    const { tree } = this.#options
    return tree.root !== this.#version.root || tree.sequence !== this.#meta.sequence
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** What is expected of the checkpoint under way; `undefined` if there is none, or nothing to judge it by. */
  expect(now: number): JobTime | undefined {
    return this.#pace.expect(now, this.#writer.dirtyBytes)
  }

  /** Writes dirty pages without making a checkpoint, so that they can leave memory: for recovery. */
  async writeOut(): Promise<void> {
    const { tree, file } = this.#options
    const version = tree.versions.hold(tree.root, false)
    try {
      await this.#writer.write(version, null)
      await file.sync()
      await this.#writer.settle(null)
    } finally {
      this.#writer.abandon()
      tree.versions.release(version, false)
    }
  }

  /**
   * Records in the meta page where the logs end, so that the next open detects a log that was cut. Earlier logs are removed if the tree on
   * disk has their content; the last one stays, so that an older data file is detected.
   */
  async recordEnds(logs: LogSet, log: CurrentLog): Promise<void> {
    const ends = new Map([...this.#meta.ends, ...logs.ends])
    const firstLog = this.isDue ? this.#meta.firstLog : log.number
    await this.#putInForce({ ...this.#meta, number: this.#meta.number + 1, firstLog, lastLog: log.number, ends })
    await logs.release(firstLog)
  }

  /** Makes a checkpoint in the span. Poisons `logs` if a failure leaves open which tree is in force. */
  async run(logs: LogSet, log: CurrentLog, span: Span | null): Promise<void> {
    const before = this.count
    this.#isRunning = true
    this.#pace.begin(this.#options.tree.store.dirtyBytes)
    try {
      await this.#run(logs, log, span)
    } finally {
      this.#pace.end(this.count > before)
      this.#isRunning = false
    }
  }

  async #run(logs: LogSet, log: CurrentLog, span: Span | null): Promise<void> {
    const { tree, file, dropped } = this.#options
    if (logs.size > LOG_HEADER_BYTES) log.rotate(logs)
    const firstLog = log.number
    const { failedSyncs } = file
    const { sequence } = tree
    const hasExpiries = tree.expiries.isUsed
    const levels = tree.levels.clone()
    const version = tree.versions.hold(tree.root, false)
    const readers = tree.versions.live.filter(other => other !== version && other.readers > 0)
    for (const reader of readers) tree.versions.retain(reader, false)
    const { meta: metaBefore, version: versionBefore } = this
    let freeList: Reference | undefined
    let [pagesWritten, bytesWritten] = [0, 0]
    try {
      for (const each of [version, ...readers]) await this.#writer.write(each, span)
      await dropped.walk(this.#pendingBefore(version), levels, span)
      const pending = [...this.#pendingBefore(version), ...this.#unborn()]
      const list = await this.#freeList.write(pending, this.#meta.freeList, span)
      freeList = list.reference
      await withSpan(span, () => Promise.all([file.sync(failedSyncs), log.makeDurable(span)]))
      if (logs.isRetaining) await withSpan(span, () => logs.sync())
      pagesWritten = this.#writer.pages
      bytesWritten = this.#writer.bytes
      await this.#writer.settle(span)
      const root = this.#rootReference(version)
      const height = root.units === 0 ? 0 : version.root.level + 1
      const number = this.#meta.number + 1
      const { pages, units } = levels
      const logsToKeep = { firstLog, lastLog: firstLog, ends: new Map<number, number>() }
      const meta = {
        ...this.#meta,
        ...logsToKeep,
        number,
        height,
        sequence,
        length: list.length,
        root,
        freeList,
        pages,
        units,
        hasExpiries,
      }
      await this.#writeDown(meta, logs, span)
      this.#meta = meta
      this.#version = version
      this.count++
    } catch (error) {
      withSpan(span, () => this.#undo(logs, version, freeList))
      throw error
    } finally {
      withSpan(span, () => {
        for (const reader of readers) tree.versions.release(reader, false)
      })
    }
    withSpan(span, () => {
      this.#follow(metaBefore)
      this.#emitEnd(pagesWritten, bytesWritten)
    })
    await this.#releaseVersion(versionBefore, span)
    this.noteStoredShare()
    await withSpan(span, () => logs.release(firstLog))
    if (this.#excess > file.size * CUT_SHARE) withSpan(span, () => this.cut())
  }

  /**
   * Puts a tree in force that an ingest has written, in the place of the one on disk, which is the present one. No write comes between. What
   * fails before the meta page changes leaves everything as it was. `adopted` is called in the step in which the tree becomes the present one.
   */
  async adopt(next: NextTree, logs: LogSet, log: CurrentLog, span: Span | null, adopted: () => void): Promise<void> {
    const { tree, file } = this.#options
    const { store } = tree
    const { height, sequence, levels } = next
    const root = withSpan(span, () => store.loaded(store.attach(height - 1, next.root)))
    const { meta: metaBefore, version: versionBefore } = this
    const { failedSyncs } = file
    let freeList: Reference | undefined
    try {
      if (logs.size > LOG_HEADER_BYTES) withSpan(span, () => log.rotate(logs))
      const firstLog = log.number
      const pending = tree.versions.live.map(({ pendingFree }) => pendingFree).flat()
      const unneeded = [next.replaced, next.unused].map(inExtents)
      const list = await this.#freeList.write([...pending, ...unneeded], metaBefore.freeList, span)
      freeList = list.reference
      await withSpan(span, () => Promise.all([file.sync(failedSyncs), log.makeDurable(span)]))
      if (logs.isRetaining) await withSpan(span, () => logs.sync())
      const logsToKeep = { firstLog, lastLog: firstLog, ends: new Map<number, number>() }
      const { pages, units } = levels
      const number = metaBefore.number + 1
      const reference = Object.assign(new Reference(), next.root)
      const meta = { ...metaBefore, ...logsToKeep, number, height, sequence, length: list.length, root: reference, freeList, pages, units }
      await this.#writeDown(meta, logs, span)
      this.#meta = meta
    } catch (error) {
      withSpan(span, () => {
        store.discard(root)
        if (logs.failure === undefined && freeList !== undefined && freeList.units > 0) {
          this.#options.free.free(freeList.offset, freeList.units)
        }
      })
      throw error
    }
    withSpan(span, () => {
      tree.adopt(root, levels, sequence, next.replaced)
      this.#version = tree.versions.hold(root, false)
      this.#follow(metaBefore)
      adopted()
    })
    await this.#releaseVersion(versionBefore, span)
    this.noteStoredShare()
    await withSpan(span, () => logs.release(this.#meta.firstLog))
  }

  /** After a failure: frees what was written, since nothing refers to it. */
  #undo(logs: LogSet, version: LiveVersion, list: Reference | undefined): void {
    const { tree, free } = this.#options
    if (logs.failure === undefined) {
      this.#writer.abandon()
      if (list !== undefined && list.units > 0) free.free(list.offset, list.units)
    }
    tree.versions.release(version, false)
  }

  /** Makes sure that the meta page in force is durable. */
  rewriteMeta(): Promise<void> {
    return this.#putInForce(this.#meta)
  }

  /** Names the first log of a session and those that it follows. The tree stays the same, so either meta page may be in force. */
  startLog(firstLog: number, lastLog: number, ends: ReadonlyMap<number, number>): Promise<void> {
    return this.#putInForce({ ...this.#meta, number: this.#meta.number + 1, firstLog, lastLog, ends })
  }

  async #putInForce(meta: Meta): Promise<void> {
    const before = this.#meta
    await this.#writeMeta(meta, null)
    this.#meta = meta
    this.#follow(before)
  }

  /** `#writeMeta`, which poisons the logs if it fails. */
  async #writeDown(meta: Meta, logs: LogSet, span: Span | null): Promise<void> {
    try {
      await this.#writeMeta(meta, span)
    } catch (error) {
      logs.poison(error)
      throw error
    }
  }

  /** Resolves when the meta page is durable, and so in force. */
  #writeMeta(meta: Meta, span: Span | null): Promise<void> {
    const { file, hash32 } = this.#options
    const bytes = encodeMeta(meta, hash32)
    return withSpan(span, async () => {
      file.write(bytes, metaOffset(meta.number), 0, bytes.length, 'meta')
      await file.sync()
    })
  }

  /** The meta page in force has changed. */
  #follow({ freeList: before }: Meta): void {
    const { trace, free } = this.#options
    const { number, sequence, firstLog, lastLog, freeList } = this.#meta
    trace?.emit({ type: 'meta.write', number, entrySequence: sequence, firstLog, lastLog })
    if (before.units > 0 && before.offset !== freeList.offset) free.free(before.offset, before.units)
  }

  /** Releases the version that was on disk before. Readers may still hold it. */
  async #releaseVersion(before: LiveVersion, span: Span | null): Promise<void> {
    const { tree, environment } = this.#options
    await tree.versions.releaseInTurns(
      before,
      () => environment.scheduler.turn(),
      work => withSpan(span, work),
    )
  }

  /** Compares what the pages on disk take with their contents, if there are no others than those of the tree in force. */
  noteStoredShare(): void {
    const { tree, file, free } = this.#options
    const { freeList, units } = this.#meta
    const contents = units.reduce((sum, each) => sum + each, 0)
    if (file.packer === undefined || contents === 0 || tree.versions.live[0] !== this.#version) return
    tree.store.storedShare = Math.min(1, (free.end - free.freeUnits - file.firstUnit - freeList.units) / contents)
  }

  #rootReference({ root }: LiveVersion): Reference {
    const reference = new Reference()
    if (root.offset === 0) return reference
    reference.offset = root.offset
    reference.units = root.units
    reference.check = root.check
    reference.entries = root.entries
    reference.liveBytes = root.liveBytes
    return reference
  }

  /** Pages that left the tree before this version was held. */
  #pendingBefore(version: LiveVersion): LeftPage[] {
    const before = this.#options.tree.versions.live.filter(other => other.generation < version.generation)
    // Not flatMap, which takes milliseconds for the pages of a large tree.
    return ([] as LeftPage[]).concat(...before.map(({ pendingFree }) => pendingFree))
  }

  #unborn(): FreedExtents[] {
    return this.unborn === undefined ? [] : [inExtents([...this.unborn.pairs])]
  }

  #emitEnd(pages: number, bytes: number): void {
    const { trace, file, free } = this.#options
    const { number, firstLog } = this.#meta
    const [fileBytes, freeBytes] = [file.size, free.freeUnits * file.unitBytes]
    trace?.emit({ type: 'checkpoint.end', number, firstLog, pages, bytes, fileBytes, freeBytes })
  }

  /** Truncates the file behind its last used unit. */
  cut(): void {
    const { file } = this.#options
    if (this.#excess <= 0) return
    try {
      file.truncate(file.size - this.#excess)
    } catch {
      // The file stays longer than necessary.
    }
  }

  /** Unused bytes at the end of the file. */
  get #excess(): number {
    const { file, free } = this.#options
    return file.size - Math.max(free.end, this.#meta.length) * file.unitBytes
  }
}

function inExtents(extents: number[]): FreedExtents {
  return { offset: 0, units: 0, extents }
}
