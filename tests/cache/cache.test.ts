import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { CacheEntry } from '../../src/cache/eviction-policy.js'

class Item extends CacheEntry {
  referenced = false
  readonly bytes: number
  evictions = 0

  constructor(bytes: number) {
    super()
    this.bytes = bytes
  }

  override evict(): void {
    this.evictions++
  }
}

describe('cache', () => {
  it('the budget holds under any mix of inserts, removals and hits, and no entry gets lost', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('insert' as const), bytes: fc.integer({ min: 1, max: 120 }) }),
      fc.record({ do: fc.constantFrom('remove' as const, 'hit' as const), bytes: fc.nat(50) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const cache = new Cache(100)
        const items: Item[] = []
        for (const { do: what, bytes } of steps) {
          if (what === 'insert') {
            const item = new Item(bytes)
            expect(cache.insert(item)).toBe(bytes <= 100)
            if (bytes <= 100) items.push(item)
          } else if (items.length > 0) {
            const item = items[bytes % items.length]
            if (what === 'hit') item.referenced = true
            else cache.remove(item)
          }
          const cached = items.filter(item => item.cached)
          expect(cache.usedBytes).toBe(cached.reduce((sum, item) => sum + item.bytes, 0))
          expect(cache.usedBytes).toBeLessThanOrEqual(100)
          expect(cache.entries).toBe(cached.length)
          expect(cache.evictions).toBe(items.reduce((sum, item) => sum + item.evictions, 0))
          for (const item of items) expect(item.evictions).toBeLessThanOrEqual(item.cached ? 0 : 1)
        }
      }),
    )
  })

  it('what was hit survives what was not', () => {
    const cache = new Cache(30)
    const [a, b, c] = [new Item(10), new Item(10), new Item(10)]
    for (const item of [a, b, c]) cache.insert(item)
    a.referenced = true
    c.referenced = true
    cache.insert(new Item(10))
    expect([a.cached, b.cached, c.cached]).toEqual([true, false, true])
  })

  it('a scan of blocks read once does not push out blocks that are hit again and again', () => {
    const cache = new Cache(1000)
    const hot = Array.from({ length: 50 }, () => new Item(10))
    for (const item of hot) cache.insert(item)
    for (let i = 0; i < 5000; i++) {
      hot[i % 50].referenced = true
      cache.insert(new Item(10))
    }
    expect(hot.filter(item => item.cached).length).toBe(50)
  })

  it('an entry larger than the whole budget evicts nothing and is not cached', () => {
    const cache = new Cache(30)
    const small = new Item(10)
    cache.insert(small)
    expect(cache.insert(new Item(31))).toBe(false)
    expect(small.cached).toBe(true)
    expect(new Cache(0).insert(new Item(1))).toBe(false)
  })

  it('idle frames stay within their limit, and a frame is handed out once', () => {
    const { frames } = new Cache(16 * 1024 * 1024)
    const taken = Array.from({ length: 1000 }, () => frames.take(4000))
    expect(taken[0].size).toBe(4096)
    for (const frame of taken) frames.give(frame)
    expect(frames.idleBytes).toBe(1024 * 1024)
    const again = Array.from({ length: 300 }, () => frames.take(4090))
    expect(new Set(again).size).toBe(300)
    expect(frames.idleBytes).toBe(0)
    expect(frames.take(1_000_000).bytes.length).toBe(1_000_000)
  })
})

describe('the slab pool', () => {
  it('gives frames that do not overlap, and gives them again', () => {
    const { slabs } = new Cache(4 << 20)
    const taken = Array.from({ length: 600 }, (_, i) => slabs.take(1 + ((i * 389) % 5000)))
    for (const [i, frame] of taken.entries()) frame.bytes.fill(i, frame.start, frame.start + frame.size)
    for (const [i, frame] of taken.entries()) {
      expect(frame.bytes.subarray(frame.start, frame.start + frame.size).every(byte => byte === (i & 255))).toBe(true)
    }
    const { slabBytes } = slabs
    for (const frame of taken) slabs.give(frame)
    for (let i = 0; i < 600; i++) slabs.take(1 + ((i * 389) % 5000))
    expect(slabs.slabBytes).toBe(slabBytes)
    expect(slabs.idleBytes).toBe(0)
  })

  it('slabs stay within the budget of the cache; what is beyond has memory of its own', () => {
    const { slabs } = new Cache(1 << 20)
    const taken = Array.from({ length: 1000 }, () => slabs.take(4096))
    expect(slabs.slabBytes).toBeLessThanOrEqual(1 << 20)
    expect(taken.filter(frame => !frame.pooled).length).toBeGreaterThan(700)
    expect(slabs.take(100_000)).toMatchObject({ size: 100_000, start: 0, pooled: false })
    expect(new Cache(0).slabs.take(10)).toMatchObject({ pooled: false })
  })
})
