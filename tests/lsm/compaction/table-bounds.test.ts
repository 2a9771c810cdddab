import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/codec/entry.js'
import { shortBounds } from '../../../src/lsm/compaction/table-bounds.js'
import { SeededRandom } from '../../../src/vfs/index.js'

const ALONE = { before: undefined, behind: undefined }

function longKey(head: string, size = 5000): Uint8Array {
  const key = new Uint8Array(size).fill(0x6b)
  key.set(Buffer.from(head))
  return key
}

describe('bounds of tables with long keys', () => {
  it('are the keys themselves up to a kibibyte', () => {
    const exact = { smallest: new Uint8Array(1024), largest: new Uint8Array(1024).fill(255) }
    expect(shortBounds(exact, ALONE, [])).toEqual(exact)
  })

  it('are a prefix, and a prefix with its last byte raised', () => {
    const { smallest, largest } = shortBounds({ smallest: longKey('a'), largest: longKey('b') }, ALONE, [])
    expect([smallest.length, largest.length, largest[1023]]).toEqual([1024, 1024, 0x6c])
  })

  it('pass over bytes that cannot be raised, and stay whole where no byte can', () => {
    const highest = new Uint8Array(5000).fill(255)
    expect(shortBounds({ smallest: highest, largest: highest }, ALONE, []).largest).toBe(highest)
    const nearly = highest.slice()
    nearly[2000] = 1
    expect(shortBounds({ smallest: nearly, largest: nearly }, ALONE, []).largest).toHaveLength(2001)
  })

  it('hold their keys, stay between their neighbours and within the inputs, for any keys', () => {
    const random = new SeededRandom(7)
    // Few letters and long common beginnings: neighbours are hard to tell apart.
    const key = (): Uint8Array => {
      const bytes = new Uint8Array(1000 + random.uniform(60)).fill(0x6b)
      for (let i = random.uniform(1100); i < bytes.length; i++) bytes[i] = [0, 1, 254, 255][random.uniform(4)]
      return bytes
    }
    let shortened = 0
    for (let round = 0; round < 2000; round++) {
      const [below, before, a, b, behind, above] = Array.from({ length: 6 }, key).sort(compareKeys)
      if ([below, before, a, b, behind, above].some((each, i, all) => i > 0 && compareKeys(all[i - 1], each) === 0 && i !== 3)) continue
      const inputs = [{ smallest: below, largest: above }]
      const between = shortBounds({ smallest: a, largest: b }, { before, behind }, inputs)
      const last = shortBounds({ smallest: a, largest: b }, { before, behind: undefined }, [{ smallest: before, largest: behind }])
      for (const { smallest, largest } of [between, last]) {
        expect(compareKeys(before, smallest)).toBeLessThan(0)
        expect(compareKeys(smallest, a)).toBeLessThanOrEqual(0)
        expect(compareKeys(b, largest)).toBeLessThanOrEqual(0)
        if (largest.length < b.length) shortened++
      }
      expect(compareKeys(between.largest, behind)).toBeLessThan(0)
      expect(compareKeys(last.largest, behind)).toBeLessThanOrEqual(0)
    }
    expect(shortened).toBeGreaterThan(100)
  })
})
