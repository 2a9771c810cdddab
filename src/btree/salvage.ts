/**
 * What can still be read of a damaged tree: every leaf that is reached through pages that match the references to them, and over it
 * every log record whose checks hold.
 *
 * Invariants:
 * 1. A record of the logs is newer than everything in the tree; of two records the one with the larger sequence number is newer.
 * 2. Each page that cannot be read is told, with the keys that belong under it: for these, what is in the logs is all there is.
 */
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import { compareKeys, KIND_PUT } from '../codec/entry.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import type { EngineContext, Loss, SalvagedEntry } from '../engine/contract.js'
import { messageOf, placeOf, salvageLogs, type SalvagedClear, type Version } from '../engine/log-salvage.js'
import { Ledger } from '../trace/ledger.js'
import { joinPath } from '../vfs/file-system.js'
import { DATA_FILE } from './file-names.js'
import { readMeta, type Meta } from './meta-page.js'
import { PageFile } from './page-file.js'
import { Reference } from './reference.js'

const ENTRIES_A_TURN = 1024

export async function* salvageBtree(context: EngineContext, lost: (loss: Loss) => void): AsyncGenerator<SalvagedEntry> {
  const salvage = new Salvage(context, await loadHash32(), lost)
  let count = 0
  for (const entry of salvage.live()) {
    if (++count % ENTRIES_A_TURN === 0) await context.environment.scheduler.turn()
    yield entry
  }
}

/** Keys of a subtree: from `low`, included, to `high`, not included; without one the side is open. */
interface Bounds {
  readonly low: Uint8Array | undefined
  readonly high: Uint8Array | undefined
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
    try {
      const file = fileSystem.openRead(this.#path)
      try {
        const meta = readMeta(file, this.#hash32)
        const { unitBytes, identity } = meta
        const pages = new PageFile({ file, unitBytes, identity, hash32: this.#hash32, ledger: new Ledger() })
        const root = { reference: meta.root, level: meta.height - 1 }
        const tree = meta.height === 0 ? NOTHING : this.#subtree(pages, root.reference, root.level, { low: undefined, high: undefined })
        yield* this.#merged(tree, meta)
        return
      } finally {
        file.close()
      }
    } catch (error) {
      this.#lost({ ...placeOf(error, this.#path), message: `the whole tree is lost: ${messageOf(error)}` })
    }
    if (fileSystem.stat(directory) !== undefined) yield* this.#merged(NOTHING, undefined)
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

  #logs(meta: Meta | undefined): { readonly versions: readonly Version[]; readonly tombstones: readonly SalvagedClear[] } {
    const { environment, directory } = this.#context
    const firstLog = meta?.firstLog ?? 0
    const expected = meta === undefined ? [] : Array.from({ length: meta.lastLog - firstLog + 1 }, (_, i) => firstLog + i)
    const { fileSystem } = environment
    const logs = salvageLogs({ fileSystem, directory, hash32: this.#hash32, firstLog, expected, lost: this.#lost })
    const since = meta?.sequence ?? 0
    const isNewer = ({ sequence }: { readonly sequence: number }): boolean => sequence > since
    return { versions: logs.versions.filter(isNewer), tombstones: logs.tombstones.filter(isNewer) }
  }

  *#subtree(pages: PageFile, reference: Reference, level: number, bounds: Bounds): Generator<SalvagedEntry> {
    const offset = reference.offset * pages.unitBytes
    let entries: { readonly key: Uint8Array; readonly payload: Uint8Array }[]
    try {
      const bytes = pages.readExtent(reference)
      entries = entriesOf(new SortedBlock(bytes, bytes.length, this.#path, offset))
    } catch (error) {
      const { low, high } = bounds
      const keys = { ...(low !== undefined && { smallest: low }), ...(high !== undefined && { largest: high }) }
      this.#lost({ ...placeOf(error, this.#path), message: `a page of the tree is lost: ${messageOf(error)}`, keys })
      return
    }
    for (const [index, { key, payload }] of entries.entries()) {
      if (level === 0) {
        yield { key, value: payload }
        continue
      }
      const low = index === 0 ? bounds.low : key
      const high = entries[index + 1]?.key ?? bounds.high
      yield* this.#subtree(pages, new Reference().read(payload, 0), level - 1, { low, high })
    }
  }
}

const NOTHING: readonly SalvagedEntry[] = []

function entriesOf(block: SortedBlock): { readonly key: Uint8Array; readonly payload: Uint8Array }[] {
  const cell = new Cell()
  return Array.from({ length: block.count }, (_, index) => {
    block.readCell(index, cell)
    return { key: block.keyAt(index), payload: block.bytes.slice(cell.payloadStart, cell.payloadEnd) }
  })
}

function* liveOne({ key, value, kind, sequence }: Version, tombstones: readonly SalvagedClear[]): Generator<SalvagedEntry> {
  if (kind === KIND_PUT && !isCleared(key, sequence, tombstones)) yield { key, value }
}

/** Whether a clear that is newer than `sequence` covers the key. */
function isCleared(key: Uint8Array, sequence: number, tombstones: readonly SalvagedClear[]): boolean {
  return tombstones.some(clear => clear.sequence > sequence && compareKeys(clear.first, key) <= 0 && compareKeys(key, clear.last) <= 0)
}
