/**
 * The B+tree's part of a checkpoint of the store: a data file with the tree of one moment, in another directory. It needs no log, and the
 * sequence numbers go on from there. The file is a new one, or that of an earlier checkpoint, see store-update.ts.
 */
import type { CallTracker } from '../engine/call-tracker.js'
import type { CheckpointUpdate, CheckpointUpdateOptions, EngineCheckpoint } from '../engine/contract.js'
import { AbortError } from '../errors.js'
import { withSpan, type Span } from '../trace/span.js'
import { joinPath, type FileHandle } from '../vfs/file-system.js'
import { DATA_FILE } from './file-names.js'
import type { LiveVersion } from './pages/live-versions.js'
import { encodeMeta, metaOffset, type Meta } from './pages/meta-page.js'
import { Reference } from './pages/reference.js'
import type { BtreeParts } from './parts.js'
import type { TreeUpdate } from './store-update.js'

/** Holds the present tree, with what is not on disk yet, until it is written or released. */
export class TreeCheckpoint implements EngineCheckpoint {
  readonly #parts: BtreeParts
  readonly #calls: CallTracker
  readonly #sequence: number
  readonly #hasExpiries: boolean
  /** `undefined` once it is released. */
  #version: LiveVersion | undefined

  constructor(parts: BtreeParts, calls: CallTracker) {
    const { tree } = parts
    this.#parts = parts
    this.#calls = calls
    this.#sequence = tree.sequence
    this.#hasExpiries = tree.expiries.isUsed
    this.#version = tree.versions.hold(tree.present, true)
  }

  write(directory: string, signal?: AbortSignal): Promise<void> {
    return this.#calls.run(() => this.#write(directory, signal))
  }

  update(directory: string, options: CheckpointUpdateOptions): Promise<CheckpointUpdate | undefined> {
    return this.#calls.run(() => this.#update(directory, options))
  }

  release(): void {
    const version = this.#version
    this.#version = undefined
    if (version !== undefined) this.#parts.tree.versions.release(version, true)
  }

  async #write(directory: string, signal: AbortSignal | undefined): Promise<void> {
    const { context, ledger } = this.#parts
    const { fileSystem } = context.environment
    const span = context.trace?.trace.currentSpan ?? null
    try {
      const file = fileSystem.create(joinPath(directory, DATA_FILE))
      try {
        await this.#writeTree(file, signal, span)
      } finally {
        withSpan(span, () => file.close())
      }
      await withSpan(span, () => fileSystem.syncDirectory(directory))
      ledger.syncs++
    } finally {
      await this.#releaseInTurns(span)
    }
  }

  async #update(directory: string, options: CheckpointUpdateOptions): Promise<TreeUpdate | undefined> {
    const span = this.#parts.context.trace?.trace.currentSpan ?? null
    const [sequence, hasExpiries] = [this.#sequence, this.#hasExpiries]
    try {
      const { TreeUpdate } = await import('./store-update.js')
      return await TreeUpdate.prepare(this.#parts, directory, { root: this.#version!.root, sequence, hasExpiries }, { ...options, span })
    } finally {
      await this.#releaseInTurns(span)
    }
  }

  async #writeTree(handle: FileHandle, signal: AbortSignal | undefined, span: Span | null): Promise<void> {
    const { context, hash32, store, file, ledger, checkpointer } = this.#parts
    const { clock, scheduler, random } = context.environment
    const { root } = this.#version!
    const identity = random.uint32()
    const target = { handle, identity, hash32 }
    let end = file.firstUnit
    const places = { take: (units: number) => (end += units) - units, keep: () => undefined }
    const { TreeCopy } = await import('./tree-copy.js')
    const copy = new TreeCopy({ store, file, ledger, target, places, clock, scheduler, signal, span })
    const isEmpty = root.level === 0 && root.entries === 0
    const reference = isEmpty ? new Reference() : await copy.copy(root)
    if (signal?.aborted === true) throw new AbortError()
    const { pages, units } = copy.levels
    const meta: Meta = {
      ...checkpointer.meta,
      identity,
      height: isEmpty ? 0 : root.level + 1,
      sequence: this.#sequence,
      firstLog: 1,
      lastLog: 0,
      length: isEmpty ? 0 : end,
      root: reference,
      freeList: new Reference(),
      pages,
      units,
      ends: new Map(),
      hasExpiries: this.#hasExpiries,
    }
    // Both meta pages say the same: either may be damaged later.
    await copy.writeHead([0, 1].map(number => ({ bytes: encodeMeta({ ...meta, number }, hash32), position: metaOffset(number) })))
  }

  /** `release` in slices: thousands of pages may have left the tree meanwhile. */
  async #releaseInTurns(span: Span | null): Promise<void> {
    const { context, tree } = this.#parts
    const { versions } = tree
    const version = this.#version
    this.#version = undefined
    if (version === undefined) return
    versions.retain(version, false)
    versions.release(version, true)
    await versions.releaseInTurns(
      version,
      () => context.environment.scheduler.turn(),
      work => withSpan(span, work),
    )
  }
}
