/**
 * Brings the data file of an earlier checkpoint to the tree of a later moment, as a checkpoint of the store's own tree does it:
 *
 *   1. pages that the earlier tree does not have are written to places that it does not use, then the free list, then the file is synced
 *   2. the older meta page is overwritten and synced: from here on the later tree is in force
 *   3. the other meta page gets the same tree; a free end of the file is cut off
 *
 * Invariants:
 * 1. Until step 2 is done nothing that the meta page in force refers to is overwritten. That page itself is durable before anything is
 *    written: a process that was killed may have left it in the system's memory.
 * 2. The places in use are those of the later tree alone: what the earlier tree has besides is free for the next update.
 * 3. From before step 1 on the directory has no log. Sessions that wrote nothing may have left some, which are removed first.
 * 4. Pages keep the identity of the file, which is part of their checks.
 */
import type { CheckpointUpdate, CheckpointUpdateOptions } from '../engine/contract.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import { AbortError } from '../errors.js'
import { Ledger } from '../trace/ledger.js'
import { withSpan, type Span } from '../trace/span.js'
import { joinPath, type FileHandle, type FileSystem } from '../vfs/file-system.js'
import { PatchedFileSystem } from '../vfs/patched-file-system.js'
import { EarlierTree } from './earlier-tree.js'
import { DATA_FILE } from './file-names.js'
import { FreeListWriter, readFreeList, type FreeList } from './pages/free-list.js'
import { FreeSpace } from './pages/free-space.js'
import { encodeMeta, META_AREA_BYTES, META_BYTES, metaOffset, readMeta, type Meta } from './pages/meta-page.js'
import type { Page } from './pages/page.js'
import { PageFile } from './pages/page-file.js'
import { Reference } from './pages/reference.js'
import type { BtreeParts } from './parts.js'
import { TreeCopy } from './tree-copy.js'

/** A file of which the tree would take less than this share is made anew, so that it does not keep the space of a tree that has shrunk. */
const LEAST_SHARE = 1 / 3

/** The tree of a moment that is held meanwhile. */
export interface HeldTree {
  readonly root: Page
  readonly sequence: number
  readonly hasExpiries: boolean
}

export interface TreeUpdateOptions extends CheckpointUpdateOptions {
  readonly span: Span | null
}

export class TreeUpdate implements CheckpointUpdate {
  readonly pages = { kept: 0, written: 0 }
  readonly #parts: BtreeParts
  readonly #directory: string
  readonly #handle: FileHandle
  readonly #span: Span | null
  /** The meta page in force, and the length of the file with it. */
  #before: Meta
  readonly #size: number
  /** The meta page that the commit writes; `undefined` where it has nothing to write. */
  #next: Meta | undefined
  /** The next meta page may be in force. */
  #isCommitting = false

  private constructor(parts: BtreeParts, directory: string, handle: FileHandle, span: Span | null) {
    this.#parts = parts
    this.#directory = directory
    this.#handle = handle
    this.#span = span
    this.#before = readMeta(handle, parts.hash32)
    this.#size = handle.size()
    parts.ledger.read.backup += 2 * META_BYTES
  }

  /**
   * `undefined` for a file with pages of another size, one that is much larger than the tree, one that has further names, which are to keep what
   * they have, and the file of the tree itself.
   */
  static async prepare(parts: BtreeParts, directory: string, held: HeldTree, options: TreeUpdateOptions): Promise<TreeUpdate | undefined> {
    const { fileSystem } = parts.context.environment
    const path = joinPath(directory, DATA_FILE)
    if (fileSystem.stat(path)?.hasOtherNames === true) return undefined
    const handle = withSpan(options.span, () => fileSystem.openWrite(path))
    let update: TreeUpdate | undefined
    let isReady = false
    try {
      update = withSpan(options.span, () => new TreeUpdate(parts, directory, handle, options.span))
      isReady = await update.#prepare(held, options)
      return isReady ? update : undefined
    } finally {
      if (!isReady) withSpan(options.span, () => (update ?? handle).close())
    }
  }

  preview(fileSystem: FileSystem): FileSystem {
    const next = this.#next
    if (next === undefined) return fileSystem
    const path = joinPath(this.#directory, DATA_FILE)
    return new PatchedFileSystem(fileSystem, path, encodeMeta(next, this.#parts.hash32), metaOffset(next.number))
  }

  async commit(): Promise<void> {
    const next = this.#next
    if (next === undefined) return
    this.#isCommitting = true
    await this.#writeMetas(next)
    this.#cut(Math.max(next.length * next.unitBytes, META_AREA_BYTES))
  }

  close(): void {
    if (!this.#isCommitting) this.#cut(this.#size)
    this.#handle.close()
  }

  async #prepare(held: HeldTree, { signal, onKept }: TreeUpdateOptions): Promise<boolean> {
    const { hash32, file: source, ledger, tree, store, context, checkpointer } = this.#parts
    const { clock, scheduler } = context.environment
    const [handle, span] = [this.#handle, this.#span]
    const { unitBytes, pageBytes, identity } = this.#before
    if (unitBytes !== source.unitBytes || pageBytes !== source.pageBytes || identity === checkpointer.meta.identity) return false
    const file = new PageFile({ file: handle, unitBytes, pageBytes, identity, hash32, ledger: new Ledger() })
    const free = withSpan(span, () => readFreeList(file, this.#before))
    const units = tree.levels.units.reduce((sum, each) => sum + each, 0) * store.storedShare
    if (units < (free.end - file.firstUnit) * LEAST_SHARE) return false
    await this.#begin()
    const before = this.#before
    const used = new FreeSpace(file.firstUnit, file.firstUnit)
    const places = {
      take: (units: number): number => {
        this.pages.written++
        const offset = free.take(units)
        used.mark(offset, units)
        return offset
      },
      keep: ({ offset, units }: Reference): void => {
        this.pages.kept++
        used.mark(offset, units)
        onKept(units * unitBytes)
      },
    }
    const earlier = withSpan(span, () => new EarlierTree({ handle, file, meta: before, ledger }))
    const target = { handle, identity, hash32 }
    const copy = new TreeCopy({ store, file: source, ledger, target, places, earlier, clock, scheduler, signal, span })
    const isEmpty = held.root.level === 0 && held.root.entries === 0
    const root = isEmpty ? new Reference() : await copy.copy(held.root)
    if (signal?.aborted === true) throw new AbortError()
    if (root.offset === before.root.offset && held.sequence === before.sequence && held.hasExpiries === before.hasExpiries) return true
    const list = await new FreeListWriter(file, free, () => scheduler.turn()).writeMap(used, span)
    ledger.written.backup += list.reference.units * unitBytes
    ledger.read.backup += file.bytesRead
    await this.#sync()
    this.#next = this.#metaOf(held, root, list, copy)
    return true
  }

  #metaOf({ root: { level }, sequence, hasExpiries }: HeldTree, root: Reference, list: FreeList, { levels }: TreeCopy): Meta {
    return {
      ...this.#before,
      height: root.units === 0 ? 0 : level + 1,
      number: this.#before.number + 1,
      sequence,
      length: list.length,
      root,
      freeList: list.reference,
      pages: levels.pages,
      units: levels.units,
      hasExpiries,
    }
  }

  /** Makes the meta page in force durable, and ends the need for logs. */
  async #begin(): Promise<void> {
    const { context, ledger } = this.#parts
    const { fileSystem } = context.environment
    await this.#writeMeta(this.#before)
    const logs = fileSystem.list(this.#directory).flatMap(name => parseLogName(name) ?? [])
    const lastLog = Math.max(this.#before.lastLog, ...logs)
    if (lastLog >= this.#before.firstLog) {
      this.#before = await this.#writeMetas({
        ...this.#before,
        number: this.#before.number + 1,
        firstLog: lastLog + 1,
        lastLog,
        ends: new Map(),
      })
    }
    if (logs.length === 0) return
    withSpan(this.#span, () => {
      for (const log of logs) fileSystem.remove(joinPath(this.#directory, logName(log)))
    })
    await withSpan(this.#span, () => fileSystem.syncDirectory(this.#directory))
    ledger.syncs++
  }

  /** Puts the meta page in force, and then another one that says the same: either may be damaged later. Resolves to the latter. */
  async #writeMetas(meta: Meta): Promise<Meta> {
    await this.#writeMeta(meta)
    const other = { ...meta, number: meta.number + 1 }
    await this.#writeMeta(other)
    return other
  }

  async #writeMeta(meta: Meta): Promise<void> {
    const { hash32, ledger } = this.#parts
    const bytes = encodeMeta(meta, hash32)
    withSpan(this.#span, () => this.#handle.write(bytes, metaOffset(meta.number)))
    ledger.written.backup += bytes.length
    await this.#sync()
  }

  async #sync(): Promise<void> {
    await withSpan(this.#span, () => this.#handle.sync())
    this.#parts.ledger.syncs++
  }

  /** Cuts off what is behind `size`. */
  #cut(size: number): void {
    try {
      if (this.#handle.size() > size) withSpan(this.#span, () => this.#handle.truncate(size))
    } catch {
      // The file stays longer than necessary.
    }
  }
}
