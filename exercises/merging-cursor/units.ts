import assert from 'node:assert/strict'
import { ByteView, compareKeys, KIND_DELETE, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from 'kvarium/engine'

export type MakeMergingCursor = (children: readonly EntryCursor[]) => EntryCursor

/** `apple@3` is version 3 of `apple`; `-apple@3` is its deletion. */
type Version = string

interface Entry {
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
}

/** A child as the engine's are: its key and value are views into memory that it uses again when it moves. */
class Child implements EntryCursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  valid = false
  sequence = 0
  kind: EntryKind = KIND_PUT
  closed = 0
  readonly #entries: readonly Entry[]
  readonly #memory = new Uint8Array(64)
  #at = -1

  constructor(versions: readonly Version[]) {
    this.#entries = versions
      .map((version): Entry => {
        const [key, sequence] = version.replace('-', '').split('@')
        return { key: bytes(key), sequence: Number(sequence), kind: version.startsWith('-') ? KIND_DELETE : KIND_PUT }
      })
      .sort((a, b) => compareKeys(a.key, b.key) || b.sequence - a.sequence)
  }

  first = (): boolean => this.#show(0)
  last = (): boolean => this.#show(this.#entries.length - 1)
  close = (): void => void this.closed++

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    const index = this.#entries.findIndex(entry => (compareKeys(entry.key, key) || sequence - entry.sequence) >= 0)
    return this.#show(index < 0 ? this.#entries.length : index)
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#show(this.#entries.findLastIndex(entry => compareKeys(entry.key, key) < 0))
  }

  next(): boolean {
    assert.ok(this.valid, 'next() was called on a child that is not valid: a child that has ended must be left alone')
    return this.#show(this.#at + 1)
  }

  prev(): boolean {
    assert.ok(this.valid, 'prev() was called on a child that is not valid: a child that has ended must be left alone')
    return this.#show(this.#at - 1)
  }

  #show(index: number): boolean {
    const entry = this.#entries[index] as Entry | undefined
    this.#at = index
    this.#memory.fill(0xee)
    if (entry === undefined) return (this.valid = false)
    this.#memory.set(entry.key, 1)
    this.key.set(this.#memory, 1, 1 + entry.key.length)
    this.value.set(bytes(`value ${entry.sequence}`), 0, 6 + String(entry.sequence).length)
    this.sequence = entry.sequence
    this.kind = entry.kind
    return (this.valid = true)
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (view: ByteView): string => new TextDecoder().decode(view.copy())

function shown(cursor: EntryCursor): string {
  if (!cursor.valid) return 'the end'
  return `${cursor.kind === KIND_DELETE ? '-' : ''}${text(cursor.key)}@${cursor.sequence}`
}

function walk(cursor: EntryCursor, direction: 'forward' | 'backward'): string[] {
  const found: string[] = []
  const forward = direction === 'forward'
  for (let more = forward ? cursor.first() : cursor.last(); more; more = forward ? cursor.next() : cursor.prev()) {
    found.push(shown(cursor))
    if (found.length > 100) break
  }
  return found
}

/** A check of the cursor over such children. */
function over(children: readonly (readonly Version[])[], check: (cursor: EntryCursor, children: readonly Child[]) => void) {
  return (make: MakeMergingCursor): void => {
    const made = children.map(versions => new Child(versions))
    check(make(made), made)
  }
}

export const units = [
  {
    name: 'entries come in the order of their keys, wherever they are from',
    check: over([['a@1', 'd@4'], ['b@2'], ['c@3', 'e@5']], cursor => {
      assert.deepEqual(walk(cursor, 'forward'), ['a@1', 'b@2', 'c@3', 'd@4', 'e@5'], 'forward, the smallest key of all children comes next')
    }),
  },
  {
    name: 'of two keys, a prefix comes first',
    check: over([['ab@1'], ['a@2'], ['abc@3']], cursor => {
      assert.deepEqual(walk(cursor, 'forward'), ['a@2', 'ab@1', 'abc@3'], 'a key that is a prefix of another one is not equal to it')
    }),
  },
  {
    name: 'a child that ends does not end the merge, and one without entries does not begin it',
    check: over([[], ['a@1'], ['b@2', 'c@3']], cursor => {
      assert.deepEqual(walk(cursor, 'forward'), ['a@1', 'b@2', 'c@3'], 'the merge goes on while any child has entries')
      assert.deepEqual(walk(cursor, 'backward'), ['c@3', 'b@2', 'a@1'], 'the merge goes on while any child has entries, backward as well')
    }),
  },
  {
    name: 'versions of a key come newest first, whatever the order of the children',
    check(make: MakeMergingCursor): void {
      for (const children of [
        [['k@1'], ['k@3'], ['k@2']],
        [['k@3'], ['k@2'], ['k@1']],
        [['k@2', 'k@1'], ['k@3']],
      ]) {
        const cursor = make(children.map(versions => new Child(versions)))
        const found = walk(cursor, 'forward')
        assert.equal(new Set(found).size, found.length, 'an entry is shown twice')
        assert.ok(
          found.length === 3,
          `every version is an entry of its own: of 3 versions ${found.length} are shown. Hiding old ones is not the merge's job`,
        )
        assert.deepEqual(found, ['k@3', 'k@2', 'k@1'], 'equal keys are ordered by sequence number, not by which child they are from')
      }
    },
  },
  {
    name: 'backward shows the same in reverse',
    check: over([['a@1', 'k@5'], ['k@7', 'z@2'], ['-k@6']], cursor => {
      assert.deepEqual(walk(cursor, 'backward'), ['z@2', 'k@5', '-k@6', 'k@7', 'a@1'], 'backward is forward in reverse, versions included')
    }),
  },
  {
    name: 'a seek lands on the version that is asked for, or on the next older one',
    check: over(
      [
        ['k@9', 'k@5', 'm@3'],
        ['k@7', 'l@2'],
      ],
      cursor => {
        cursor.seek(bytes('k'))
        assert.equal(shown(cursor), 'k@9', 'a seek without a sequence number finds the newest version')
        cursor.seek(bytes('k'), 7)
        assert.equal(shown(cursor), 'k@7', 'the sequence number of a seek counts: newer versions are before it')
        cursor.seek(bytes('k'), 6)
        assert.equal(shown(cursor), 'k@5', 'between two versions, a seek finds the older one')
        cursor.seek(bytes('k'), 1)
        assert.equal(shown(cursor), 'l@2', 'behind the oldest version of a key comes the next key')
        assert.equal(cursor.seek(bytes('x')), false, 'behind all entries there is nothing')
      },
    ),
  },
  {
    name: 'seekBefore leaves out the key itself',
    check: over(
      [
        ['a@1', 'c@4'],
        ['b@2', 'c@3'],
      ],
      cursor => {
        cursor.seekBefore(bytes('c'))
        assert.equal(shown(cursor), 'b@2', 'seekBefore(c) is strictly before c: no version of c')
        cursor.seekBefore(bytes('bb'))
        assert.equal(shown(cursor), 'b@2', 'seekBefore of a key that is not there finds the last one before it')
        assert.equal(cursor.seekBefore(bytes('a')), false, 'before the first key there is nothing')
      },
    ),
  },
  {
    name: 'after a seek the walk goes on in order',
    check: over([['a@1', 'd@4'], ['b@2', 'e@5'], ['c@3']], cursor => {
      cursor.seek(bytes('b'))
      cursor.next()
      assert.equal(shown(cursor), 'c@3', 'a seek moves every child, not only the one that has the key')
    }),
  },
  {
    name: 'a seek may go back',
    check: over([['a@1', 'd@4'], ['b@2', 'e@5'], ['c@3']], cursor => {
      cursor.seek(bytes('e'))
      cursor.seek(bytes('b'))
      assert.equal(
        shown(cursor),
        'b@2',
        'a seek places every child anew, also those that are beyond the target: they may have skipped entries',
      )
      cursor.last()
      cursor.seek(bytes('b'), 2)
      cursor.next()
      assert.equal(
        shown(cursor),
        'c@3',
        'a seek places every child anew, also those that are beyond the target: they may have skipped entries',
      )
    }),
  },
  {
    name: 'a turn to backward shows what was before',
    check: over([['a@1', 'd@4'], ['b@2', 'e@5'], ['c@3']], cursor => {
      cursor.seek(bytes('d'))
      cursor.prev()
      assert.equal(
        shown(cursor),
        'c@3',
        'going forward the other children stand behind the current entry: a turn has to move them before it',
      )
      cursor.prev()
      assert.equal(shown(cursor), 'b@2', 'after a turn every child is in its place, not only the first that is needed')
    }),
  },
  {
    name: 'a turn to forward shows what was after',
    check: over([['a@1', 'd@4'], ['b@2', 'e@5'], ['c@3']], cursor => {
      cursor.last()
      for (let steps = 0; steps < 3; steps++) cursor.prev()
      assert.equal(shown(cursor), 'b@2')
      cursor.next()
      assert.equal(
        shown(cursor),
        'c@3',
        'going backward the other children stand before the current entry: a turn has to move them behind it',
      )
    }),
  },
  {
    name: 'a turn at an end reaches children that had ended',
    check: over([['a@1'], ['b@2'], ['c@3']], cursor => {
      cursor.last()
      cursor.prev()
      assert.equal(shown(cursor), 'b@2')
      cursor.next()
      assert.equal(shown(cursor), 'c@3', 'a child that had nothing before the current entry may have something after it')
    }),
  },
  {
    name: 'a turn within the versions of a key keeps their order',
    check: over([['k@9', 'k@6'], ['k@8', 'k@5'], ['k@7']], cursor => {
      cursor.seek(bytes('k'), 7)
      cursor.prev()
      assert.equal(shown(cursor), 'k@8', 'a turn repositions by key and sequence number: by key alone it lands on another version')
      cursor.next()
      cursor.next()
      assert.equal(shown(cursor), 'k@6', 'a turn repositions by key and sequence number: by key alone it lands on another version')
    }),
  },
  {
    name: 'key, value, sequence and kind are those of one entry',
    check: over([['a@1'], ['-b@2']], cursor => {
      cursor.first()
      assert.equal(text(cursor.value), 'value 1')
      cursor.next()
      assert.equal(text(cursor.value), 'value 2', 'the value is that of the current entry')
      assert.equal(cursor.kind, KIND_DELETE, 'a deletion is an entry like any other')
      assert.equal(cursor.sequence, 2)
    }),
  },
  {
    name: 'closing it closes every child',
    check: over([['a@1'], [], ['b@2']], (cursor, children) => {
      cursor.first()
      cursor.close()
      assert.ok(
        children.every(child => child.closed > 0),
        'a child that is not closed keeps its table open and its block in memory',
      )
      assert.equal(cursor.valid, false, 'a closed cursor stands on nothing')
    }),
  },
]
