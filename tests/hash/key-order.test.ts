import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys, ByteView } from '../../src/codec/entry.js'
import { hashKey } from '../../src/hash/checks.js'
import { Directory } from '../../src/hash/directory.js'
import { KeyOrder, RecordWalk } from '../../src/hash/key-order.js'

const keys = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 20 }), fc.constant(Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1))),
  { maxLength: 60 },
)

function recordOf(directory: Directory, key: Uint8Array): number | undefined {
  const hash = hashKey(key, 0, key.length)
  return directory.find(hash, key, 0, key.length) === 0 ? directory.add(hash, key, 0, key.length) : undefined
}

describe('the order of the keys of a hash directory', () => {
  it('is that of a sorted array, whatever came after the sort, in both directions', () => {
    fc.assert(
      fc.property(fc.array(keys, { minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (rounds, target) => {
        const directory = new Directory()
        const all: Uint8Array[] = []
        let order: KeyOrder | undefined
        for (const round of rounds) {
          for (const key of round) {
            const record = recordOf(directory, key)
            if (record === undefined) continue
            all.push(key)
            order?.add(record)
          }
          order ??= new KeyOrder(directory)
          all.sort(compareKeys)
          const walk = new RecordWalk(directory, order.get())
          const view = new ByteView()
          const keyOf = (record: number): Uint8Array => {
            directory.setKey(record, view)
            return view.copy()
          }
          const forward: Uint8Array[] = []
          walk.seek(target)
          for (let record = walk.ahead; record !== 0; record = walk.ahead) {
            forward.push(keyOf(record))
            walk.forward()
          }
          expect(forward).toEqual(all.filter(key => compareKeys(key, target) >= 0))
          const backward: Uint8Array[] = []
          walk.toEnd()
          for (let record = walk.back(); record !== 0; record = walk.back()) backward.push(keyOf(record))
          expect(backward.reverse()).toEqual(all)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('finds every key after others were freed, also where hashes share a slot', () => {
    const directory = new Directory()
    const records = new Map<number, number>()
    for (let i = 0; i < 5000; i++) records.set(i, recordOf(directory, Uint8Array.of(i & 255, i >> 8))!)
    for (let i = 0; i < 5000; i += 3) {
      directory.free(records.get(i)!)
      records.delete(i)
    }
    for (let i = 0; i < 5000; i++) {
      const key = Uint8Array.of(i & 255, i >> 8)
      expect(directory.find(hashKey(key, 0, 2), key, 0, 2)).toBe(records.get(i) ?? 0)
    }
    expect(directory.count).toBe(records.size)
  })
})
