import { describe, expect, it } from 'vitest'
import { NO_PLACE, SlabList } from '../../src/cache/slab-list.js'
import { FramePool } from '../../src/cache/frame-pool.js'
import { SlabPool } from '../../src/cache/slab-pool.js'

describe('the list of slabs', () => {
  it('every frame of a slab has a place of its own, and memory of its own has none', () => {
    for (const pool of [new SlabPool(2 ** 20, false), new FramePool(2 ** 20, false)]) {
      const places = Array.from({ length: 40 }, (_, i) => pool.take(512 * (1 + (i % 9))).place)
      expect(new Set(places).size).toBe(places.length)
      expect(places).not.toContain(NO_PLACE)
      expect(pool.take(100_000).place).toBe(NO_PLACE)
    }
  })

  it('the place of a frame whose slab was dropped can still be touched', () => {
    const list = new SlabList()
    const number = list.add(new Uint8Array(1024))
    const place = list.placeOf(number, 512)
    list.touch(place)
    list.remove(number)
    list.touch(place)
    expect(list.add(new Uint8Array(512))).toBe(number)
    // Behind the end of the slab that has the number now.
    list.touch(place)
    list.touch(-1)
  })
})
