import { describe, expect, it } from 'vitest'
import { historyEntry, historyPage } from '../../bench/peers/history.js'
import type { Run } from '../../bench/peers/report.js'

const ABOUT = { version: '0.1.0', node: 'v20', processor: 'cpu', cores: 2, entries: 1000, cacheMiB: 64 }
const run = (round: number, store: string, rate: number): Run => ({
  round,
  store,
  work: 'get-sync',
  metrics: { operationsPerSecond: rate, hitRate: NaN },
  othersCores: round / 10,
})

describe('the history of a release', () => {
  const entry = historyEntry(ABOUT, [run(0, 'a', 100), run(1, 'a', 300), run(2, 'a', 200), run(0, 'null', 9)], [])

  it('keeps the median and the range of the rounds, and neither the harness nor what was not measured', () => {
    expect(entry.rows).toEqual({ 'get-sync/operationsPerSecond': { a: [200, 100, 300] } })
    expect(entry.othersCores).toBe(0.05)
  })

  it('is a page with a column a release, and an empty cell where one did not measure', () => {
    const later = historyEntry({ ...ABOUT, version: '0.2.0' }, [run(0, 'b', 5)], [])
    const page = historyPage([entry, later], [])
    expect(page).toMatch(/\| getSync +\| 200\/s \(100 to 300\) \| +\|/)
    expect(page).toContain('## b')
    expect(page).not.toContain('NaN')
  })
})
