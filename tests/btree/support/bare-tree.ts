import { Cache } from '../../../src/cache/cache.js'
import { loadHash32 } from '../../../src/codec/checksum.js'
import { BEFORE_EVERY_EXPIRY } from '../../../src/codec/expiry.js'
import { ByteView } from '../../../src/codec/entry.js'
import { LiveVersions, type LiveVersion } from '../../../src/btree/pages/live-versions.js'
import { PageCheck } from '../../../src/btree/check-pages.js'
import { PageFile } from '../../../src/btree/pages/page-file.js'
import { PageStore } from '../../../src/btree/pages/page-store.js'
import { Tree } from '../../../src/btree/tree/tree.js'
import { TreeCursor } from '../../../src/btree/tree/tree-cursor.js'
import type { HalfOpenRange } from '../../../src/engine/range.js'
import { newReadCounts, Ledger } from '../../../src/trace/ledger.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'

/** A tree in memory: nothing is ever written. */
export class BareTree {
  readonly tree: Tree
  readonly versions: LiveVersions
  readonly store: PageStore
  readonly #file: PageFile

  private constructor(file: PageFile) {
    this.#file = file
    this.store = new PageStore(file, new Cache(1 << 20, { poisonFrames: true }), newReadCounts())
    this.versions = new LiveVersions(page => this.store.discard(page))
    this.tree = new Tree(this.store, this.versions)
  }

  static async open(unitBytes: number): Promise<BareTree> {
    const file = new MemoryFileSystem().create('/data.btree')
    return new BareTree(new PageFile({ file, unitBytes, identity: 1, hash32: await loadHash32(), ledger: new Ledger() }))
  }

  get(key: Uint8Array, version?: LiveVersion): Uint8Array | undefined {
    const out = new ByteView()
    return this.tree.find(version?.root ?? this.tree.root, key, 0, key.length, out) ? out.copy() : undefined
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.tree.put(key, 0, key.length, value, 0, value.length)
  }

  del(key: Uint8Array): boolean {
    return this.tree.del(key, 0, key.length)
  }

  clear(first: Uint8Array, last: Uint8Array): void {
    this.tree.prepare(first, 0, first.length)
    this.tree.prepare(last, 0, last.length)
    this.tree.clear(first, last)
  }

  cursor(range: HalfOpenRange = { lower: undefined, upper: undefined }, version?: LiveVersion): TreeCursor {
    const own = version ?? this.versions.hold(this.tree.root, true)
    if (version !== undefined) this.versions.retain(version, true)
    return new TreeCursor(this.store, this.versions, own, range, newReadCounts(), BEFORE_EVERY_EXPIRY)
  }

  /** Every broken invariant of the tree and its counts. */
  async violations(): Promise<string[]> {
    const check = new PageCheck(this.store, this.#file, () => Promise.resolve())
    await check.walk(this.tree.root, 'tree')
    const { pages, units } = this.tree.levels
    const counted = (numbers: readonly number[]): string => numbers.filter(number => number > 0).join()
    if (counted(pages) !== check.pages.join())
      check.report('levels', `pages ${counted(pages)} are counted, ${check.pages.join()} are there`)
    if (counted(units) !== check.units.join())
      check.report('levels', `units ${counted(units)} are counted, ${check.units.join()} are there`)
    return check.violations.map(({ path, message }) => `${path}: ${message}`)
  }
}
