import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FreeSpace } from '../../src/btree/pages/free-space.js'

const FIRST = 3

describe('free space', () => {
  it('never gives out a unit twice, takes the lowest place that fits, and survives being written down', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ take: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 90 })) }) },
      { weight: 3, arbitrary: fc.record({ free: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.constant('reopen' as const) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async steps => {
        let space = new FreeSpace(FIRST, FIRST)
        const used = new Set([0, 1, 2])
        const taken: { readonly start: number; readonly units: number }[] = []
        const isFree = (start: number, units: number): boolean =>
          Array.from({ length: units }, (_, i) => start + i).every(unit => !used.has(unit))
        for (const next of steps) {
          if (next === 'reopen') {
            const { bytes, length, runs } = await space.encode(() => Promise.resolve())
            const again = new FreeSpace(FIRST, space.end)
            again.decode(bytes, length, runs)
            space = again
          } else if ('take' in next) {
            const start = space.take(next.take)
            let lowest = FIRST
            while (!isFree(lowest, next.take)) lowest++
            expect(start).toBe(lowest)
            for (let unit = start; unit < start + next.take; unit++) used.add(unit)
            taken.push({ start, units: next.take })
          } else if (taken.length > 0) {
            const [{ start, units }] = taken.splice(next.free % taken.length, 1)
            space.free(start, units)
            for (let unit = start; unit < start + units; unit++) used.delete(unit)
          }
          const end = Math.max(...used) + 1
          expect(space.end).toBe(end)
          expect(space.freeUnits).toBe(end - used.size)
          const last = space.startOfLast(5)
          expect(space.usedFrom(last)).toBeLessThanOrEqual(5)
          if (last > FIRST) expect(space.usedFrom(last - 1)).toBeGreaterThan(5)
          for (let unit = 0; unit < end + 40; unit++) expect(space.isUsed(unit)).toBe(used.has(unit))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('notices when something is freed twice, or marked twice', () => {
    const space = new FreeSpace(FIRST, FIRST)
    const start = space.take(4)
    expect(() => space.mark(start + 3, 2)).toThrow(/in use already/)
    space.free(start, 4)
    expect(() => space.free(start, 4)).toThrow(/free already/)
    expect(() => space.free(0, 1)).toThrow(/free already/)
  })

  it('refuses a list that names units outside of the file, or that goes on', () => {
    const space = (): FreeSpace => new FreeSpace(FIRST, 20)
    expect(() => space().decode(Uint8Array.of(2, 1), 2, 1)).toThrow(/not in the file/)
    expect(() => space().decode(Uint8Array.of(15, 6), 2, 1)).toThrow(/not in the file/)
    expect(() => space().decode(Uint8Array.of(5, 0), 2, 1)).toThrow(/not in the file/)
    expect(() => space().decode(Uint8Array.of(5, 1, 0), 3, 1)).toThrow(/after its end/)
  })
})
