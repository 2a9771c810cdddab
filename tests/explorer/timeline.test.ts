/** Hazards: a job that lies under another one; a position outside of the window; a window that moves at every step. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { marksInWords, packJobs, windowAround } from '../../packages/explorer/src/page/timeline-layout.js'

describe('a timeline', () => {
  it('has the position in its window, which never leaves the run', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), fc.constantFrom(200, 2000, Infinity), (one, other, length) => {
        const [position, last] = [Math.min(one, other), Math.max(one, other)]
        const { from, to } = windowAround(position, last, length)
        expect(to - from).toBe(Math.min(length, last))
        expect([from, position, to, last].every((value, index, all) => index === 0 || all[index - 1] <= value)).toBe(true)
        expect(from).toBeGreaterThanOrEqual(0)
      }),
      { seed: 1 },
    )
  })

  it('stands still while the position moves within the middle of the window', () => {
    const windows = Array.from({ length: 1000 }, (_, index) => windowAround(5000 + index, 20_000, 2000).from)
    expect(new Set(windows).size).toBeLessThanOrEqual(2)
  })

  it('lays jobs that run at once into rows of their own, as long as there are rows', () => {
    const job = fc.record({
      lane: fc.constant(0),
      job: fc.nat(),
      kind: fc.constant('flush'),
      from: fc.nat(50),
      to: fc.integer({ min: 51, max: 80 }),
      count: fc.constant(1),
    })
    fc.assert(
      fc.property(fc.array(job, { maxLength: 12 }), jobs => {
        const sorted = jobs.toSorted((a, b) => a.from - b.from)
        const rows = packJobs(sorted, 100)
        for (const [index, { from }] of sorted.entries()) {
          const before = sorted.slice(0, index).filter((_, other) => rows[other] === rows[index])
          expect(before.every(({ to }) => to <= from)).toBe(true)
        }
        expect(Math.max(0, ...packJobs(sorted, 2))).toBeLessThan(2)
      }),
      { seed: 1 },
    )
    expect(
      packJobs(
        [
          { lane: 0, job: 1, kind: 'flush', from: 1, count: 1 },
          { lane: 0, job: 2, kind: 'flush', from: 9, count: 1 },
        ],
        3,
      ),
    ).toEqual([0, 1])
  })

  it('says in words what is marked', () => {
    const mark = { lane: 0, position: 1 }
    expect(
      marksInWords([
        { ...mark, type: 'sync', count: 2 },
        { ...mark, type: 'flush', count: 1 },
        { ...mark, type: 'sync', count: 1 },
      ]),
    ).toBe('sync 3, flush 1')
    expect(marksInWords([])).toBe('nothing that is marked')
  })
})
