/**
 * The checkpoint: brings the tree as it is at one moment to the data file, while writes go on, and makes it what the next open begins with.
 *
 *   1. a new log is begun; the tree's root is held
 *   2. dirty pages are written to free places, then the list of what is free in this tree, then all of it is synced
 *   3. the older meta page is overwritten and synced: from here on the new tree counts
 *   4. logs from before are removed; pages that only the tree before needs are free; a free end of the file is cut off
 *
 * Invariants:
 * 1. Until step 3 is done, nothing that the meta page in force refers to is overwritten, nor are its logs removed.
 * 2. A failure before step 3 changes nothing: what was written is free space again. After a failure in step 3 it is not known which tree
 *    counts, so writing stops until the store is opened again.
 * 3. The free list of a tree names every unit that neither the tree nor the list itself occupies, those that older readers or the tree
 *    before still need among them: none of them outlives the process.
 * 4. Pages of readers that left the tree before they were ever written are written, too, so that they do not stay in memory.
 */
import type { LogSet } from '../engine/log-set.js'
import type { Hash32 } from '../codec/checksum.js'
import { LOG_HEADER_BYTES } from '../wal/format.js'
import type { JobTracer } from '../trace/trace.js'
import type { Environment } from '../vfs/environment.js'
import type { DroppedSubtrees } from './dropped-subtrees.js'
import type { FreeSpace } from './free-space.js'
import type { HeldRoot } from './held-roots.js'
import { encodeMeta, metaOffset, type Meta } from './meta-page.js'
import type { Page } from './page.js'
import type { PageFile } from './page-file.js'
import { PageWriter } from './page-writer.js'
import { Reference } from './reference.js'
import type { Tree } from './tree.js'

export interface CheckpointOptions {
  readonly environment: Environment
  readonly tree: Tree
  readonly file: PageFile
  readonly free: FreeSpace
  readonly dropped: DroppedSubtrees
  readonly hash32: Hash32
  /** The meta page in force, and the root it refers to. */
  readonly meta: Meta
  readonly held: HeldRoot
}

/** Thrown by a checkpoint that was told to give up. */
export class CheckpointCancelled extends Error {
  override readonly name = 'CheckpointCancelled'
}

/** The end of the file is cut off when this share of it is free. */
const CUT_SHARE = 1 / 16
const PAGES_A_TURN = 2048

export class Checkpointer {
  readonly #options: CheckpointOptions
  readonly #writer: PageWriter
  #meta: Meta
  #held: HeldRoot
  #cancelled = false
  /** Checkpoints since open. */
  count = 0

  constructor(options: CheckpointOptions) {
    const { environment, tree, file, free, meta, held } = options
    const { clock, scheduler } = environment
    this.#options = options
    this.#meta = meta
    this.#held = held
    this.#writer = new PageWriter({ file, store: tree.store, free, clock, scheduler, onSlice: () => this.#goOn() })
  }

  get meta(): Meta {
    return this.#meta
  }

  /** The root of the tree on disk. */
  get held(): HeldRoot {
    return this.#held
  }

  /** Whether the tree is another than the one on disk. */
  get isDue(): boolean {
    const { tree } = this.#options
    return tree.root !== this.#held.root || tree.sequence !== this.#meta.sequence
  }

  /** Between slices. */
  #goOn(): void {
    if (this.#cancelled) throw new CheckpointCancelled('The checkpoint was given up')
  }

  readonly #turn = async (): Promise<void> => {
    await this.#options.environment.scheduler.turn()
    this.#goOn()
  }

  /** Makes the checkpoint under way, and every later one, give up at its next slice. */
  cancel(): void {
    this.#cancelled = true
  }

  /** Writes dirty pages without making a checkpoint, so that they can leave memory: for recovery. */
  async writeOut(): Promise<void> {
    const { tree, file } = this.#options
    const held = tree.held.hold(tree.root, false)
    try {
      await this.#writer.write(held.root)
      await file.sync()
      await this.#writer.settle()
    } finally {
      this.#writer.abandon()
      tree.held.release(held, false)
    }
  }

  /** `run`, told as a job. */
  async runAs(job: JobTracer, logs: LogSet, log: CurrentLog): Promise<void> {
    const { file } = this.#options
    file.job = job
    try {
      await job.trace.during(job, () => this.run(logs, log))
    } finally {
      file.job = null
    }
  }

  /** `logs` is poisoned if it is left unknown which tree counts. */
  async run(logs: LogSet, log: CurrentLog): Promise<void> {
    const { tree } = this.#options
    if (logs.size > LOG_HEADER_BYTES) log.rotate(logs)
    const firstLog = log.number
    const { sequence } = tree
    const levels = tree.levels.clone()
    const held = tree.held.hold(tree.root, false)
    const readers = tree.held.held.filter(other => other !== held && other.readers > 0)
    for (const reader of readers) tree.held.holdAgain(reader, false)
    let list: Reference | undefined
    try {
      for (const { root } of [held, ...readers]) await this.#writer.write(root)
      await this.#options.dropped.walk(this.#deadBefore(held), levels)
      const { reference, length } = await this.#writeFreeList(held)
      list = reference
      await Promise.all([this.#options.file.sync(), log.makeDurable()])
      await this.#writer.settle()
      const { pages, units } = levels
      const root = this.#rootReference(held)
      const height = root.units === 0 ? 0 : held.root.level + 1
      const number = this.#meta.number + 1
      await this.writeMeta(
        {
          ...this.#meta,
          number,
          height,
          sequence,
          firstLog,
          lastLog: firstLog,
          length,
          root,
          freeList: list,
          pages,
          units,
          ends: new Map(),
        },
        logs,
      )
      this.count++
    } catch (error) {
      if (logs.failure === undefined) {
        this.#writer.abandon()
        if (list !== undefined && list.units > 0) this.#options.free.free(list.offset, list.units)
      }
      tree.held.release(held, false)
      throw error
    } finally {
      for (const reader of readers) tree.held.release(reader, false)
    }
    await this.#replace(held)
    await this.#options.file.asJob(() => logs.release(firstLog))
    if (this.#excess > this.#options.file.size * CUT_SHARE) this.cut()
  }

  /** Makes sure that the meta page in force is durable. Poisons the logs if it fails. */
  rewriteMeta(logs: LogSet): Promise<void> {
    return this.writeMeta(this.#meta, logs)
  }

  /** Puts a meta page in force. Poisons the logs if it fails. */
  async writeMeta(meta: Meta, logs: LogSet): Promise<void> {
    const { file, hash32 } = this.#options
    const before = this.#meta
    try {
      const bytes = encodeMeta(meta, hash32)
      file.write(bytes, metaOffset(meta.number), 0, bytes.length, 'meta')
      await file.sync()
    } catch (error) {
      logs.poison(error)
      throw error
    }
    this.#meta = meta
    if (before.freeList.units > 0 && before.freeList.offset !== meta.freeList.offset) {
      this.#options.free.free(before.freeList.offset, before.freeList.units)
    }
  }

  /** The tree that was on disk before is of no use any more, unless readers hold it. */
  async #replace(held: HeldRoot): Promise<void> {
    const { tree, environment } = this.#options
    const before = this.#held
    this.#held = held
    await tree.held.releaseSlowly(before, () => environment.scheduler.turn())
  }

  #rootReference({ root }: HeldRoot): Reference {
    const reference = new Reference()
    if (root.offset === 0) return reference
    reference.offset = root.offset
    reference.units = root.units
    reference.check = root.check
    reference.entries = root.entries
    reference.liveBytes = root.liveBytes
    return reference
  }

  /** What left the tree before the held root was taken. */
  #deadBefore(held: HeldRoot): Page[] {
    return this.#options.tree.held.held.filter(other => other.generation < held.generation).flatMap(({ dead }) => dead)
  }

  /**
   * Writes what will be free once the held tree is in force; returns the reference to it, and the length of the file then. Takes turns: what
   * is free and what is dead are noted at one moment, and pages that readers let go meanwhile are among the dead.
   */
  async #writeFreeList(held: HeldRoot): Promise<{ readonly reference: Reference; readonly length: number }> {
    const { free, file } = this.#options
    const after = free.clone()
    let sinceTurn = 0
    for (const page of this.#deadBefore(held)) {
      if (++sinceTurn % PAGES_A_TURN === 0) await this.#turn()
      if (page.offset > 0) after.free(page.offset, page.units)
      const { extents } = page
      for (let i = 0; i < (extents?.length ?? 0); i += 2) after.free(extents![i], extents![i + 1])
    }
    const { freeList } = this.#meta
    if (freeList.units > 0) after.free(freeList.offset, freeList.units)
    const reference = new Reference()
    if (after.freeUnits === 0) return { reference, length: after.end > file.firstUnit ? after.end : 0 }
    // Taking the list's own place may cut a stretch in two or bring the end of the file with it.
    reference.units = Math.ceil(((await after.encode(this.#turn)).length + 32) / file.unitBytes)
    reference.offset = free.take(reference.units)
    try {
      after.mark(reference.offset, reference.units)
      const { bytes, length, runs } = await after.encode(this.#turn)
      const extent = new Uint8Array(reference.units * file.unitBytes)
      extent.set(bytes.subarray(0, length))
      reference.check = file.checkOf(extent, reference.offset)
      reference.entries = runs
      reference.liveBytes = length
      file.write(extent, reference.offset * file.unitBytes, 0, extent.length, 'meta')
    } catch (error) {
      free.free(reference.offset, reference.units)
      throw error
    }
    return { reference, length: after.end }
  }

  /** Gives back what is free at the end of the file. */
  cut(): void {
    const { file } = this.#options
    if (this.#excess <= 0) return
    try {
      file.truncate(file.size - this.#excess)
    } catch {
      // The file stays longer than it need be.
    }
  }

  /** Bytes at the end of the file in which nothing is. */
  get #excess(): number {
    const { file, free } = this.#options
    return file.size - Math.max(free.end, this.#meta.length) * file.unitBytes
  }
}

export interface LogNames {
  /** Removes what a failed attempt may have left under the name of a new log. */
  clear(number: number): void
  makeDurable(): Promise<void>
}

/** The log that is being written. */
export class CurrentLog {
  number: number
  readonly #names: LogNames
  /** Resolves when the header is durable; `undefined` once header and name are. */
  #header: Promise<void> | undefined

  constructor(number: number, names: LogNames) {
    this.number = number
    this.#names = names
  }

  /** Goes on in a new log. Numbers have no gaps, so a number is used up only when its log is there. */
  rotate(logs: LogSet): void {
    const number = this.number + 1
    this.#names.clear(number)
    logs.start(number, () => this.makeDurable())
    this.number = number
    this.#header = logs.syncHeader()
    // Whoever needs it to be durable hears of a failure, and so does everybody who writes.
    this.#header.catch(() => undefined)
  }

  /** Resolves when a power loss leaves the log its name and its header. */
  async makeDurable(): Promise<void> {
    const header = this.#header
    if (header === undefined) return
    await header
    await this.#names.makeDurable()
    if (header === this.#header) this.#header = undefined
  }
}
