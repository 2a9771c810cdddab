import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { arrayEngine } from '../../examples/array-engine.js'
import { readStore } from '../../packages/cli/src/reading-store.js'
import { compare } from '../../packages/lab/src/compare/compare.js'
import { comparisonRunReport } from '../../packages/lab/src/compare/comparison-run-report.js'
import { datasetPhases } from '../../packages/lab/src/compare/dataset-phases.js'
import { chooseEngines, configureEngines, engineNames } from '../../packages/lab/src/compare/engine-table.js'
import { describeMachine } from '../../packages/lab/src/compare/process-counters.js'
import { describeWork } from '../../packages/lab/src/compare/work-digest.js'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import { builtInEngines, Kvarium, repair, Trace, verify, type TraceEvent } from '../../src/index.js'
import { inspectDirectory } from '../../src/inspect/index.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { toyEngine } from '../store/support/toy-engine.js'

const base = mkdtempSync(join(tmpdir(), 'kvarium-add-an-engine-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))

const text = (word: string): Uint8Array => new TextEncoder().encode(word)
const look = (directory: string): ReturnType<typeof inspectDirectory> =>
  inspectDirectory(directory, nodeEnvironment(), { engines: builtInEngines })

async function fill(directory: string, options: object = {}): Promise<void> {
  const db = new Kvarium(directory, { engine: toyEngine('toy'), ...options })
  await db.put('plum', 'blue')
  await db.put('lemon', 'yellow')
  await db.close()
}

// The steps of "How to add an engine" in CONTRIBUTING.md, in their order. The contract of step 2 is array-engine.test.ts.
describe('an engine that is not registered', () => {
  const directory = join(base, 'unregistered')
  const advice =
    'which is not registered (known engines: btree, hash, lsm, memory). Register its factory first: builtInEngines.register(factory)'

  it('is refused by compare with what to do', () => {
    expect(() => chooseEngines('array')).toThrow('There is no engine "array"')
    expect(() => chooseEngines('array')).toThrow('Register its factory first: builtInEngines.register(factory)')
  })

  it('works by its factory, while verify, repair and destroy say what to do and change nothing', async () => {
    await fill(directory)
    await expect(verify(directory)).rejects.toThrow(advice)
    await expect(repair(directory, join(base, 'never'))).rejects.toThrow(advice)
    await expect(Kvarium.destroy(directory)).rejects.toThrow(advice)
    const db = new Kvarium(directory, { engine: toyEngine('toy') })
    expect(await db.get('plum')).toBe('blue')
    await db.close()
  })

  it('is a problem of an inspected directory, not a missing row', async () => {
    const { problems, files } = await look(directory)
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(advice)])
    expect(files.map(({ name }) => name)).toContain('000001.log')
  })

  it('is refused on registration where it keeps files without saying which', () => {
    const { files: _files, ...factory } = toyEngine('toy')
    expect(() => builtInEngines.register(factory)).toThrow('lacks "files"')
  })
})

describe('an engine that is registered', () => {
  it('is in the list that compare runs, in its results and in the report', async () => {
    builtInEngines.register(arrayEngine)
    expect(engineNames()).toEqual(['lsm-leveled', 'lsm-tiered', 'lsm-lazy-leveled', 'btree', 'hash', 'memory', 'array'])
    const engines = configureEngines(chooseEngines('array'), 1, [])
    const entries = Array.from({ length: 100 }, (_, index) => ({ key: text(`key/${index}`), value: new Uint8Array(20).fill(index) }))
    const work = { seed: 1, overwriteShare: 0.3, deleteShare: 0.1, reads: 50, batchSize: 10, shuffle: true, revise: () => text('new') }
    const phases = datasetPhases(entries, work)
    const comparison = await compare({ engines, phases, directory: join(base, 'compare') })
    expect(comparison.engines.map(({ name, problems }) => [name, problems])).toEqual([['array', []]])
    const report = comparisonRunReport(comparison, {
      title: 'Array',
      createdAt: new Date(0),
      command: 'kvarium compare',
      machine: describeMachine(base),
      versions: { node: process.version },
      work: {
        name: 'dataset',
        about: 'x',
        seed: 1,
        parameters: {},
        entries: 100,
        keyBytes: 6,
        valueBytes: 20,
        ...(await describeWork(phases)),
      },
      predictedWork: { puts: 100, keys: 100, keyBytes: 6, valueBytes: 20, distribution: 'uniform' },
    })
    const parsed = parseRunReport(JSON.stringify(report))
    expect(parsed.engines.map(({ name, engine, predictions }) => [name, engine, predictions])).toEqual([['array', 'array', []]])
  })

  it('has its files inspected, verified, read by the command, repaired and destroyed', async () => {
    builtInEngines.register(toyEngine('toy'))
    const directory = join(base, 'registered')
    await fill(directory, { engine: 'toy' })
    const { engine, files, problems } = await look(directory)
    expect([engine, problems]).toEqual(['toy', []])
    expect(files.find(({ name }) => name === '000001.log')).toMatchObject({ kind: 'log', state: 'current', role: 'a log of the engine' })
    expect(await verify(directory)).toMatchObject({ engine: 'toy', opens: true, entries: 2, findings: [] })
    let stats: object = {}
    const invocation = {
      parameters: [],
      stdin: Readable.from([]),
      stdout: process.stdout,
      stderr: process.stderr,
      setExitCode: () => undefined,
    }
    await readStore(invocation, directory, (opened, factory) => {
      stats = { engine: factory.name, entries: opened.stats().ledger.liveBytes }
      return Promise.resolve()
    })
    expect(stats).toEqual({ engine: 'toy', entries: 'plumbluelemonyellow'.length })
    expect(await repair(directory, join(base, 'repaired'))).toMatchObject({ engine: 'toy', entries: 2, losses: [] })
    await Kvarium.destroy(directory)
    expect(nodeEnvironment().fileSystem.stat(directory)).toBeUndefined()
  })

  it('has its bytes in the parts of the ledger that the classes of its files name', async () => {
    const parts = new Set<string>()
    const listener = (event: TraceEvent): void => {
      if (event.type === 'file.write') parts.add(`${event.file} ${event.part}`)
    }
    const page = { ...toyEngine('paged'), files: { page: /^\d{6}\.log$/ } }
    for (const engine of ['toy', page]) {
      await fill(join(base, `traced-${parts.size}`), { engine, trace: new Trace({ level: 'io', listener }) })
    }
    expect([...parts].sort()).toEqual(['000001.log log', '000001.log page', 'KVARIUM.tmp meta'])
  })
})
