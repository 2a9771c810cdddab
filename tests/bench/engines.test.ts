import { builtInEngines } from '../../src/index.js'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../bench/peers/stores.js'
import { ENGINES } from '../../bench/suite/engines.js'
import { findProblems } from '../../bench/suite/problems.js'
import { referenceOf } from '../../bench/suite/reference.js'
import { runRound, type RoundOutcome } from '../../bench/suite/round.js'
import { WORKLOADS, findWorkload } from '../../packages/lab/src/workloads/catalogue.js'
import type { Size, Workload } from '../../packages/lab/src/workloads/workload.js'
import { Oracle } from '../../packages/lab/src/compare/oracle.js'
import { Kvarium } from '../../src/store/node-kvarium.js'

const SIZE: Size = { entries: 400, operations: 400, keyBytes: 16, valueBytes: 100, seed: 1, batch: 1, readsSync: false }
const WARM_UP: Size = { ...SIZE, entries: 100, operations: 100 }
/** Small enough that tables and pages are written. */
const OPTIONS: Readonly<Record<string, object>> = {
  lsm: { writeBufferSize: 65536, maxFileSize: 65536 },
  btree: { writeBufferSize: 65536 },
  memory: {},
}

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-bench-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function openKvarium(engine: string, location: string): Promise<Store> {
  mkdirSync(location)
  const db = new Kvarium<Uint8Array, Uint8Array>(location, {
    engine: builtInEngines.resolve(engine),
    keyEncoding: 'view',
    valueEncoding: 'view',
    ...OPTIONS[engine],
  })
  await db.open()
  return db
}

/** Compares every answer with an oracle. Beside a writer, the value before the last one is right, too. */
function checked(store: Store, hasWriter: boolean, wrong: string[]): Store {
  const oracle = new Oracle()
  const before = new Map<string, Uint8Array | undefined>()
  const name = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
    a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
  const look = (key: Uint8Array, value: Uint8Array | undefined, atCall: Uint8Array | undefined): void => {
    const allowed = hasWriter ? [atCall, oracle.get(key), before.get(name(key))] : [oracle.get(key)]
    if (!allowed.some(one => same(one, value))) wrong.push(`get of ${name(key)}`)
  }
  const keep = (key: Uint8Array): unknown => hasWriter && before.set(name(key), oracle.get(key))
  return {
    open: () => store.open(),
    close: () => store.close(),
    settle: () => store.settle!(),
    flush: () => store.flush!(),
    stats: () => store.stats!(),
    shape: () => store.shape!(),
    async get(key) {
      const atCall = oracle.get(key as Uint8Array)
      const value = await store.get(key)
      look(key as Uint8Array, value as Uint8Array | undefined, atCall)
      return value
    },
    getSync(key) {
      const value = store.getSync(key)
      look(key as Uint8Array, value as Uint8Array | undefined, undefined)
      return value
    },
    async getMany(keys) {
      const atCall = keys.map(key => oracle.get(key as Uint8Array))
      const values = await store.getMany(keys)
      for (const [i, key] of keys.entries()) look(key as Uint8Array, values[i] as Uint8Array | undefined, atCall[i])
      return values
    },
    async put(key, value, options) {
      keep(key as Uint8Array)
      oracle.apply({ type: 'put', key: key as Uint8Array, value: value as Uint8Array })
      await (options === undefined ? store.put(key, value) : store.put(key, value, options))
    },
    async del(key) {
      oracle.apply({ type: 'del', key: key as Uint8Array })
      await store.del(key)
    },
    async batch(operations) {
      for (const operation of operations) oracle.apply(operation as never)
      await store.batch(operations)
    },
    iterator(options = {}) {
      const iterator = store.iterator(options)
      const expected = oracle.scan(options as never)
      return Object.assign(Object.create(iterator) as typeof iterator, {
        async nextv(size: number) {
          const chunk = await iterator.nextv(size)
          for (const [key, value] of chunk as [Uint8Array, Uint8Array][]) {
            if (!expected.next() || !expected.hasKey(key) || !same(expected.value, value)) wrong.push(`scan at ${name(key)}`)
          }
          if (chunk.length === 0 && expected.next()) wrong.push('a scan ended early')
          return chunk
        },
        close: () => iterator.close(),
      })
    },
  }
}

async function run(workload: Workload, engine: string, size = SIZE): Promise<{ outcome: RoundOutcome; wrong: string[] }> {
  const wrong: string[] = []
  const plan = workload.plan(size)
  const hasWriter = plan.phases.some(({ lanes }) => lanes.length > 1)
  const outcome = await runRound({
    open: async location => checked(await openKvarium(engine, location), hasWriter, wrong),
    durable: engine !== 'memory',
    isKvarium: true,
    directory: mkdtempSync(join(directory, `${engine}-`)),
    warmUp: workload.plan(WARM_UP),
    plan,
  })
  return { outcome, wrong }
}

describe('every workload, compared with an oracle', () => {
  it.each(WORKLOADS.map(({ name }) => name))('%s is answered rightly by lsm, btree and memory, and leaves the same entries', async name => {
    const workload = findWorkload(name)!
    const reference = await referenceOf(workload.plan(SIZE))
    const visits = []
    for (const engineName of ['lsm', 'btree', 'memory']) {
      const { outcome, wrong } = await run(workload, engineName)
      expect(wrong).toEqual([])
      const engine = ENGINES.find(one => one.name === engineName)!
      visits.push({ workload, engine, round: 0, outcome, othersCores: 0 })
      const measured = outcome.phases.find(phase => phase.name === name)!
      expect(measured.entries).toBeGreaterThan(0)
      expect(measured.latency.p50Us).toBeGreaterThan(0)
      expect(measured.distribution.at(-1)![1]).toBe(1)
      const kinds = new Set(
        workload
          .plan(SIZE)
          .phases.find(phase => phase.name === name)!
          .lanes.flatMap(lane => [...lane()].map(({ type }) => type)),
      )
      expect(measured.calls.map(({ kind }) => kind).sort()).toEqual(kinds.size < 2 ? [] : [...kinds].sort())
      expect(measured.calls.reduce((sum, { operations }) => sum + operations, 0)).toBe(kinds.size < 2 ? 0 : measured.operations)
      expect(outcome.timeline.samples.length).toBeGreaterThan(1)
      if (engine.durable) expect(outcome.settled.fileBytes).toBeGreaterThan(0)
    }
    expect(findProblems({ workload, reference, visits })).toEqual([])
  })

  it('reads by getSync are the same work', async () => {
    const workload = findWorkload('readrandom')!
    const { outcome, wrong } = await run(workload, 'btree', { ...SIZE, readsSync: true })
    expect(wrong).toEqual([])
    expect(outcome.phases.find(({ name }) => name === 'readrandom')).toMatchObject({ found: SIZE.entries, missing: 0 })
  })

  it('a store that loses or changes an entry, or answers wrongly, is found out', async () => {
    const workload = findWorkload('overwrite')!
    const plan = workload.plan(SIZE)
    const reference = await referenceOf(plan)
    const engine = ENGINES.find(({ name }) => name === 'memory')!
    const visit = async (spoil: (store: Store) => Store): Promise<{ outcome: RoundOutcome; round: number }> => ({
      round: 0,
      outcome: await runRound({
        open: async location => spoil(await openKvarium('memory', location)),
        durable: false,
        isKvarium: true,
        directory: mkdtempSync(join(directory, 'spoiled-')),
        warmUp: workload.plan(WARM_UP),
        plan,
      }),
    })
    let puts = 0
    const good = await visit(store => store)
    const losing = await visit(store => {
      const put = store.put.bind(store)
      store.put = async (key, value, options) => (++puts === 250 ? undefined : put(key, value, options))
      return store
    })
    const visits = [good, losing].map((one, index) => ({ ...one, round: index, workload, engine, othersCores: 0 }))
    expect(findProblems({ workload, reference, visits })).toEqual([
      expect.objectContaining({ kind: 'verify', message: expect.stringContaining('round 2') as string }),
    ])
  })

  it('an engine that answers otherwise than the first, or got other operations, is found out', async () => {
    const workload = findWorkload('readrandom')!
    const engine = ENGINES.find(({ name }) => name === 'memory')!
    const reference = await referenceOf(workload.plan(SIZE))
    const { outcome: good } = await run(workload, 'memory')
    const lost = good.phases.map(phase => ({ ...phase, found: phase.found - 1 }))
    for (const [spoiled, kind] of [
      [{ ...good, answers: '00000000' }, 'read'],
      [{ ...good, digest: '00000000' }, 'stream'],
      [{ ...good, phases: lost }, 'read'],
    ] as const) {
      const visits = [good, spoiled].map((outcome, round) => ({ outcome, round, workload, engine, othersCores: 0 }))
      expect(findProblems({ workload, reference, visits })[0]).toMatchObject({ kind })
    }
  })
})
