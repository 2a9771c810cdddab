/**
 * Hazards: a work that the formulas take for another one than the run has done; a prediction beside a number that the lane has not measured;
 * formulas used where they do not hold, without a word.
 */
import { describe, expect, it } from 'vitest'
import { parse } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import type { RunSettings } from '../../packages/explorer/src/run/settings.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import type { PredictionPicture } from '../../packages/explorer/src/views/prediction.js'
import { SETTINGS } from './support/settings.js'

const [LSM, BTREE] = SETTINGS.lanes
const PLAIN = { ...LSM, options: { ...LSM.options, compression: 'none' } }

async function ran(settings: RunSettings, ...typed: readonly string[]): Promise<{ readonly session: Session; readonly end: number }> {
  const session = new Session()
  await session.begin(settings)
  const { moments } = await session.add(typed.map(line => parse(line) as Line))
  return { session, end: moments }
}

function errorOf({ rows }: PredictionPicture, name: string): number {
  const row = rows.find(each => each.name === name)
  if (row === undefined || row.measured === null) throw new Error(`no prediction of ${name}`)
  return Math.abs(row.predicted - row.measured) / row.measured
}

describe('random puts', () => {
  it('agree with the formulas as far as the tests of the formulas ask, and with the ledger that is drawn', async () => {
    const gets = Array.from({ length: 40 }, (_, index) => `get key000${String(index * 17).padStart(3, '0')}`)
    const { session, end } = await ran({ seed: 1, lanes: [PLAIN, BTREE] }, 'random 1600 keys 800', ...gets, 'get key000000a')
    const [lsm, btree] = [await session.prediction(0, end), await session.prediction(1, end)]
    expect(lsm.work).toMatchObject({ puts: 1600, keyBytes: 9, valueBytes: 100, batchPuts: 1, distribution: 'uniform' })
    expect(Math.abs(lsm.work!.keys - 800)).toBeLessThan(24)
    // Memtables are a quarter of those in the tests of the formulas, so the header of each log and the end of each table count more.
    expect(errorOf(lsm, 'log')).toBeLessThan(0.002)
    expect(errorOf(lsm, 'flush')).toBeLessThan(0.04)
    expect(errorOf(lsm, 'written per user byte')).toBeLessThan(0.04)
    expect(errorOf(lsm, 'compaction')).toBeLessThan(0.08)
    expect(errorOf(lsm, 'blocks per get that finds')).toBeLessThan(0.05)
    expect(errorOf(btree, 'log')).toBeLessThan(0.001)
    expect(errorOf(btree, 'pages')).toBeLessThan(0.16)
    expect(errorOf(btree, 'fill of leaves')).toBeLessThan(0.06)
    expect(errorOf(btree, 'height')).toBe(0)
    expect(errorOf(btree, 'pages per get that finds')).toBe(0)

    const { lanes } = await session.look({ position: end, pictures: ['ledger'] })
    for (const [lane, { rows, marks }] of [lsm, btree].entries()) {
      const { now } = lanes[lane].pictures.ledger!
      const measured = (of: 'write' | 'space'): number | null => rows.find(row => row.of === of && row.isTotal)!.measured
      // The formulas do not count checkpoints to another directory; there are none.
      expect(measured('write')).toBe(Object.values(now.written).reduce((sum, bytes) => sum + bytes, 0) / now.userBytes)
      expect(measured('space')).toBe(now.fileBytes / now.liveBytes)
      expect(Math.abs(marks.blocks! - now.blocks / now.gets)).toBeLessThan(0.1)
    }

    // At an earlier position only what was done by then counts.
    const [{ start }] = await session.operations(200, 201)
    expect((await session.prediction(1, start)).work?.puts).toBe(200)
    expect(await session.prediction(0, 1)).toEqual({
      rows: [],
      notes: ['There is no put so far, and the formulas are about puts.'],
      marks: {},
    })
  })

  it('differ from ascending and from skewed ones, and every put of new keys from draws', async () => {
    const workOf = async (...typed: readonly string[]): Promise<PredictionPicture['work']> => {
      const { session, end } = await ran({ seed: 1, lanes: [BTREE] }, ...typed)
      return (await session.prediction(0, end)).work
    }
    expect(await workOf('ascending 200 values 20B')).toMatchObject({ distribution: 'ascending', keys: 200 })
    expect(await workOf('zipfian 400 keys 1000 values 8B')).toMatchObject({ distribution: 'zipfian' })
    expect(await workOf('random 300 keys 1000 values 8B')).toMatchObject({ distribution: 'uniform' })
    expect(await workOf('batch put b 1; put a 2; del c', 'put c 3')).toMatchObject({ puts: 3, batchPuts: 1.5, distribution: 'uniform' })
  })
})

describe('where formulas do not hold', () => {
  it('compressed bytes are not predicted, and the page says so', async () => {
    const compressed = { ...PLAIN, options: { ...PLAIN.options, compression: 'lz4' } }
    const { session, end } = await ran({ seed: 1, lanes: [compressed] }, 'random 200 keys 100')
    const { rows, notes, marks } = await session.prediction(0, end)
    expect(rows.map(({ name }) => name)).toEqual(['log'])
    expect(notes.join()).toContain('no formula for compressed')
    expect(marks).toEqual({})
  })

  it('deletes, flushes and openings are named, and an engine without formulas', async () => {
    const memory = { name: 'memory', engine: 'memory', options: {} }
    const { session, end } = await ran({ seed: 1, lanes: [BTREE, memory] }, 'ascending 20 values 8B', 'del key000003', 'flush', 'reopen')
    expect((await session.prediction(0, end)).notes).toHaveLength(3)
    expect(await session.prediction(1, end)).toMatchObject({ rows: [], notes: ['There are no formulas for the engine memory.'] })
  })
})
