import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mixPhases } from '../../../packages/lab/src/compare/dataset-mix.js'
import { explore, type Exploration, type ExploreOptions } from '../../../packages/lab/src/compare/explore/explore.js'
import { farFromFrontier, simulationOf, type AnySimulation } from '../../../packages/lab/src/compare/explore/foresight.js'
import { gridOf, type GridRequest } from '../../../packages/lab/src/compare/explore/grid.js'
import { mapReport } from '../../../packages/lab/src/compare/explore/map-report.js'
import { countWork } from '../../../packages/lab/src/compare/explore/mapped-work.js'
import { describeMachine } from '../../../packages/lab/src/compare/process-counters.js'
import type { EngineConfiguration } from '../../../packages/lab/src/compare/results.js'
import { describeWork } from '../../../packages/lab/src/compare/work-digest.js'
import { foresightOf } from '../../../packages/lab/src/predict/predictors.js'
import type { Work } from '../../../packages/lab/src/predict/prediction.js'
import type { Simulation } from '../../../packages/lab/src/predict/simulator.js'
import { designMap, dominates, frontierOf } from '../../../packages/lab/src/report/map/design-map.js'
import { FAR_FACTOR } from '../../../packages/lab/src/report/map/map-text.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
import { builtInEngines } from '../../../src/built-in-engines.js'
import { resolveOptions } from '../../../src/engine/options.js'
import { MisuseError } from '../../../src/errors.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const grid = (request: Partial<GridRequest>) => gridOf({ scale: 1 / 512, entries: 1000, ...request })

describe('the grid', () => {
  it('every engine with files has points, with the same memory for write buffer, filters and cache', async () => {
    const { points, memoryBytes, dimensions } = await grid({})
    expect([...new Set(points.map(({ engine }) => engine))]).toEqual(['lsm', 'btree', 'hash'])
    expect(new Set(points.map(({ name }) => name)).size).toBe(points.length)
    expect(memoryBytes).toBe((80 << 20) / 512)
    for (const { options = {} } of points) {
      const { writeBufferSize = 0, cacheSize, filterBitsPerKey = 0 } = options as Record<string, number>
      expect(writeBufferSize + cacheSize + (1000 * filterBitsPerKey) / 8).toBe(memoryBytes)
    }
    expect(points.find(({ name }) => name === 'lsm-tiered-T6-f8-by-level-w50')!.options).toMatchObject({
      compaction: 'tiered',
      runsPerLevel: 6,
      filterBitsPerKey: 8,
      filterAllocation: 'by-level',
    })
    expect(dimensions).toContainEqual({ engine: 'btree', option: 'pageSize', values: [2048, 4096, 16384] })
  })

  it('a variant that is named keeps its policy, what is set holds at all points', async () => {
    const { points } = await grid({ engines: 'lsm-tiered', settings: ['blockSize=1KiB'] })
    expect(points.every(({ options = {} }) => options['compaction'] === 'tiered' && options['blockSize'] === 1024)).toBe(true)
    expect(points[0].name).toMatch(/^lsm-tiered-T3-/)
  })

  it('--vary varies nothing else, in all engines that have the option', async () => {
    const { points } = await grid({ vary: ['writeBufferSize=16KiB,32KiB', 'fanOut=4,8,16'] })
    expect(points.map(({ name }) => name)).toEqual([
      ...[16, 32].flatMap(size => [4, 8, 16].map(fanOut => `lsm-writeBufferSize-${size}K-T${fanOut}`)),
      'btree-writeBufferSize-16K',
      'btree-writeBufferSize-32K',
      'hash',
    ])
  })

  it('values lie apart from tables only where the user varies that', async () => {
    expect((await grid({})).points.every(({ options = {} }) => options['valueThreshold'] === undefined)).toBe(true)
    const { points } = await grid({ engines: 'lsm', vary: ['valueThreshold=0,1024'] })
    expect(points.map(({ name, options = {} }) => [name, options['valueThreshold']])).toEqual([
      ['lsm-v0', 0],
      ['lsm-v1K', 1024],
    ])
  })

  it('a file says the same, and which engines', async () => {
    const json = '{"lsm": {"compaction": ["tiered"], "runsPerLevel": [2, 20]}, "hash": {}}'
    const { points } = await grid({ file: { path: 'grid.json', json } })
    expect(points.map(({ name }) => name)).toEqual(['lsm-tiered-T2', 'lsm-tiered-T20', 'hash'])
    expect(points[1].options).toMatchObject({ runsPerLevel: 20, level0StopTables: 40 })
  })

  const file = (json: string): Partial<GridRequest> => ({ file: { path: 'g.json', json } })
  it.each<[Partial<GridRequest>, string]>([
    [{ vary: ['fanOut'] }, '--vary takes NAME=VALUE,VALUE, not "fanOut"'],
    [{ vary: ['fanout=4'] }, '--vary fanout: lsm, btree, hash have no such option. Did you mean fanOut?'],
    [{ vary: ['fanOut=4,x'] }, '--vary fanOut takes a whole number, also with KiB, MiB or GiB; not "x"'],
    [{ vary: ['fanOut=1'] }, '--vary fanOut: Option "fanOut"'],
    [{ vary: ['fanOut=4,4'] }, '--vary fanOut has the same value twice: 4, 4'],
    [{ vary: ['compaction=tierd'] }, '--vary compaction: Option "compaction"'],
    [{ vary: ['bufferShare=100'] }, '--vary bufferShare takes percents of the memory, more than 0 and less than 100; not "100"'],
    [{ engines: 'hash', vary: ['pageSize=4096'] }, '--vary pageSize: hash has no such option.'],
    [{ engines: 'memory' }, 'The engine memory keeps nothing on disk: it has no place on the map. Leave it out of --engine'],
    [{ engines: 'lsn' }, 'There is no engine "lsn". Did you mean lsm?'],
    [{ vary: ['fanOut=4'], ...file('{"lsm": {}}') }, '--grid and --vary both say what varies: give one of them'],
    [file('{'), 'g.json is not JSON: '],
    [file('[]'), 'g.json must hold an object of engines, each with options and lists of their values'],
    [file('{"lsn": {}}'), 'g.json: there is no engine "lsn". Known engines: lsm, btree, hash'],
    [file('{"lsm": 1}'), 'g.json: "lsm" must have an object of options'],
    [file('{"lsm": {"fanOut": 4}}'), 'g.json: lsm.fanOut must be a list of at least one value'],
    [file('{"btree": {"fanOut": [4]}}'), 'g.json: btree.fanOut: btree has no such option.'],
    [file('{"lsm": {"fanOut": ["four"]}}'), 'g.json: lsm.fanOut takes a whole number'],
  ])('%j is refused with what is wrong', async (request, message) => {
    await expect(grid(request)).rejects.toThrow(MisuseError)
    await expect(grid(request)).rejects.toThrow(message)
  })
})

describe('points that are not measured', () => {
  const work: Work = {
    puts: 6000,
    keys: 2000,
    keyBytes: 16,
    valueBytes: 84,
    distribution: 'uniform',
    batchPuts: 1,
    reads: { distribution: 'uniform' },
  }
  const engine = builtInEngines().resolve('lsm')
  const named = (name: string, options: Readonly<Record<string, unknown>> = {}): EngineConfiguration => ({ name, engine: 'lsm', options })
  /** A tree that is larger than any cache of these tests. */
  const tree = (writeAmplification: number, spaceAmplification: number, runs: number): AnySimulation => ({
    ...(simulationOf(named('any', { writeBufferSize: 16_384 }), work, 1) as Simulation),
    writeAmplification,
    spaceAmplification,
    runs,
  })
  function leftOut(
    trees: Readonly<Record<string, AnySimulation>>,
    options: Readonly<Record<string, unknown>> = { cacheSize: 0, filterBitsPerKey: 0 },
  ) {
    const points = Object.keys(trees).map(name => named(name, options))
    return [...farFromFrontier(points, new Map(Object.entries(trees)), work)]
  }

  it('a point that another one beats by the factor of the rule is, unless it is better in something', () => {
    const base = tree(4, 1.2, 3)
    expect(leftOut({ base, worse: tree(4 * FAR_FACTOR, 1.2, 3) })).toEqual(['worse'])
    expect(leftOut({ base, larger: tree(4, 1.2 * FAR_FACTOR, 3) })).toEqual(['larger'])
    expect(leftOut({ base, slower: tree(4, 1.2, 6) })).toEqual(['slower'])
    expect(leftOut({ base, close: tree(4 * (FAR_FACTOR - 0.01), 1.2, 3) })).toEqual([])
    expect(leftOut({ base, smaller: tree(4 * FAR_FACTOR, 1.1, 3) })).toEqual([])
    expect(leftOut({ base, same: base })).toEqual([])
  })

  it('a point whose larger values may lie apart from its tables never is', () => {
    const trees = { base: tree(4, 1.2, 3), worse: tree(40, 2, 9) }
    expect(leftOut(trees, { cacheSize: 0, valueThreshold: 1024 })).toEqual([])
    expect(simulationOf(named('apart', { valueThreshold: 84 }), work, 1)).toBeUndefined()
    expect(simulationOf(named('inside', { valueThreshold: 85 }), work, 1)).toBeDefined()
  })

  it('no point on the frontier of all simulations is, and each of the others is beaten', async () => {
    const { points } = await gridOf({ scale: 1 / 512, entries: 2000, engines: 'lsm' })
    const simulations = new Map(points.map(point => [point.name, simulationOf(point, work, 1)!]))
    const far = farFromFrontier(points, simulations, work)
    expect(far.size).toBeGreaterThan(3)
    expect(far.size).toBeLessThan(points.length)
    const places = points.map(({ name, options = {} }) => ({
      name,
      place: foresightOf('lsm')!(simulations.get(name)!, resolveOptions(engine.options, options), work)!,
    }))
    expect(frontierOf(places, ({ place }) => place).filter(({ name }) => far.has(name))).toEqual([])
    // What beats a point that is left out is measured itself, or beaten by one that is.
    const measured = places.filter(({ name }) => !far.has(name))
    for (const { name, place } of places.filter(one => far.has(one.name)))
      expect(
        measured.some(other => dominates(other.place, place)),
        name,
      ).toBe(true)
  })
})

describe('a small map', () => {
  let directory = ''
  let cut: Exploration
  let done: Exploration
  const states: Exploration[] = []
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kvarium-explore-'))
    cut = await run({ budgetMs: 0 })
    done = await run({ earlier: mapReport(cut, await about())!.engines, onState: state => states.push(state) })
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const entries = Array.from({ length: 300 }, (_, index) => ({
    key: bytes(`key/${String(index).padStart(4, '0')}`),
    value: bytes(`v${index}`.repeat(20)),
  }))
  const phases = mixPhases(entries, { seed: 1, operations: 300, batchSize: 100, revise: () => bytes('revised'.repeat(12)) })
  const { work, mix } = countWork(phases)

  async function run(options: Partial<ExploreOptions> = {}): Promise<Exploration> {
    const { points } = await gridOf({
      scale: 2 ** -10,
      memoryBytes: 80 << 10,
      entries: entries.length,
      file: { path: '', json: '{"lsm": {"fanOut": [2]}, "btree": {}, "hash": {}}' },
    })
    return explore({ points, phases, warmUp: [], work, seed: 1, rounds: 1, directory, budgetMs: 60_000, ...options })
  }

  it('a budget that is used up leaves points out by name; one is measured always', () => {
    expect(cut.engines).toHaveLength(1)
    expect(cut.leftOut.map(({ why }) => why)).toEqual(['budget', 'budget'])
  })

  it('every point does the same, is verified, has predictions, and leaves nothing behind', () => {
    expect(done).toMatchObject({ leftOut: [], pending: [] })
    expect(done.engines.map(({ name }) => name).sort()).toEqual(['btree', 'hash', 'lsm-T2'])
    expect(new Set(done.engines.map(({ verification }) => verification.digest)).size).toBe(1)
    expect(done.engines.every(({ verification }) => verification.problemCount === 0)).toBe(true)
    expect(readdirSync(directory)).toEqual([])
  })

  it('what is interrupted or cut short goes on with the same points', async () => {
    expect(done.resumed).toBe(1)
    expect(done.engines.slice(0, 1)).toEqual(cut.engines)
    expect(states.map(({ engines, pending }) => [engines.length, pending.length])).toEqual([1, 2, 3].map(count => [count, 3 - count]))
    expect(mapReport({ ...states[0], engines: [] }, await about())).toBeUndefined()
    expect(mapReport(states[1], await about())!.map!.leftOut.map(({ why }) => why)).toEqual(['interrupted'])
  })

  it('its report comes back as it was, with the best point first', async () => {
    const report = mapReport(done, await about())!
    expect(parseRunReport(JSON.stringify(report))).toEqual(report)
    const design = designMap(report)!
    expect(report.engines[0]).toBe(design.suggested.engine)
    for (const { measured, predicted, engine } of [...design.frontier, ...design.others]) {
      expect(measured.write).toBeGreaterThan(1)
      expect(measured.space).toBeGreaterThan(1)
      expect(predicted.write, engine.name).toBeGreaterThan(0)
    }
  })

  async function about() {
    return {
      title: 'Small',
      createdAt: new Date(0),
      command: 'kvarium compare --explore',
      machine: describeMachine(directory),
      versions: {},
      work: {
        name: 'mix',
        about: 'A mix',
        seed: 1,
        parameters: {},
        entries: entries.length,
        keyBytes: 8,
        valueBytes: 80,
        ...(await describeWork(phases)),
      },
      rounds: 1,
      map: { mix, weigh: { write: 1, read: 1, space: 1 }, memoryBytes: 1, dimensions: [] },
    }
  }

  it('its work is counted: reads and writes without the load, and all puts for the formulas', () => {
    expect(mix.reads + mix.writes).toBe(300)
    expect(mix.writes / 300).toBeCloseTo(0.5, 1)
    expect(work).toMatchObject({ puts: 300 + mix.writes, keys: 300, keyBytes: 8, distribution: 'uniform' })
    expect(work.batchPuts).toBeCloseTo(work.puts / (3 + mix.writes), 5)
    expect(work.reads).toEqual({ distribution: 'uniform', scanEntries: 20 })
  })
})
