/** Hazards: a run that depends on when its operations come; a lane that answers wrongly; an error that ends the run. */
import { describe, expect, it } from 'vitest'
import { toJson } from '../../src/observe/json-lines.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Run } from '../../packages/explorer/src/run/run.js'
import { SETTINGS } from './support/settings.js'

const FILL: Line = { generator: { kind: 'random', count: 300, seed: 3, valueBytes: 100, keys: 100 } }

const write = (key: string, ttl?: number) => ({ type: 'put' as const, key, value: `${key}!`, ...(ttl !== undefined && { ttl }) })

async function runOf(lines: readonly Line[], pause = 0): Promise<Run> {
  const run = await Run.open(SETTINGS)
  for (const line of lines) {
    await run.add(line)
    if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
  }
  return run
}

describe('a run', () => {
  it('is the same, byte for byte, whether its operations come at once or with pauses between them', async () => {
    const lines: Line[] = [
      FILL,
      { operation: { type: 'flush' } },
      FILL,
      { operation: { type: 'wait', ms: 3000 } },
      { operation: { type: 'reopen' } },
    ]
    const quick = await runOf(lines)
    const slow = await runOf(lines, 15)
    expect(quick.moments.length).toBeGreaterThan(5000)
    expect(toJson(slow.moments)).toEqual(toJson(quick.moments))
  })

  it('performs every type of operation in all lanes, which agree', async () => {
    const operations: Operation[] = [
      { type: 'put', key: 'a', value: '1', sync: true },
      { type: 'snapshot', name: 's' },
      {
        type: 'batch',
        operations: [
          { type: 'put', key: 'b', value: '2' },
          { type: 'del', key: 'a' },
        ],
      },
      { type: 'get', key: 'a' },
      { type: 'get', key: 'a', snapshot: 's' },
      { type: 'range', from: 'a', reverse: true },
      { type: 'release', name: 's' },
      { type: 'sync' },
      { type: 'flush' },
      { type: 'compact' },
      { type: 'clear', from: 'b' },
      { type: 'range' },
      { type: 'wait', ms: 10 },
      { type: 'reopen' },
      { type: 'get', key: 'b' },
    ]
    const run = await runOf(operations.map(operation => ({ operation })))
    const outcomes = (lane: number): unknown[] =>
      run.moments.flatMap(moment => (moment.kind === 'return' && moment.lane === lane && moment.operation >= 0 ? [moment.outcome] : []))
    expect(outcomes(0)).toEqual(outcomes(1))
    expect(outcomes(0)).toMatchObject([
      { status: 'ok' },
      { status: 'ok' },
      { status: 'ok', text: '2 operations' },
      { status: 'missing' },
      { status: 'found', value: '1' },
      { status: 'ok', entries: [['b', '2']] },
      ...Array.from({ length: 5 }, () => ({ status: 'ok' })),
      { status: 'ok', entries: [] },
      { status: 'ok' },
      { status: 'ok' },
      { status: 'missing' },
    ])
  })

  it('finds no entry that has expired, also after power has failed, and gives its bytes back by a compaction', async () => {
    const run = await runOf([
      { operation: { type: 'put', key: 'a', value: '1', ttl: 50 } },
      { operation: { type: 'batch', operations: [write('b', 500), write('c')] } },
      { operation: { type: 'get', key: 'a' } },
      { operation: { type: 'wait', ms: 50 } },
      { operation: { type: 'get', key: 'a' } },
    ])
    for (const [lane, { name }] of SETTINGS.lanes.entries()) {
      const event = run.moments.filter(moment => moment.kind === 'event' && moment.lane === lane).length
      await run.add({ operation: { type: 'crash', lane: name, event, image: 'all' } })
    }
    for (const operation of [{ type: 'range' }, { type: 'wait', ms: 450 }, { type: 'compact' }, { type: 'range' }] as const) {
      await run.add({ operation })
    }
    for (const lane of SETTINGS.lanes.keys()) {
      const moments = run.moments.filter(moment => moment.lane === lane)
      const outcomes = moments.flatMap(moment => (moment.kind === 'return' ? [moment.outcome] : []))
      expect(outcomes.map(({ status }) => status).filter(status => status !== 'ok')).toEqual(['found', 'missing'])
      expect(outcomes.flatMap(({ entries }) => (entries === undefined ? [] : [entries.map(([key]) => key)]))).toEqual([['b', 'c'], ['c']])
      const dropped = moments.map(moment => (moment.kind === 'event' && moment.event.type === 'entries.expire' ? moment.event.entries : 0))
      expect(dropped.reduce((sum, count) => sum + count, 0)).toBe(2)
    }
  })

  it('says why an operation failed, and goes on', async () => {
    const run = await runOf([
      { operation: { type: 'get', key: 'a', snapshot: 'none' } },
      { operation: { type: 'put', key: 'a', value: '1' } },
    ])
    const outcomes = run.moments.flatMap(moment => (moment.kind === 'return' && moment.operation >= 0 ? [moment.outcome] : []))
    expect(outcomes[0]).toEqual({
      status: 'failed',
      code: 'KVARIUM_NOTHING_THERE',
      text: 'There is no snapshot "none": none is held. Take one by "snapshot NAME"; a reopening ends all of them',
    })
    expect(outcomes.slice(2)).toEqual([
      { status: 'ok', text: '' },
      { status: 'ok', text: '' },
    ])
  })

  it('says why a store did not open', async () => {
    const run = await Run.open({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: { fanOut: 1 } }] })
    await run.add({ operation: { type: 'get', key: 'a' } })
    const outcomes = run.moments.flatMap(moment => (moment.kind === 'return' ? [moment.outcome] : []))
    expect(outcomes).toMatchObject([{ status: 'failed', text: expect.stringContaining('fanOut') as string }, { status: 'failed' }])
  })

  it('refuses two lanes of one name, which a crash or a link could not tell apart', async () => {
    const [lane] = SETTINGS.lanes
    await expect(Run.open({ seed: 1, lanes: [lane, lane] })).rejects.toThrow(
      'Two lanes of the run have the name "lsm": give each lane its own',
    )
  })

  it('refuses more lanes than fit beside each other', async () => {
    const [lane] = SETTINGS.lanes
    await expect(Run.open({ seed: 1, lanes: [lane, lane, lane, lane] })).rejects.toThrow('A run has one to 3 lanes, not 4')
  })
})
