import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LsmShape } from '../../../src/lsm/shape.js'
import type { Compaction } from '../../../src/lsm/compaction/compaction.js'
import type { CompactionPicker } from '../../../src/lsm/compaction/pickers/compaction-picker.js'
import { LazyLeveledPicker } from '../../../src/lsm/compaction/pickers/lazy-leveled-picker.js'
import { LeveledPicker } from '../../../src/lsm/compaction/pickers/leveled-picker.js'
import { TieredPicker } from '../../../src/lsm/compaction/pickers/tiered-picker.js'
import type { Version } from '../../../src/lsm/versions/version.js'
import { unionOf } from '../../../packages/lab/src/predict/merge-sorted.js'
import type { Work } from '../../../packages/lab/src/predict/prediction.js'
import { keyDraws, pickerOf, simulate } from '../../../packages/lab/src/predict/simulate.js'
import { CompactionSimulator, type Simulation } from '../../../packages/lab/src/predict/simulator.js'
import { lsmSizes, plainSizes } from '../../../packages/lab/src/predict/size-model.js'
import { SeededRandom } from '../../../src/vfs/seeded-random.js'
import { drive, lsmOptions, openMeasured, SMALL } from './support/measured-engines.js'

const simulated = new Map<CompactionPicker, Simulation>()

/** 200,000 uniform updates over 50,000 keys, 256 entries a memtable, every byte the user's. */
function updates(picker: CompactionPicker): Simulation {
  const known = simulated.get(picker)
  if (known !== undefined) return known
  const simulator = new CompactionSimulator({ picker, sizes: plainSizes(1, 256), maxTableBytes: 256, keys: 50_000, sampleEvery: 10 })
  const random = new SeededRandom(1)
  for (let i = 0; i < 200_000; i++) simulator.put(random.uniform(50_000))
  const report = simulator.report()
  simulated.set(picker, report)
  return report
}

const leveled = (fanOut: number): CompactionPicker => new LeveledPicker({ level0Tables: 4, level1Bytes: 1024, fanOut })
const tiered = (runsPerLevel: number): CompactionPicker => new TieredPicker({ runsPerLevel })
const LEVELED_10 = leveled(10)
const LEVELED_4 = leveled(4)
const TIERED_4 = tiered(4)
const TIERED_10 = tiered(10)
const LAZY_4 = new LazyLeveledPicker({ runsPerLevel: 4, fanOut: 4 })

describe('the toy tree', () => {
  it.each([
    ['leveled-10', LEVELED_10, 10.9, 1.24],
    ['leveled-4', LEVELED_4, 10.1, 1.43],
    ['tiered-4', TIERED_4, 5.3, 2.3],
    ['tiered-10', TIERED_10, 3.7, 3.3],
  ])('%s writes and occupies what it is known to', (_name, picker, write, space) => {
    const { writeAmplification, spaceAmplification } = updates(picker)
    expect(writeAmplification / write).toBeCloseTo(1, 1)
    expect(spaceAmplification / space).toBeCloseTo(1, 1)
  })

  it.each([
    ['leveled, T = 10', LEVELED_10],
    ['leveled, T = 4', LEVELED_4],
    ['tiered, T = 4', TIERED_4],
    ['tiered, T = 10', TIERED_10],
    ['lazily leveled, T = 4', LAZY_4],
  ])('%s does what the document says', (name, picker) => {
    const text = readFileSync(new URL('../../../docs/predicted-and-measured.md', import.meta.url), 'utf8')
    const [, write, space] = new RegExp(`^\\| ${name} +\\| +([\\d.]+) +\\| +([\\d.]+) +\\|`, 'm').exec(text)!
    const { writeAmplification, spaceAmplification } = updates(picker)
    expect(writeAmplification).toBeCloseTo(Number(write), 1)
    expect(spaceAmplification).toBeCloseTo(Number(space), 2)
  })

  it('splits leveled-10 as log 1, flush 1, then about 1.9, 4.8 and 2.1 a level, where T + 1 a level says 24', () => {
    const { written, levels, userBytes, writeAmplification } = updates(LEVELED_10)
    const byLevel = levels.map(({ writtenBytes }) => writtenBytes / userBytes)
    expect(written.log / userBytes).toBe(1)
    for (const [level, factor] of [1, 1.9, 4.8, 2.1].entries()) expect(Math.abs(byLevel[level] - factor)).toBeLessThan(0.6)
    expect(writeAmplification).toBeLessThan(24 / 2)
  })

  it('never compacts what comes in ascending order when leveled: tables only move', () => {
    const simulator = new CompactionSimulator({ picker: LEVELED_10, sizes: plainSizes(1, 256), maxTableBytes: 256, keys: 50_000 })
    for (let key = 0; key < 50_000; key++) simulator.put(key)
    const { written, moves, picks } = simulator.report()
    expect(written.compaction).toBeLessThan(written.flush)
    expect(moves).toBeGreaterThan(picks / 2)
  })
})

interface Pick {
  readonly reason: string
  readonly level: number
  readonly inputs: readonly number[]
  readonly entries: readonly number[]
}

function shown({ reason, outputLevel, inputs }: Compaction): Pick {
  return {
    reason,
    level: outputLevel,
    inputs: inputs.map(run => run.length),
    entries: inputs.map(run => run.reduce((sum, { entries }) => sum + entries, 0)),
  }
}

/** The picks of the engine, read off its picker. */
async function engineRun(
  options: Record<string, unknown>,
  work: Work,
  flushEvery: number,
): Promise<{ picks: Pick[]; levels: LsmShape['levels']; flush: number; compaction: number; log: number }> {
  const picks: Pick[] = []
  const { prototype } = { tiered: TieredPicker, 'lazy-leveled': LazyLeveledPicker }[String(options.compaction)] ?? LeveledPicker
  const pick = prototype.pick
  let last: Version | undefined
  prototype.pick = function (version, context) {
    const spec = pick.call(this as never, version, context)
    // The engine also asks to see whether something is due.
    if (spec !== undefined && version !== last) picks.push(shown(spec))
    last = version
    return spec
  }
  try {
    const driven = await openMeasured('lsm', options)
    await drive(driven, work, { seed: 5, flushEvery })
    const { written } = driven.engine.stats().ledger
    const { levels } = driven.engine.shape() as LsmShape
    await driven.close()
    return { picks, levels, ...written }
  } finally {
    prototype.pick = pick
  }
}

function simulatedRun(options: Record<string, unknown>, work: Work, flushEvery: number): { picks: Pick[]; simulation: Simulation } {
  const filled = lsmOptions(options)
  const picks: Pick[] = []
  const sizes = { ...lsmSizes(work, filled), memtablePuts: flushEvery }
  const simulator = new CompactionSimulator({
    picker: pickerOf(filled),
    sizes,
    maxTableBytes: filled.maxFileSize,
    keys: work.keys,
    onPick: spec => picks.push(shown(spec)),
  })
  const draw = keyDraws(work, 5)
  for (let i = 0; i < work.puts; i++) simulator.put(draw())
  simulator.flush()
  return { picks, simulation: simulator.report() }
}

describe('the simulator and the engine, flushed at the same puts', () => {
  const work: Work = { puts: 12_000, keys: 6000, keyBytes: 12, valueBytes: 100, distribution: 'uniform', batchPuts: 20 }

  it.each(['uniform', 'zipfian', 'ascending'] as const)('make the very same tiered picks, %s', async distribution => {
    const options = { ...SMALL, compaction: 'tiered', runsPerLevel: 3, writeBufferSize: 256 << 10 }
    const some = { ...work, distribution, ...(distribution === 'ascending' && { keys: work.puts }) }
    const [engine, simulated] = [await engineRun(options, some, 400), simulatedRun(options, some, 400)]
    const wholeOf = ({ reason, level, entries }: Pick): unknown => ({ reason, level, entries })
    expect(simulated.picks.map(wholeOf)).toEqual(engine.picks.map(wholeOf))
    expect(simulated.picks.length).toBeGreaterThan(10)
  })

  it('make the very same lazily leveled picks: which level is merged, and when the last one moves down', async () => {
    const options = { ...SMALL, compaction: 'lazy-leveled', runsPerLevel: 2, fanOut: 3, writeBufferSize: 256 << 10 }
    const [engine, { picks, simulation }] = [await engineRun(options, work, 400), simulatedRun(options, work, 400)]
    const wholeOf = ({ reason, level, inputs, entries }: Pick): unknown => ({ reason, level, runs: inputs.length, entries })
    expect(picks.map(wholeOf)).toEqual(engine.picks.map(wholeOf))
    expect(picks.filter(({ reason }) => reason === 'level is too large').length).toBeGreaterThan(1)
    expect(Math.abs(simulation.written.compaction / engine.compaction - 1)).toBeLessThan(0.02)
  })

  it('make the very same leveled picks where they do not hang on single bytes: one level, and everything ascending', async () => {
    const options = { ...SMALL, writeBufferSize: 256 << 10, level1Size: 4 << 20 }
    for (const some of [work, { ...work, distribution: 'ascending', keys: work.puts } as const]) {
      const [engine, { picks, simulation }] = [await engineRun(options, some, 400), simulatedRun(options, some, 400)]
      const wholeOf = ({ reason, level, inputs, entries }: Pick): unknown => ({ reason, level, runs: inputs.length, entries })
      expect(picks.map(wholeOf)).toEqual(engine.picks.map(wholeOf))
      expect(picks.length).toBeGreaterThan(5)
      expect(simulation.written.compaction === 0).toBe(engine.compaction === 0)
    }
  })

  it.each(['uniform', 'zipfian'] as const)('write the same bytes when leveled, within a few percent, %s', async distribution => {
    const options = { ...SMALL, writeBufferSize: 256 << 10 }
    const some = { ...work, distribution }
    const [engine, { simulation, picks }] = [await engineRun(options, some, 400), simulatedRun(options, some, 400)]
    expect(Math.abs(simulation.written.flush / engine.flush - 1)).toBeLessThan(0.01)
    expect(Math.abs(simulation.written.compaction / engine.compaction - 1)).toBeLessThan(0.04)
    // Which table is the cheapest is a matter of single bytes, so the order may differ, but not how much is picked where.
    for (const reason of ['level 0 is full', 'level is too large']) {
      const count = (all: readonly Pick[]): number => all.filter(pick => pick.reason === reason).length
      expect(Math.abs(count(picks) - count(engine.picks))).toBeLessThanOrEqual(2)
    }
    expect(simulation.levels.map(({ runs }) => runs)).toEqual(engine.levels.map(({ runs }) => runs))
    expect(simulation.levels.at(-1)!.entries / engine.levels.at(-1)!.entries).toBeCloseTo(1, 1)
  })
})

describe('the simulator', () => {
  it('keeps one version of each key, whatever is merged with what', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(60), { maxLength: 30 }), { maxLength: 6 }), lists => {
        const sets = lists.map(list => Uint32Array.from([...new Set(list)].sort((a, b) => a - b)))
        const expected = [...new Set(lists.flat())].sort((a, b) => a - b)
        expect([...unionOf(sets)]).toEqual(expected)
      }),
    )
  })

  it('gives the same report for the same seed, and another one for another', () => {
    const work: Work = { puts: 20_000, keys: 5000, keyBytes: 16, valueBytes: 100, distribution: 'zipfian' }
    const options = lsmOptions(SMALL)
    expect(simulate(options, work, 1)).toEqual(simulate(options, work, 1))
    expect(simulate(options, work, 2).written).not.toEqual(simulate(options, work, 1).written)
  })

  it('refuses a number of keys that it cannot hold', () => {
    const options = { picker: leveled(10), sizes: plainSizes(1, 10), maxTableBytes: 10 }
    expect(() => new CompactionSimulator({ ...options, keys: 0 })).toThrow(/0 keys/)
    expect(() => new CompactionSimulator({ ...options, keys: 2 ** 33 })).toThrow(/keys/)
  })

  it.each([0.5, 0.99])('draws zipfian keys as often as their rank says, skew %d', theta => {
    const draw = keyDraws({ distribution: 'zipfian', keys: 1000, theta }, 1)
    const counts = new Map<number, number>()
    for (let i = 0; i < 100_000; i++) {
      const key = draw()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    let mass = 0
    for (let i = 1; i <= 1000; i++) mass += i ** -theta
    const byCount = [...counts.values()].sort((a, b) => b - a)
    expect(byCount[0] / 100_000).toBeCloseTo(1 / mass, 2)
    expect(byCount.slice(0, 100).reduce((a, b) => a + b) / 100_000).toBeCloseTo(
      Array.from({ length: 100 }, (_, i) => (i + 1) ** -theta / mass).reduce((a, b) => a + b),
      1,
    )
    expect([...counts.keys()].every(key => key >= 0 && key < 1000)).toBe(true)
    if (theta === 0.5) expect(counts.size).toBeGreaterThan(990)
  })
})
