import { describe, expect, it } from 'vitest'
import { KvariumStore } from '../../src/store/kvarium.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { registry } from './support/test-store.js'

const LANES = 64
const CALLS_A_LANE = 500
/** Duration of a call on the clock of the test: a turn is due every 50 calls. */
const CALL_MS = 0.02
/** Calls in a millisecond, between two looks at the clock, and one for every lane before it parks. */
const mostCallsATurn = (lanes: number): number => 50 + 32 + lanes

type Store = KvariumStore<string, string>

interface Counted {
  /** Calls between two turns that the store took, at most. */
  readonly most: number
  /** Turns that the store took. */
  readonly turns: number
  /** Turns of the real event loop in the same time. */
  readonly loopTurns: number
}

/** Counts how many calls go on between two turns of the event loop, on a clock that the calls themselves move. */
async function mostCallsBetweenTurns(call: (db: Store, lane: number) => Promise<unknown>, laneCount = LANES): Promise<Counted> {
  let now = 0
  let turns = 0
  let calls = 0
  let most = 0
  const { scheduler, ...environment } = nodeEnvironment()
  const counted = {
    ...environment,
    clock: { now: () => now },
    scheduler: {
      ...scheduler,
      turn: async () => {
        await scheduler.turn()
        turns++
        most = Math.max(most, calls)
        calls = 0
      },
    },
  }
  const db: Store = new KvariumStore<string, string>('memory', { engine: 'memory' }, { environment: counted, registry })
  await db.open()
  await db.batch(Array.from({ length: 100 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'v' }) as const))
  let loopTurns = 0
  const count = (): void => {
    loopTurns++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  const lanes = Array.from({ length: laneCount }, async (_, lane) => {
    for (let i = 0; i < CALLS_A_LANE; i++) {
      now += CALL_MS
      calls++
      await call(db, lane)
    }
  })
  await Promise.all(lanes)
  clearImmediate(immediate)
  await db.close()
  return { most, turns, loopTurns }
}

const iterators = new Map<number, { next(): Promise<unknown>; seek(target: string): void }>()

describe('many calls in flight', () => {
  it.each<[string, (db: Store, lane: number) => Promise<unknown>]>([
    ['gets', db => db.get('k1')],
    ['looks for a key', db => db.has('k1')],
    ['gets of several', db => db.getMany(['k1', 'k2'])],
    ['looks for several', db => db.hasMany(['k1', 'k2'])],
    ['puts', (db, lane) => db.put(`k${lane}`, 'w')],
    ['deletes', (db, lane) => db.del(`k${lane}`)],
    ['batches', (db, lane) => db.batch([{ type: 'put', key: `k${lane}`, value: 'w' }])],
    ['clears', (db, lane) => db.clear({ gte: `l${lane}`, lt: `l${lane}x` })],
    ['steps of iterators', (db, lane) => stepOf(db, lane)],
  ])('wait for the turn of the event loop that is due, all of them: %s', async (_, call) => {
    iterators.clear()
    const { most, turns } = await mostCallsBetweenTurns(call)
    expect(most).toBeLessThanOrEqual(mostCallsATurn(LANES))
    expect(turns).toBeGreaterThanOrEqual(Math.floor((LANES * CALLS_A_LANE) / mostCallsATurn(LANES)))
  })

  it('of one lane take a turn no more often than they must', async () => {
    const { turns } = await mostCallsBetweenTurns((db, lane) => (lane === 0 ? db.get('k1') : Promise.resolve()))
    expect(turns).toBeLessThanOrEqual((LANES * CALLS_A_LANE) / 50)
  })
})

describe('a tight loop of one call after the other', () => {
  const batch = Array.from({ length: 100 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'v' }) as const)

  it.each<[string, (db: Store) => Promise<unknown>]>([
    ['put', db => db.put('k1', 'v')],
    ['get', db => db.get('k1')],
    ['has', db => db.has('k1')],
    ['batch', db => db.batch([...batch])],
    ['getMany', db => db.getMany(['k1', 'k2'])],
    ['iterator', db => db.keys().all()],
  ])('of awaited %s lets the event loop turn', async (_name, call) => {
    const { most, turns, loopTurns } = await mostCallsBetweenTurns(call, 1)
    expect(most).toBeLessThanOrEqual(mostCallsATurn(1))
    expect(turns).toBeGreaterThanOrEqual(Math.floor(CALLS_A_LANE / mostCallsATurn(1)))
    // A turn of the store is one of the loop: timers and sockets have theirs in it.
    expect(loopTurns).toBeGreaterThanOrEqual(turns)
  })
})

async function stepOf(db: Store, lane: number): Promise<void> {
  let iterator = iterators.get(lane)
  if (iterator === undefined) iterators.set(lane, (iterator = db.iterator()))
  if ((await iterator.next()) === undefined) iterator.seek('k')
}
