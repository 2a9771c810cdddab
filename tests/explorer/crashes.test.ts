/** Hazards: an image that power loss could leave and that is not shown; a recovery judged wrongly; a run that goes on otherwise after a crash. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { slice } from '../support/thoroughness.js'
import { SETTINGS } from './support/settings.js'

const put = (key: string, sync = false): Line => ({ operation: { type: 'put', key, value: `${key}!`, ...(sync && { sync }) } })

async function sessionWith(lines: readonly Line[]): Promise<{ readonly session: Session; readonly end: number }> {
  const session = new Session()
  await session.begin(SETTINGS)
  const { moments } = await session.add(lines)
  return { session, end: moments }
}

describe('power loss at a position', () => {
  it('has every image of a few unsynced writes: any end of the log may be missing, and nothing that was synced', async () => {
    const { session, end } = await sessionWith([put('a', true), put('b'), put('c')])
    for (const lane of [0, 1]) {
      const crashed = await session.crash(lane, end)
      expect(crashed).toMatchObject({ images: 4, isComplete: true, acknowledged: 3, durable: 1 })
      expect(crashed.parts).toHaveLength(2)
      expect(crashed.outcomes).toMatchObject([
        { images: 1, entries: 3, kept: 3, lost: [], isRight: true },
        { images: 1, entries: 2, kept: 2, lost: [{ operation: 2, text: 'put c c!' }], isRight: true },
        // Where the first of the two is missing, the second is not used, either.
        { images: 2, entries: 1, kept: 1, lostCount: 2, isRight: true },
      ])
    }
  })

  it('has one image where everything is synced', async () => {
    const { session, end } = await sessionWith([put('a'), { operation: { type: 'sync' } }])
    expect(await session.crash(0, end)).toMatchObject({ images: 1, parts: [], outcomes: [{ kept: 2, isRight: true }] })
  })

  it('counts a write that was under way apart', async () => {
    const { session } = await sessionWith([put('a'), put('b')])
    const insert = await session.seek({ from: Infinity, direction: -1, at: { type: 'memtable.insert' } })
    const { outcomes, acknowledged } = await session.crash(0, insert!)
    expect(acknowledged).toBe(1)
    expect(outcomes[0]).toMatchObject({ kept: 1, keptUnderway: 1 })
  })
})

describe('recovery at many positions', () => {
  let session: Session
  let end: number
  beforeAll(async () => {
    const fill: Line = { generator: { kind: 'random', count: 400, seed: 3, valueBytes: 100, keys: 200 } }
    ;({ session, end } = await sessionWith([fill, { operation: { type: 'sync' } }, put('x', true), fill]))
  })

  it('is never a state that the store did not have, nor one without a durable write', async () => {
    const times = slice(3, 60)
    for (let index = 1; index <= times; index++) {
      for (const lane of [0, 1]) {
        const { outcomes } = await session.crash(lane, Math.floor((end * index) / times))
        expect(outcomes.filter(outcome => !outcome.isRight)).toEqual([])
      }
    }
  })
})

it('takes no entry that has expired and is reclaimed for a lost one', async () => {
  const { session, end } = await sessionWith(linesOf(['put a 1 ttl 50', 'put b 2 sync', 'wait 60', 'flush', 'compact', 'put c 3']))
  for (const lane of [0, 1]) {
    const { outcomes } = await session.crash(lane, end)
    expect(outcomes.map(({ isRight }) => isRight)).not.toContain(false)
    expect(outcomes.map(({ entries }) => entries)).toEqual([2, 1])
  }
})

describe('a run that goes on after a crash', () => {
  it('holds what the image holds, and another crash begins from there', async () => {
    const { session, end } = await sessionWith([put('a', true), put('b'), put('c')])
    const { event, outcomes } = await session.crash(0, end)
    const { image } = outcomes[1]
    const after = await session.add([
      { operation: { type: 'crash', lane: 'lsm', event, image } },
      { operation: { type: 'range' } },
      put('d'),
    ])
    const [, crash, range] = await session.operations(2, 5)
    expect(crash.outcomes).toMatchObject([{ status: 'ok' }, undefined])
    expect(range.outcomes.map(outcome => outcome?.entries?.length)).toEqual([2, 3])
    const again = await session.crash(0, after.moments)
    expect(again).toMatchObject({ acknowledged: 1, durable: 0 })
    expect(again.outcomes.map(outcome => [outcome.entries, outcome.isRight])).toEqual([
      [3, true],
      [2, true],
    ])
    const look = await session.look({ position: after.moments, pictures: ['levels'] })
    expect(look.lanes[0].pictures.levels?.sequence).toBeGreaterThan(2)
  })

  it('says which lanes there are, and that what came before a crash is over', async () => {
    const { session } = await sessionWith([put('a')])
    const crash = (lane: string, event: number): Line => ({ operation: { type: 'crash', lane, event, image: 'none' } })
    await session.add([crash('lms', 10), crash('lsm', 100_000)])
    const rows = await session.operations(1, 3)
    expect(rows[0].outcomes[0]?.text).toBe('There is no lane "lms" to crash: the lanes are lsm, btree')
    expect(rows[1].outcomes[0]?.text).toMatch(/there is no event 100000/)
    await session.add([crash('lsm', 30), crash('lsm', 20)])
    const [row] = await session.operations(4, 5)
    expect(row.outcomes[0]?.text).toMatch(/The lane has crashed since event 20/)
  })
})
