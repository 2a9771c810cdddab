/** What example 7 counts, by hand. A unit is what one flush brings. */
import { beforeAll, describe, expect, it } from 'vitest'
import { question, run } from '../../examples/07-never-and-always-compacting.js'
import { record } from '../../examples/lab/lab.js'

const FLUSHES = 100
let numbers: Readonly<Record<string, number | string>>

beforeAll(async () => {
  numbers = (await record(7, '07-never-and-always-compacting', { question, run })).numbers
})

describe('a hundred equal flushes', () => {
  it('always merged write all that is there, again after each', () => {
    let there = 1
    let written = 0
    for (let flush = 2; flush <= FLUSHES; flush++) {
      there++
      written += there
    }
    expect(written).toBe(5049)
    expect(numbers['always-units']).toBe(written)
    expect(numbers['always-most-runs']).toBe(1)
  })

  it('never merged are as many runs', () => {
    expect(numbers['never-units']).toBe(0)
    expect(numbers['never-most-runs']).toBe(FLUSHES)
    // 1 after the first, 100 after the last; a get asks a filter of each.
    expect(numbers['never-runs']).toBe(50.5)
    expect(numbers['never-filters']).toBe(50.5)
  })

  it.each([10, 4])('merged %i runs at a time write a unit once for every level that it gets to', runsPerLevel => {
    let written = 0
    for (let size = runsPerLevel; size <= FLUSHES; size *= runsPerLevel) written += Math.floor(FLUSHES / size) * size
    expect(numbers[`tiered-${runsPerLevel}-units`]).toBe(written)
  })

  it('of the same keys write one unit a merge, and without merging take a hundred times as much', () => {
    expect(numbers['same-always-units']).toBe(FLUSHES - 1)
    // To a percent: the tables of a run are of almost the same size, as sequence numbers get longer.
    const times = Number(numbers['same-never-space']) / Number(numbers['same-always-space'])
    expect(Math.abs(times / FLUSHES - 1)).toBeLessThan(0.01)
  })
})
