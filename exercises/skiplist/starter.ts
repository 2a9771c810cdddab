import type { IndexEntry, MakeMemtableIndex, MemtableIndex, MemtableIndexContext } from 'kvarium/lsm'

/**
 * The index of a memtable: versions of keys, in order, found in about log n comparisons.
 *
 * The order is by key ascending and, where keys are equal, by sequence number descending: the newest version comes first.
 */
class SkipList implements MemtableIndex {
  /** Has `random()`, to draw heights, and `compareKeys(a, b)`. */
  protected readonly context: MemtableIndexContext

  constructor(context: MemtableIndexContext) {
    this.context = context
  }

  /**
   * Adds a version at its place. `kind` says whether it is a value (1) or a deletion (0): keep it, both are versions.
   * Returns the height of the new tower. Draw heights with `this.context.random()`.
   */
  insert(key: Uint8Array, value: Uint8Array, sequence: number, kind: IndexEntry['kind']): number {
    void [key, value, sequence, kind]
    throw new Error('Not written yet: insert')
  }

  /** The first version at or behind the place of (key, sequence). Compare keys with `this.context.compareKeys(a, b)`. */
  seek(key: Uint8Array, sequence: number): IndexEntry | undefined {
    void [key, sequence]
    throw new Error('Not written yet: seek')
  }

  /** The last version before the place of (key, sequence). */
  seekBefore(key: Uint8Array, sequence: number): IndexEntry | undefined {
    void [key, sequence]
    throw new Error('Not written yet: seekBefore')
  }

  /** The version right behind one that you returned: the very same object comes back. */
  next(entry: IndexEntry): IndexEntry | undefined {
    void entry
    throw new Error('Not written yet: next')
  }

  /** The version behind all others. */
  last(): IndexEntry | undefined {
    throw new Error('Not written yet: last')
  }
}

/** The engine calls this for each new memtable. */
export const makeIndex: MakeMemtableIndex = context => new SkipList(context)
