import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mixPhases } from '../../../packages/lab/src/compare/dataset-mix.js'
import { explore, type Exploration, type ExploreOptions } from '../../../packages/lab/src/compare/explore/explore.js'
import { gridOf, type GridRequest } from '../../../packages/lab/src/compare/explore/grid.js'
import { mapReport } from '../../../packages/lab/src/compare/explore/map-report.js'
import { countWork } from '../../../packages/lab/src/compare/explore/mapped-work.js'
import { describeMachine } from '../../../packages/lab/src/compare/process-counters.js'
import { describeWork } from '../../../packages/lab/src/compare/work-digest.js'
import { designMap } from '../../../packages/lab/src/report/map/design-map.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
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

describe('a small map', () => {
  let directory = ''
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'kvarium-explore-'))))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const entries = Array.from({ length: 400 }, (_, index) => ({
    key: bytes(`key/${String(index).padStart(4, '0')}`),
    value: bytes(`v${index}`.repeat(20)),
  }))
  const phases = mixPhases(entries, { seed: 1, operations: 600, batchSize: 100, revise: () => bytes('revised'.repeat(12)) })
  const { work, mix } = countWork(phases)

  async function run(options: Partial<ExploreOptions> = {}): Promise<Exploration> {
    const { points } = await gridOf({
      scale: 2 ** -10,
      memoryBytes: 160 << 10,
      entries: 400,
      file: { path: '', json: '{"lsm": {"fanOut": [2, 4]}, "btree": {}, "hash": {}}' },
    })
    return explore({ points, phases, warmUp: [], work, seed: 1, rounds: 1, directory, budgetMs: 60_000, ...options })
  }

  it('every point does the same, is verified, has predictions, and leaves nothing behind', async () => {
    const states: Exploration[] = []
    const done = await run({ onState: state => states.push(state) })
    expect(done).toMatchObject({ leftOut: [], pending: [], resumed: 0 })
    expect(done.engines.map(({ name }) => name).sort()).toEqual(['btree', 'hash', 'lsm-T2', 'lsm-T4'])
    expect(new Set(done.engines.map(({ verification }) => verification.digest)).size).toBe(1)
    expect(done.engines.every(({ verification }) => verification.problemCount === 0)).toBe(true)
    expect(readdirSync(directory)).toEqual([])
    expect(states.map(({ engines, pending }) => [engines.length, pending.length])).toEqual([0, 1, 2, 3, 4].map(count => [count, 4 - count]))
    expect(mapReport(states[0], await about())).toBeUndefined()

    const partial = mapReport(states[2], await about())!
    expect(partial.map!.leftOut.map(({ why }) => why)).toEqual(['interrupted', 'interrupted'])
    const report = mapReport(done, await about())!
    expect(parseRunReport(JSON.stringify(report))).toEqual(report)
    const design = designMap(report)!
    expect(report.engines[0]).toBe(design.suggested.engine)
    for (const { measured, predicted, engine } of [...design.frontier, ...design.others]) {
      expect(measured.write).toBeGreaterThan(1)
      expect(measured.space).toBeGreaterThan(1)
      expect(predicted.write, engine.name).toBeGreaterThan(0)
    }

    const resumed = await run({ earlier: partial.engines })
    expect(resumed.resumed).toBe(2)
    expect(resumed.engines).toHaveLength(4)
    expect(resumed.engines.slice(0, 2)).toEqual(partial.engines)
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
        entries: 400,
        keyBytes: 8,
        valueBytes: 80,
        ...(await describeWork(phases)),
      },
      rounds: 1,
      map: { mix, weigh: { write: 1, read: 1, space: 1 }, memoryBytes: 1, dimensions: [] },
    }
  }

  it('a budget that is used up leaves points out by name; one is measured always', async () => {
    const { engines, leftOut } = await run({ budgetMs: 0 })
    expect(engines).toHaveLength(1)
    expect(leftOut.map(({ why }) => why)).toEqual(['budget', 'budget', 'budget'])
  })

  it('its work is counted: reads and writes without the load, and all puts for the formulas', () => {
    expect(mix.reads + mix.writes).toBe(600)
    expect(mix.writes / 600).toBeCloseTo(0.5, 1)
    expect(work).toMatchObject({ puts: 400 + mix.writes, keys: 400, keyBytes: 8, distribution: 'uniform' })
    expect(work.batchPuts).toBeCloseTo(work.puts / (4 + mix.writes), 5)
    expect(work.reads).toEqual({ distribution: 'uniform', scanEntries: 20 })
  })
})
