/**
 * Salvages a damaged tree: every leaf that is reached through pages that match the references to them, and over it every log record whose
 * checks hold. Lost pages are replaced by leaves that only the older meta page or a stray branch refers to.
 *
 * Invariants:
 * 1. A record of the logs is newer than everything in the tree; of two records the one with the larger sequence number is newer.
 * 2. Each page that cannot be read is reported with its range of keys: in this range, the result may have older entries.
 */
import { loadHash32, type Hash32 } from '../../codec/checksum.js'
import { compareKeys, EMPTY, KIND_PUT, KIND_PUT_EXPIRING } from '../../codec/entry.js'
import { splitExpiring } from '../../codec/expiry.js'
import { Cell, SortedBlock } from '../../codec/sorted-block.js'
import type { EngineContext, Loss, SalvagedEntry } from '../../engine/contract.js'
import { logName, parseLogName } from '../../engine/durable/log-names.js'
import { messageOf, placeOf, salvageLogs, type SalvagedClear, type KeyVersion } from '../../engine/durable/log-salvage.js'
import { CorruptionError } from '../../errors.js'
import { Ledger } from '../../trace/ledger.js'
import { joinPath, type FileHandle } from '../../vfs/file-system.js'
import { DATA_FILE } from '../file-names.js'
import { arrangeLeaves, entriesIn, findLeaves, salvagedEntry, type Bounds, type FoundLeaf, type LeafPiece } from './found-leaves.js'
import { decodeFreeList } from '../pages/free-list.js'
import type { FreeSpace } from '../pages/free-space.js'
import { metaOffset, readMetas, type Meta } from '../pages/meta-page.js'
import { PageFile } from '../pages/page-file.js'
import { Reference } from '../pages/reference.js'

const ENTRIES_A_TURN = 1024

export async function* salvageBtree(context: EngineContext, lost: (loss: Loss) => void): AsyncGenerator<SalvagedEntry> {
  const salvage = new Salvage(context, await loadHash32(), lost)
  let count = 0
  for (const entry of salvage.live()) {
    if (++count % ENTRIES_A_TURN === 0) await context.environment.scheduler.turn()
    yield entry
  }
}

class Salvage {
  readonly #context: EngineContext
  readonly #hash32: Hash32
  readonly #lost: (loss: Loss) => void
  readonly #path: string

  constructor(context: EngineContext, hash32: Hash32, lost: (loss: Loss) => void) {
    this.#context = context
    this.#hash32 = hash32
    this.#lost = lost
    this.#path = joinPath(context.directory, DATA_FILE)
  }

  *live(): Generator<SalvagedEntry> {
    const { environment, directory } = this.#context
    const { fileSystem } = environment
    let file: FileHandle | undefined
    let metas: readonly Meta[] = []
    try {
      file = fileSystem.openRead(this.#path)
      metas = readMetas(file, this.#hash32)
      if (metas.length === 0) throw new CorruptionError('both meta pages of the tree are damaged', { file: this.#path, offset: 0 })
    } catch (error) {
      this.#lost({ ...placeOf(error, this.#path), message: `the whole tree is lost: ${messageOf(error)}` })
    }
    try {
      const meta = metas[0]
      if (file === undefined || meta === undefined) {
        if (fileSystem.stat(directory) !== undefined) yield* this.#merged(NOTHING, undefined)
        return
      }
      const tree = new SalvagedTree(file, metas, this.#hash32, this.#lost)
      yield* this.#merged(tree.entries(), meta)
    } finally {
      file?.close()
    }
  }

  /** The entries of the tree with the logs over them. */
  *#merged(tree: Iterable<SalvagedEntry>, meta: Meta | undefined): Generator<SalvagedEntry> {
    const { versions, tombstones } = this.#logs(meta)
    let next = 0
    for (const entry of tree) {
      for (; next < versions.length && compareKeys(versions[next].key, entry.key) < 0; next++) yield* liveOne(versions[next], tombstones)
      // A version in the log is newer than the entry, whatever it is.
      if (next < versions.length && compareKeys(versions[next].key, entry.key) === 0) continue
      if (!isCleared(entry.key, 0, tombstones)) yield entry
    }
    for (; next < versions.length; next++) yield* liveOne(versions[next], tombstones)
  }

  #logs(meta: Meta | undefined): { readonly versions: readonly KeyVersion[]; readonly tombstones: readonly SalvagedClear[] } {
    const { environment, directory } = this.#context
    const { fileSystem } = environment
    const firstLog = meta?.firstLog ?? 0
    this.#expectLogs(meta)
    const ends = meta?.ends ?? new Map<number, number>()
    const logs = salvageLogs({ fileSystem, directory, hash32: this.#hash32, firstLog, ends, lost: this.#lost })
    const since = meta?.sequence ?? 0
    const isNewer = ({ sequence }: { readonly sequence: number }): boolean => sequence > since
    return { versions: logs.versions.filter(isNewer), tombstones: logs.tombstones.filter(isNewer) }
  }

  /** Reports the logs that are missing. Where they begin behind a gap, a newer meta page has made them obsolete, and is lost itself. */
  #expectLogs(meta: Meta | undefined): void {
    if (meta === undefined) return
    const { environment, directory } = this.#context
    const there = environment.fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
    const missing: number[] = []
    for (let log = meta.firstLog; log <= meta.lastLog; log++) if (!there.includes(log)) missing.push(log)
    if (missing.length === 0) return
    const isNewer = there.some(log => log > meta.lastLog) && !there.some(log => log >= meta.firstLog && log <= meta.lastLog)
    const offset = metaOffset(meta.number + 1)
    if (isNewer) {
      const message = 'the newest meta page of the tree is lost: what is left is an older tree, without the writes in between'
      this.#lost({ file: this.#path, offset, message })
      return
    }
    for (const log of missing) this.#lost({ file: joinPath(directory, logName(log)), message: 'the log is missing' })
  }
}

/** The tree of the newest meta page, and where pages of it cannot be read what else is in the file for their keys. */
class SalvagedTree {
  readonly #file: FileHandle
  readonly #pages: PageFile
  readonly #metas: readonly Meta[]
  readonly #lost: (loss: Loss) => void
  #spare: readonly LeafPiece[] | undefined

  constructor(file: FileHandle, metas: readonly Meta[], hash32: Hash32, lost: (loss: Loss) => void) {
    const { unitBytes, pageBytes, identity } = metas[0]
    this.#file = file
    this.#pages = new PageFile({ file, unitBytes, pageBytes, identity, hash32, ledger: new Ledger() })
    this.#metas = metas
    this.#lost = lost
  }

  *entries(): Generator<SalvagedEntry> {
    const [{ height, root }] = this.#metas
    if (height > 0) yield* this.#subtree(root, height - 1, EVERYTHING)
  }

  *#subtree(reference: Reference, level: number, bounds: Bounds): Generator<SalvagedEntry> {
    let block: SortedBlock
    try {
      block = this.#block(reference)
    } catch (error) {
      yield* this.#instead(reference, bounds, error)
      return
    }
    if (level === 0) {
      yield* leafEntries(block)
      return
    }
    for (const { reference: child, ...childBounds } of childrenOf(block, bounds)) yield* this.#subtree(child, level - 1, childBounds)
  }

  /** What is left for the keys of a page that is lost. Nothing is lost if as many entries are found in the tree in force as it had. */
  *#instead(reference: Reference, bounds: Bounds, error: unknown): Generator<SalvagedEntry> {
    const place = placeOf(error, this.#pages.path)
    const found = this.#spareIn(bounds)
    let current = 0
    for (const { piece, low, high } of found) if (piece.isCurrent) current += entriesIn(this.#pages, piece, low, high).length
    if (current < reference.entries) {
      const { low, high } = bounds
      const keys = { ...(low !== undefined && { gte: low }), ...(high !== undefined && { lt: high }) }
      this.#lost({ ...place, message: `a page of the tree is lost: ${messageOf(error)}`, keys })
    }
    for (const { piece, low, high } of found) yield* entriesIn(this.#pages, piece, low, high)
  }

  #spareIn({
    low = EMPTY,
    high,
  }: Bounds): readonly { readonly piece: LeafPiece; readonly low: Uint8Array; readonly high: Uint8Array | undefined }[] {
    this.#spare ??= this.#findSpare()
    return this.#spare.flatMap(piece => {
      const from = compareKeys(piece.low, low) < 0 ? low : piece.low
      const to = piece.high === undefined || (high !== undefined && compareKeys(high, piece.high) < 0) ? high : piece.high
      return to === undefined || compareKeys(from, to) < 0 ? [{ piece, low: from, high: to }] : []
    })
  }

  #findSpare(): readonly LeafPiece[] {
    const found = findLeaves(this.#pages, this.#file)
    const [newest, older] = this.#metas
    const free = this.#freeSpace(newest)
    const isCurrent = ({ reference }: FoundLeaf): boolean => free?.isUsed(reference.offset) === true
    const olderLeaves = older === undefined || older.height === 0 ? [] : [...this.#leaves(older.root, older.height - 1, EVERYTHING)]
    const all = [...olderLeaves, ...found]
    return arrangeLeaves([
      { leaves: all.filter(isCurrent), isCurrent: true },
      { leaves: olderLeaves.filter(leaf => !isCurrent(leaf)), isCurrent: false },
      { leaves: found.filter(leaf => !isCurrent(leaf)), isCurrent: false },
    ])
  }

  #freeSpace(meta: Meta): FreeSpace | undefined {
    try {
      return decodeFreeList(this.#pages, meta)
    } catch (error) {
      if (error instanceof CorruptionError) return undefined
      throw error
    }
  }

  /** The leaves under a page that can be read. */
  *#leaves(reference: Reference, level: number, bounds: Bounds): Generator<FoundLeaf> {
    let block: SortedBlock
    try {
      block = this.#block(reference)
    } catch (error) {
      if (error instanceof CorruptionError) return
      throw error
    }
    if (level === 0) {
      yield { reference, ...bounds }
      return
    }
    for (const { reference: child, ...childBounds } of childrenOf(block, bounds)) yield* this.#leaves(child, level - 1, childBounds)
  }

  #block(reference: Reference): SortedBlock {
    const bytes = this.#pages.contentsOf(reference)
    return new SortedBlock(bytes, bytes.length, this.#pages.path, reference.offset * this.#pages.unitBytes)
  }
}

const EVERYTHING: Bounds = { low: undefined, high: undefined }

function childrenOf(branch: SortedBlock, bounds: Bounds): FoundLeaf[] {
  const cell = new Cell()
  return Array.from({ length: branch.count }, (_, index) => {
    branch.readCell(index, cell)
    return {
      reference: new Reference().read(branch.bytes, cell.payloadStart),
      low: index === 0 ? bounds.low : branch.keyAt(index),
      high: index + 1 < branch.count ? branch.keyAt(index + 1) : bounds.high,
    }
  })
}

const NOTHING: readonly SalvagedEntry[] = []

function* leafEntries(block: SortedBlock): Generator<SalvagedEntry> {
  const cell = new Cell()
  for (let index = 0; index < block.count; index++) {
    block.readCell(index, cell)
    yield salvagedEntry(block, block.keyAt(index), cell)
  }
}

function* liveOne({ key, value, kind, sequence }: KeyVersion, tombstones: readonly SalvagedClear[]): Generator<SalvagedEntry> {
  if (isCleared(key, sequence, tombstones)) return
  if (kind === KIND_PUT) yield { key, value }
  else if (kind === KIND_PUT_EXPIRING) yield { key, ...splitExpiring(value) }
}

/** Whether a clear that is newer than `sequence` covers the key. */
function isCleared(key: Uint8Array, sequence: number, tombstones: readonly SalvagedClear[]): boolean {
  return tombstones.some(clear => clear.sequence > sequence && compareKeys(clear.first, key) <= 0 && compareKeys(key, clear.last) <= 0)
}
