/** What example 2 measures, derived a second time: by walking the towers by hand, and from the chance of a height. */
import { describe, expect, test } from 'vitest'
import * as example from '../../examples/02-skiplist-towers.js'
import { isOfType, record } from '../../examples/lab/lab.js'

interface Tower {
  readonly key: string
  readonly height: number
}

const recording = await record(2, '', example)
const { numbers } = recording

/** Levels of a skiplist as plain sorted arrays: a search of it needs no pointer, and none of the engine's code. */
function comparisons(towers: readonly Tower[], sought: string): number {
  const tallest = Math.max(...towers.map(({ height }) => height))
  let standing = ''
  let tooFar: string | undefined
  let compared = 0
  for (let level = tallest; level >= 1; level--) {
    for (const { key } of towers.filter(({ height }) => height >= level)) {
      if (key <= standing) continue
      if (key === tooFar) break
      compared++
      if (key >= sought) {
        tooFar = key
        break
      }
      standing = key
    }
  }
  return compared
}

/** In the order in which they were put. */
function insertsOf(store: string): Tower[] {
  return recording.items.flatMap(item => {
    if (item.kind !== 'event' || item.store !== store || !isOfType(item.event, 'memtable.insert')) return []
    return [{ key: new TextDecoder().decode(item.event.key), height: item.event.height }]
  })
}

function towersOf(store: string): Tower[] {
  return insertsOf(store).sort((a, b) => (a.key < b.key ? -1 : 1))
}

describe('the skiplist of example 2', () => {
  test('is searched with as many comparisons as a walk over its towers by hand needs', () => {
    const towers = towersOf('farm')
    expect(towers).toHaveLength(16)
    expect(numbers['search']).toBe(comparisons(towers, 'pig'))
    expect(numbers['walk']).toBe(towers.filter(({ key }) => key <= 'pig').length)
  })

  test('needs the measured mean at its full size', () => {
    const towers = towersOf('many')
    expect(towers).toHaveLength(4096)
    const sought = insertsOf('many').filter((_, i) => i % 64 === 0)
    const sum = sought.reduce((total, { key }) => total + comparisons(towers, key), 0)
    expect(numbers['mean-4096']).toBeCloseTo(sum / 64, 10)
  })

  test('has the pointers that its heights add up to, near 1 + 1/4 + 1/16 + ...', () => {
    const heights = towersOf('many').map(({ height }) => height)
    const pointers = heights.reduce((sum, height) => sum + height, 0)
    expect(numbers['pointers-per-node']).toBe(pointers / 4096)
    let series = 0
    for (let level = 0; level < 30; level++) series += 4 ** -level
    expect(numbers['pointers-expected']).toBeCloseTo(series, 10)
    // The variance of a height is p / (1 - p)^2 = 4/9: four standard errors.
    expect(Math.abs(pointers / 4096 - series)).toBeLessThan(4 * Math.sqrt(4 / 9 / 4096))
  })

  test('has heights as often as chance has them', () => {
    const heights = towersOf('many').map(({ height }) => height)
    let chiSquared = 0
    for (const height of [1, 2, 3, 4]) {
      const towers = heights.filter(each => each === height).length
      expect(numbers[`towers-${height}`]).toBe(towers)
      const expected = (4096 * 3) / 4 ** height
      expect(numbers[`expected-${height}`]).toBe(expected)
      chiSquared += (towers - expected) ** 2 / expected
    }
    // Four degrees of freedom, one in a thousand.
    expect(chiSquared).toBeLessThan(18.5)
  })

  test('is compared with four comparisons per level, and four thirds at the top', () => {
    // 64 = 4^3 and 4,096 = 4^6.
    expect(numbers['bound-64']).toBeCloseTo(3 * 4 + 4 / 3, 10)
    expect(numbers['bound-4096']).toBeCloseTo(6 * 4 + 4 / 3, 10)
    for (const size of [64, 256, 1024, 4096]) expect(Number(numbers[`mean-${size}`])).toBeLessThan(Number(numbers[`bound-${size}`]))
  })
})
