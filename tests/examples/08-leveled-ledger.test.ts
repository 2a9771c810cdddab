/** The ledger of example 8, added up from other sources: the sizes that tables had when they were written, and the arithmetic of a frame. */
import { beforeAll, describe, expect, it } from 'vitest'
import { question, run } from '../../examples/08-leveled-ledger.js'
import { record } from '../../examples/lab/lab.js'
import { TableCount } from '../../examples/lab/table-count.js'
import type { TraceEvent } from '../../src/trace/index.js'

const PUTS = 40_000
let numbers: Readonly<Record<string, number | string>>
const number = (name: string): number => Number(numbers[name])

beforeAll(async () => {
  numbers = (await record(8, '08-leveled-ledger', { question, run })).numbers
})

describe('the ledger by level', () => {
  it('adds up: the tables of each level are the compactions of the ledger, and all parts are what the file system saw', () => {
    const levels = [1, 2, 3].map(level => number(`bytes-level-${level}`))
    expect(levels.reduce((sum, bytes) => sum + bytes)).toBe(number('bytes-compaction'))
    const rest = number('bytes-log') + number('bytes-flush') + number('bytes-manifest')
    expect(rest + number('bytes-compaction')).toBe(number('bytes-all'))
  })

  it('counts bytes per byte of keys and values', () => {
    expect(number('user-bytes')).toBe(PUTS * (8 + 92))
    expect(number('wa')).toBeCloseTo(number('bytes-all') / number('user-bytes'), 10)
    const parts = ['log', 'flush', 'level-1', 'level-2', 'level-3', 'manifest'].map(part => number(`wa-${part}`))
    expect(parts.reduce((sum, share) => sum + share)).toBeCloseTo(number('wa'), 10)
  })

  it('has the log that sixteen puts a frame make', () => {
    // Frame header 16, first sequence 8, count 4; each put: kind 1, key length 1, key 8, value length 1, value 92.
    const frames = (PUTS / 16) * (16 + 8 + 4 + 16 * (1 + 1 + 8 + 1 + 92))
    // And the header of 16 bytes, or the end, of each log.
    expect(number('bytes-log')).toBeGreaterThanOrEqual(frames)
    expect(number('bytes-log') / frames).toBeLessThan(1.01)
  })

  it('writes to each level what came down and what was there, except what was dropped', () => {
    for (const level of [1, 2, 3]) {
      const merged = number(`arrived-${level}`) * (1 + number(`again-${level}`))
      expect(merged * (1 - number(`dropped-${level}`) / 100)).toBeCloseTo(number(`wa-level-${level}`), 10)
    }
  })

  it('is near to the simulation, and far from T + 1 a level', () => {
    expect(Math.abs(number('simulated-all') / number('wa') - 1)).toBeLessThan(0.03)
    expect(number('rule-all')).toBeCloseTo(number('wa-log') + number('wa-flush') + 3 * 11, 1)
    expect(number('rule-all') / number('wa')).toBeGreaterThan(3)
  })
})

describe('a count of tables', () => {
  it('distinguishes those of a compaction from flushed ones by their job', () => {
    const count = new TableCount()
    const events = [
      { type: 'job.begin', kind: 'flush', job: 1 },
      { type: 'job.begin', kind: 'compaction', job: 2 },
      { type: 'table.built', job: 2, level: 1, entries: 7, fileBytes: 700 },
      { type: 'table.built', job: 1, level: 0, entries: 3, fileBytes: 300 },
      { type: 'table.built', job: 2, level: 1, entries: 5, fileBytes: 500 },
    ]
    for (const event of events) count.listener(event as unknown as TraceEvent)
    expect(count.flushed).toEqual({ tables: 1, entries: 3, bytes: 300 })
    expect(count.compacted).toEqual({ tables: 2, entries: 12, bytes: 1200 })
    expect(count.compactedInto(1)).toEqual(count.compacted)
    expect(count.compactedInto(2).bytes).toBe(0)
  })
})
