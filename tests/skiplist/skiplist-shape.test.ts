import { describe, expect, it } from 'vitest'
import { HEAD } from '../../src/skiplist/arena.js'
import { Skiplist, skiplistSearchPath, skiplistShape, skiplistTowers } from '../../src/skiplist/index.js'
import { seededRandom } from './support/seeded-random.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (key: Uint8Array | undefined) => (key === undefined ? undefined : new TextDecoder().decode(key))

/** Random order, so that no insert lands beside the one before. */
function numbered(entries: number, seed: number): Skiplist {
  const random = seededRandom(seed)
  const order = Array.from({ length: entries }, (_, i) => i)
  for (let i = entries - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const list = new Skiplist({ capacityBytes: entries * 80 + 1000, random })
  for (const i of order) list.put(bytes(String(i).padStart(16, '0')), bytes('value'))
  return list
}

describe('the shape of a skiplist', () => {
  it('every fourth tower of a height grows on, no more and no fewer', () => {
    const list = numbered(40_000, 1)
    const { heights, pointersPerNode, levels, entries } = skiplistShape(list)
    expect(pointersPerNode).toBeGreaterThan(1.32)
    expect(pointersPerNode).toBeLessThan(1.347)
    expect(heights.length).toBe(levels)
    expect(heights.reduce((sum, each) => sum + each)).toBe(entries)
    for (let i = 0; i < 5; i++) {
      const expected = entries * 0.75 * 0.25 ** i
      expect(Math.abs(heights[i] - expected)).toBeLessThan(5 * Math.sqrt(expected))
    }
  })

  it('the parts add up to the used bytes', () => {
    const shape = skiplistShape(numbered(1000, 2))
    expect(shape.keyBytes).toBe(16_000)
    expect(shape.valueBytes).toBe(5000)
    expect(shape.towerBytes).toBe(shape.pointersPerNode * 4000)
    expect(shape.overheadBytes).toBe(Skiplist.HEAD_BYTES + 1000 * (20 + 3) + (shape.towerBytes - 4000))
    expect(shape.towerBytes + shape.keyBytes + shape.valueBytes + shape.overheadBytes).toBe(shape.usedBytes)
  })

  it('a level links exactly the towers that reach it', () => {
    const list = numbered(2000, 3)
    const towers = [...skiplistTowers(list)]
    expect(towers.map(tower => text(tower.key))).toEqual(Array.from({ length: 2000 }, (_, i) => String(i).padStart(16, '0')))
    for (let level = 0; level < list.arena.levels; level++) {
      const linked: number[] = []
      for (let node = list.arena.next(HEAD, level); node !== 0; node = list.arena.next(node, level)) linked.push(node * 4)
      expect(linked).toEqual(towers.filter(tower => tower.height > level).map(tower => tower.offset))
    }
  })

  it('a search path ends just before its key after logarithmically many comparisons', () => {
    const list = numbered(10_000, 4)
    let comparisons = 0
    for (let i = 0; i < 10_000; i += 10) {
      const key = bytes(String(i).padStart(16, '0'))
      const steps = skiplistSearchPath(list, key)
      expect(steps.map(step => step.level)).toEqual(Array.from({ length: list.arena.levels }, (_, at) => list.arena.levels - 1 - at))
      expect(text(steps.at(-1)?.key)).toBe(i === 0 ? undefined : String(i - 1).padStart(16, '0'))
      for (const step of steps) comparisons += step.comparisons
    }
    // log4(n) levels with about 3 nodes passed and 3/4 of a node found too far on each.
    expect(comparisons / 1000).toBeLessThan(40)
    expect(comparisons / 1000).toBeGreaterThan(10)
  })

  it('an empty list has a shape', () => {
    const list = new Skiplist({ capacityBytes: 1000, random: seededRandom(5) })
    expect(skiplistShape(list)).toMatchObject({
      entries: 0,
      levels: 1,
      heights: [0],
      usedBytes: Skiplist.HEAD_BYTES,
      overheadBytes: Skiplist.HEAD_BYTES,
    })
    expect([...skiplistTowers(list)]).toEqual([])
    expect(skiplistSearchPath(list, bytes('a'))).toEqual([{ level: 0, key: undefined, forward: 0, comparisons: 0 }])
  })
})
