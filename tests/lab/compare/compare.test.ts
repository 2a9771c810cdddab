import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compare } from '../../../packages/lab/src/compare/compare.js'
import { datasetPhases } from '../../../packages/lab/src/compare/dataset-phases.js'
import type { Operation, Phase } from '../../../packages/lab/src/compare/operation.js'
import type { EngineResult, Progress } from '../../../packages/lab/src/compare/results.js'
import type { Cursor, Engine, EngineFactory } from '../../../src/engine/contract.js'
import { memoryEngine } from '../../../src/memory/factory.js'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-compare-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const put = (key: string, value = key): Operation => ({ type: 'put', key: bytes(key), value: bytes(value) })
const phase = (name: string, ...operations: readonly Operation[]): Phase => ({ name, about: name, operations: () => operations })

/** The memory engine with a fault in one method. */
function faulty(fault: (engine: Engine) => Partial<Engine>): EngineFactory {
  return {
    ...memoryEngine,
    name: 'faulty',
    async open(context) {
      const engine = await memoryEngine.open(context)
      const changed = fault(engine)
      return new Proxy(engine, {
        get(target, property) {
          if (property === 'getView' && 'get' in changed) return undefined
          const source: object = property in changed ? changed : target
          const value: unknown = Reflect.get(source, property)
          return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(source) : value
        },
      })
    },
  }
}

async function resultOf(engine: EngineFactory | string, ...phases: readonly Phase[]): Promise<EngineResult> {
  const { engines, ok } = await compare({ engines: [{ name: 'one', engine }], phases, directory })
  expect(ok).toBe(engines[0].problemCount === 0)
  return engines[0]
}

describe('a comparison', () => {
  it('every kind of operation is driven into every engine, with the same outcome', async () => {
    const phases = [
      phase('write', put('a'), put('b'), { type: 'batch', operations: [{ type: 'put', key: bytes('c'), value: bytes('3') }], sync: true }),
      phase('change', { type: 'del', key: bytes('a') }, put('d'), put('e'), { type: 'clear', gte: bytes('d'), lt: bytes('e') }),
      phase('rest', { type: 'flush' }, { type: 'compact' }, { type: 'settle' }, { type: 'reopen' }),
      phase('read', { type: 'get', key: bytes('b') }, { type: 'get-sync', key: bytes('a') }, { type: 'scan', reverse: true, limit: 2 }),
    ]
    const engines = [
      { name: 'lsm', engine: 'lsm', options: { writeBufferSize: 16384 } },
      { name: 'memory', engine: 'memory' },
      { name: 'mine', engine: { ...memoryEngine, name: 'mine' } },
    ]
    const { engines: results, ok } = await compare({ engines, phases, directory })
    expect(results.flatMap(result => result.problems)).toEqual([])
    expect(ok).toBe(true)
    for (const result of results) {
      expect(result.live.entries).toBe(3)
      expect(result.verification).toMatchObject({ entries: 3, deleted: 2, digest: results[0].verification.digest })
      expect(result.phases.map(({ operations, entries }) => [operations, entries])).toEqual([
        [3, 3],
        [4, 4],
        [4, 4],
        [3, 4],
      ])
    }
    expect(readdirSync(directory)).toEqual(['lsm'])
  })

  it('what compression saved is counted beside what was written, also before the store was opened again', async () => {
    const puts = Array.from({ length: 300 }, (_, index) => put(`key ${index}`, 'value '.repeat(20)))
    const phases = [phase('write', ...puts, { type: 'flush' }), phase('rest', { type: 'compact' }, { type: 'reopen' })]
    const result = async (compression: string): Promise<EngineResult> =>
      (await compare({ engines: [{ name: compression, engine: 'lsm', options: { compression } }], phases, directory })).engines[0]
    const plain = await result('none')
    const { traffic, problems } = await result('lz4')
    expect(problems).toEqual([])
    expect(plain.traffic.saved).toEqual({ flush: 0, compaction: 0, page: 0 })
    expect(traffic.saved.flush).toBeGreaterThan(traffic.written.flush)
    // An index entry of a compressed block has its size in addition.
    const raw = traffic.written.flush + traffic.saved.flush
    expect(raw / plain.traffic.written.flush).toBeCloseTo(1, 1)
  })

  it.each(['lsm', 'btree'])('what the background of %s still writes after the last phase is in that phase', async engine => {
    const puts = Array.from({ length: 300 }, (_, index) => put(`key ${index}`, 'value '.repeat(20)))
    const engines = [{ name: 'one', engine, options: { writeBufferSize: 16384 } }]
    const [{ phases, traffic }] = (await compare({ engines, phases: [phase('first', put('a')), phase('last', ...puts)], directory }))
      .engines
    // Opening writes to the log and the meta files before the first phase.
    const written = { flush: 0, compaction: 0, page: 0 }
    for (const part of ['flush', 'compaction', 'page'] as const) for (const { traffic } of phases) written[part] += traffic.written[part]
    expect(traffic.written).toMatchObject(written)
  })

  it('progress names the engine, the phase and how much is done; the warm-up leaves nothing', async () => {
    const seen: Progress[] = []
    const entries = Array.from({ length: 50 }, (_, index) => ({ key: bytes(`k/${index}`), value: bytes('v') }))
    const work = { seed: 1, overwriteShare: 0.5, deleteShare: 0.5, reads: 10, batchSize: 7, shuffle: true, revise: () => bytes('w') }
    const phases = datasetPhases(entries, work)
    const { ok } = await compare({
      engines: [{ name: 'lsm', engine: 'lsm' }],
      phases,
      warmUp: phases,
      directory,
      onProgress: progress => seen.push(progress),
    })
    expect(ok).toBe(true)
    expect(seen.some(progress => progress.isWarmUp)).toBe(true)
    expect(seen.filter(progress => !progress.isWarmUp && progress.phase === 'load').at(-1)).toMatchObject({
      done: 50,
      total: 50,
      phaseIndex: 0,
    })
    expect(seen.at(-1)).toMatchObject({ phase: 'verify', phaseIndex: phases.length, phaseCount: phases.length + 1 })
    expect(readdirSync(directory)).toEqual(['lsm'])
  })

  it('further rounds take the engines in turn, add their times and bytes and leave no store', async () => {
    const turns: string[] = []
    const engines = ['a', 'b', 'c'].map(name => ({ name, engine: name === 'a' ? 'lsm' : 'memory' }))
    const { engines: results, ok } = await compare({
      engines,
      phases: [phase('write', put('k'))],
      rounds: 3,
      directory,
      onProgress: ({ engine, round, roundCount }) => {
        expect(roundCount).toBe(3)
        if (turns.at(-1) !== `${round}${engine}`) turns.push(`${round}${engine}`)
      },
    })
    expect(ok).toBe(true)
    expect(turns).toEqual(['1a', '1b', '1c', '2b', '2c', '2a', '3c', '3a', '3b'])
    for (const result of results) {
      expect(result.rounds).toHaveLength(3)
      expect(result.rounds[0].phases).toEqual(result.phases)
      expect(result.rounds.map(({ phases: [{ entries }] }) => entries)).toEqual([1, 1, 1])
      expect(result.rounds.map(({ traffic }) => traffic.userBytes)).toEqual([2, 2, 2])
      expect(result.traffic.userBytes).toBe(2)
    }
    expect(readdirSync(directory)).toEqual(['a'])
  })

  it('the same seed makes the same operations, another seed others', () => {
    const entries = Array.from({ length: 50 }, (_, index) => ({ key: bytes(`k${index}`), value: bytes('v') }))
    const operations = (seed: number): string =>
      JSON.stringify(
        datasetPhases(entries, {
          seed,
          overwriteShare: 0.5,
          deleteShare: 0.5,
          reads: 9,
          batchSize: 7,
          shuffle: true,
          revise: value => value,
        }).map(each => [...each.operations()]),
      )
    expect(operations(7)).toBe(operations(7))
    expect(operations(8)).not.toBe(operations(7))
  })
})

describe('a comparison notices', () => {
  const load = phase('load', put('a'), put('b'), put('c'))

  it('a lost entry', async () => {
    const losing = faulty(engine => ({ get: key => (key[0] === 0x62 ? undefined : engine.get(key)) }))
    const { problems } = await resultOf(losing, load, phase('get', { type: 'get-sync', key: bytes('b') }))
    expect(problems).toEqual([
      { kind: 'read', message: '"b" is missing; it was written with 1 bytes' },
      { kind: 'verify', message: '"b" is missing; it was written with 1 bytes' },
    ])
  })

  it('a changed value', async () => {
    const changing = faulty(engine => ({ get: key => (engine.get(key) === undefined ? undefined : bytes('x')) }))
    const { problems, problemCount } = await resultOf(changing, load)
    expect(problemCount).toBe(3)
    expect(problems[0].message).toContain('it differs from byte 0')
  })

  it('a deleted entry that came back', async () => {
    const reviving = faulty(engine => ({ get: key => engine.get(key) ?? bytes('back') }))
    const { problems } = await resultOf(reviving, load, phase('delete', { type: 'del', key: bytes('c') }))
    expect(problems).toEqual([{ kind: 'verify', message: '"c" has a value of 4 bytes; it must not be there' }])
  })

  it('a scan that skips an entry', async () => {
    const skipping = faulty(engine => ({
      cursor(range, snapshot): Cursor {
        return engine.cursor({ ...range, gte: bytes('b') }, snapshot)
      },
    }))
    const { problems } = await resultOf(skipping, load, phase('scan', { type: 'scan' }))
    expect(problems[0]).toEqual({ kind: 'read', message: 'scan: "b" comes where "a" must' })
    expect(problems.some(({ kind, message }) => kind === 'verify' && message.startsWith('full scan'))).toBe(true)
  })

  it('a broken invariant that the engine itself reports', async () => {
    const broken = faulty(() => ({
      async *check() {
        yield { path: 'faulty / page 3', message: 'out of order' }
      },
    }))
    expect((await resultOf(broken, load)).problems).toEqual([{ kind: 'check', message: 'faulty / page 3: out of order' }])
  })

  it('a byte that is not in the ledger', async () => {
    const cheating: EngineFactory = {
      ...memoryEngine,
      name: 'cheating',
      durable: true,
      files: { log: /^secret$/ },
      async open(context) {
        const file = context.environment.fileSystem.create(`${context.directory}/secret`)
        file.write(bytes('12345'), 0)
        file.close()
        return memoryEngine.open({ ...context, options: { arenaSize: 4096 } })
      },
    }
    const messages = (await resultOf(cheating, load)).problems.map(({ kind, message }) => `${kind}: ${message}`)
    expect(messages).toHaveLength(2)
    expect(messages[0]).toMatch(/^ledger: the ledger has \d+ bytes written, the file system \d+$/)
  })

  it('a wrong answer of a later round, with the round', async () => {
    let opened = 0
    const flaky: EngineFactory = {
      ...memoryEngine,
      name: 'flaky',
      open: async context => (++opened === 2 ? faulty(() => ({ get: () => undefined })).open(context) : memoryEngine.open(context)),
    }
    const phases = [phase('write', put('a')), phase('read', { type: 'get', key: bytes('a') })]
    const { engines, ok } = await compare({ engines: [{ name: 'one', engine: flaky }], phases, rounds: 2, directory })
    expect(ok).toBe(false)
    expect(engines[0].problems[0].message).toMatch(/^in round 2: /)
  })

  it('an engine that fails, and goes on with the next one', async () => {
    const failing = faulty(() => ({
      write() {
        throw new Error('no room')
      },
    }))
    const engines = [
      { name: 'failing', engine: failing },
      { name: 'memory', engine: 'memory' },
    ]
    const { engines: results, ok } = await compare({ engines, phases: [load], directory })
    expect(ok).toBe(false)
    expect(results.map(result => result.problems)).toEqual([[{ kind: 'error', message: 'no room' }], []])
  })

  it('operations that are not the same for every engine', async () => {
    let calls = 0
    const changing: Phase = { name: 'load', about: '', operations: () => [put('a', String(++calls))] }
    const engines = ['first', 'second'].map(name => ({ name, engine: 'memory' }))
    const { engines: results, ok } = await compare({ engines, phases: [changing], directory })
    expect(ok).toBe(false)
    expect(results[1].problems[0].kind).toBe('stream')
  })

  it('a store that is there already', async () => {
    await resultOf('lsm', load)
    expect((await resultOf('lsm', load)).problems[0]).toMatchObject({
      kind: 'error',
      message: expect.stringContaining('already exists') as string,
    })
  })

  it('two engines of one name, and unknown options, before anything runs', async () => {
    const twice = ['one', 'one'].map(name => ({ name, engine: 'memory' }))
    await expect(compare({ engines: twice, phases: [], directory })).rejects.toThrow(/called "one"/)
    const unknown = [{ name: 'a', engine: 'lsm', options: { blokSize: 1 } }]
    await expect(compare({ engines: unknown, phases: [], directory })).rejects.toThrow(/Did you mean "blockSize"/)
    expect(readdirSync(directory)).toEqual([])
  })
})
