/** Hazards: a picture that depends on the way to its position; a search that stops at the wrong place; a timeline that loses a job. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Look, Summary } from '../../packages/explorer/src/session/protocol.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import type { PictureName } from '../../packages/explorer/src/views/catalog.js'
import { SETTINGS } from './support/settings.js'

const PICTURES: readonly PictureName[] = ['levels', 'tree', 'files']

async function filled(): Promise<{ readonly session: Session; readonly summary: Summary }> {
  const session = new Session()
  await session.begin(SETTINGS)
  const summary = await session.add([{ generator: { kind: 'random', count: 600, seed: 3, valueBytes: 100, keys: 400 } }])
  return { session, summary }
}

describe('a session', () => {
  let session: Session
  let summary: Summary
  beforeAll(async () => ({ session, summary } = await filled()))

  it('shows the same at a position from wherever one comes', async () => {
    const { session: other } = await filled()
    const lookAt = (from: Session, position: number): Promise<Look> => from.look({ position, pictures: PICTURES })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(summary.moments), { minLength: 1, maxLength: 6 }), async positions => {
        let found: Look | undefined
        for (const position of positions) found = await lookAt(session, position)
        expect(found).toEqual(await lookAt(other, positions.at(-1)!))
      }),
      { seed: 1, numRuns: 30 },
    )
  })

  it('begins with nothing and ends with what the engines hold', async () => {
    const start = await session.look({ position: 0, pictures: PICTURES })
    expect(start.lanes.map(lane => lane.events)).toEqual([0, 0])
    const { lanes } = await session.look({ position: summary.moments, pictures: PICTURES })
    const [{ pictures: lsm }, { pictures: btree }] = lanes
    expect(lsm.levels?.sequence).toBe(600)
    expect(lsm.levels?.levels.some(level => level.tables > 0)).toBe(true)
    expect(btree.tree?.sequence).toBe(600)
    expect(lsm.files?.files.map(file => file.name)).toContain('CURRENT')
    expect(lsm.tree).toBeUndefined()
  })

  it('finds the next place of a kind both ways', async () => {
    const flush = await session.seek({ from: 0, direction: 1, at: { type: 'memtable.freeze' } })
    const look = await session.look({ position: flush!, pictures: [] })
    expect(look.moment?.type).toBe('memtable.freeze')
    expect(await session.seek({ from: flush! + 1, direction: -1, at: { type: 'memtable' } })).toBe(flush)
    expect(await session.seek({ from: 0, direction: 1, at: { text: 'no event says this' } })).toBeUndefined()
    const operation = await session.seek({ from: flush!, direction: -1, at: 'operation' })
    expect((await session.look({ position: operation!, pictures: [] })).moment?.kind).toBe('call')
  })

  it('has every job of a part of the run on the timeline, and counts marks that are close', async () => {
    const all = await session.timeline({ from: 0, to: summary.moments, buckets: 10_000 })
    const flushes = all.jobs.filter(job => job.kind === 'flush')
    expect(flushes.length).toBeGreaterThan(2)
    const [{ from }] = flushes
    const part = await session.timeline({ from, to: from + 1, buckets: 10 })
    expect(part.jobs).toContainEqual(flushes[0])
    const counted = await session.timeline({ from: 0, to: summary.moments, buckets: 1 })
    const sum = (marks: readonly { readonly count: number }[]): number => marks.reduce((total, { count }) => total + count, 0)
    expect(sum(counted.marks)).toBe(sum(all.marks))
    expect(counted.marks.length).toBeLessThan(all.marks.length)
  })

  it('lists operations with what came of them in every lane', async () => {
    const [row] = await session.operations(5, 6)
    expect(row).toMatchObject({ index: 5, outcomes: [{ status: 'ok' }, { status: 'ok' }] })
    const look = await session.look({ position: row.start, pictures: [] })
    expect(look.moment).toMatchObject({ kind: 'call', operation: 5, sentence: row.text })
  })
})
