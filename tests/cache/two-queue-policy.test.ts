import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CacheEntry } from '../../src/cache/eviction-policy.js'
import { TwoQueuePolicy } from '../../src/cache/two-queue-policy.js'

class Item extends CacheEntry {
  referenced = false
  readonly bytes: number
  /** Was referenced at some time since it was added. */
  everReferenced = false

  constructor(bytes: number) {
    super()
    this.bytes = bytes
  }

  hit(): void {
    this.referenced = true
    this.everReferenced = true
  }

  override evict(): void {
    throw new Error('A policy evicts nothing itself')
  }
}

const bytesOf = (items: readonly Item[]): number => items.reduce((sum, item) => sum + item.bytes, 0)

describe('two queues', () => {
  it('every victim is an entry it should be, and each entry is one exactly once', () => {
    const step = fc.record({ do: fc.constantFrom('add', 'add', 'hit', 'hit', 'remove', 'victim'), number: fc.integer({ min: 1, max: 60 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), steps => {
        const policy = new TwoQueuePolicy()
        const present: Item[] = []
        const leave = (item: Item): void => {
          policy.remove(item)
          present.splice(present.indexOf(item), 1)
        }
        const evict = (): void => {
          const marked = new Set(present.filter(item => item.referenced))
          const victim = policy.victim() as Item | undefined
          expect(victim === undefined).toBe(present.length === 0)
          if (victim === undefined) return
          expect(present).toContain(victim)
          expect(victim.referenced).toBe(false)
          // A marked entry is evicted only when no unmarked one is left.
          if (marked.has(victim)) {
            expect(victim.established).toBe(true)
            for (const other of present) expect(other.established && !marked.has(other)).toBe(false)
          }
          const newcomers = present.filter(item => !item.established)
          expect(bytesOf(newcomers) * 5 >= bytesOf(present)).toBe(!victim.established)
          // Newcomers leave, or move up, strictly by age.
          if (!victim.established) expect(newcomers[0]).toBe(victim)
          for (const item of present) expect(item.established && !item.everReferenced).toBe(false)
          leave(victim)
        }
        for (const { do: what, number } of steps) {
          const chosen = present[number % Math.max(1, present.length)] as Item | undefined
          if (what === 'add') {
            const item = new Item(number)
            item.referenced = true
            item.established = true
            policy.add(item)
            expect([item.referenced, item.established]).toEqual([false, false])
            present.push(item)
          } else if (what === 'victim') {
            evict()
          } else if (chosen !== undefined) {
            if (what === 'hit') chosen.hit()
            else leave(chosen)
          }
        }
        while (present.length > 0) evict()
        expect(policy.victim()).toBeUndefined()
      }),
    )
  })

  it('asked again without a removal, it names the same victim', () => {
    const policy = new TwoQueuePolicy()
    const items = Array.from({ length: 10 }, () => new Item(1))
    for (const item of items) policy.add(item)
    items[0].hit()
    expect(policy.victim()).toBe(items[1])
    expect(policy.victim()).toBe(items[1])
  })

  it('a scan pushes out what was read once, but nothing that was ever read twice, even if that is idle meanwhile', () => {
    const policy = new TwoQueuePolicy()
    const items = Array.from({ length: 100 }, () => new Item(10))
    for (const item of items) policy.add(item)
    const hot = items.slice(0, 75)
    for (const item of hot) item.hit()
    const gone = new Set<CacheEntry>()
    for (let i = 0; i < 1000; i++) {
      const victim = policy.victim()!
      gone.add(victim)
      policy.remove(victim)
      policy.add(new Item(10))
    }
    expect(hot.filter(item => gone.has(item))).toEqual([])
    expect(items.slice(75).every(item => gone.has(item))).toBe(true)
  })

  it('an established entry that is hit no more makes room once newcomers prove themselves', () => {
    const policy = new TwoQueuePolicy()
    const old = Array.from({ length: 100 }, () => new Item(10))
    for (const item of old) {
      policy.add(item)
      item.hit()
    }
    const gone = new Set<CacheEntry>()
    for (let i = 0; i < 300; i++) {
      const victim = policy.victim()!
      gone.add(victim)
      policy.remove(victim)
      const item = new Item(10)
      policy.add(item)
      item.hit()
    }
    expect(old.every(item => gone.has(item))).toBe(true)
  })
})
