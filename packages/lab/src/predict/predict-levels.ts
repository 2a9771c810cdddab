/** Predictions of an LSM tree's space and level sizes. */
import type { LsmOptions, LsmShape } from 'kvarium/lsm'
import { spaceAmplification } from 'kvarium/trace'
import { lazyLeveledSpace, leveledSpace, tieredSpace } from './amplification.js'
import { prediction, quantity, type Measured, type Prediction, type Quantity } from './prediction.js'
import type { Simulation } from './simulator.js'

const SIMULATED = "kvarium's own pickers over key numbers, without files"

export function predictSpace(measured: Measured, simulation: Simulation | undefined): Prediction[] {
  const options = measured.options as unknown as LsmOptions
  const { fileBytes } = measured.ledger
  const liveBytes = measured.liveBytes ?? measured.ledger.liveBytes
  const { compaction, fanOut, runsPerLevel } = options
  const tiered = compaction === 'tiered'
  const base = { metric: 'space amplification', part: 'total', unit: 'x', measured: spaceAmplification(fileBytes, liveBytes) } as const
  const estimate = measured.liveBytes === undefined ? ', over an estimate of the live bytes, which were not counted' : ''
  const why = `The measurement includes all files: logs, half-filled upper levels and versions that no merge has dropped yet${estimate}.`
  const rows = [
    prediction({
      ...base,
      variant: tiered ? 'T' : '1 + 1/T',
      inputs: [tiered ? runsOf(options) : fanOutOf(options)],
      formula: tiered ? 'at most T' : '1 + 1/T',
      source: 'Dostoevsky (Dayan and Idreos, SIGMOD 2018)',
      predicted: tiered ? tieredSpace(runsPerLevel) : compaction === 'leveled' ? leveledSpace(fanOut) : lazyLeveledSpace(fanOut),
      why,
    }),
  ]
  if (simulation !== undefined) {
    rows.push(
      prediction({
        ...base,
        ...simulatedRow(simulation),
        predicted: simulation.spaceAmplification,
        why: `${why} The simulation covers tables only.`,
      }),
    )
  }
  return rows
}

export function predictLevels(measured: Measured): Prediction[] {
  const options = measured.options as unknown as LsmOptions
  const shape = measured.shape as LsmShape
  const rows: Prediction[] = []
  const deepest = shape.levels.findLastIndex(({ tables }) => tables > 0)
  for (const { level, runs, bytes } of shape.levels) {
    if (options.compaction === 'lazy-leveled' && level > 0 && level === deepest) {
      rows.push(
        prediction({
          metric: 'runs',
          part: 'total',
          level,
          variant: 'one run',
          inputs: [],
          formula: '1: the level above is merged into the run that is there',
          source: 'Dostoevsky (Dayan and Idreos, SIGMOD 2018), lazy leveling',
          unit: 'runs',
          predicted: 1,
          measured: runs,
          why: 'Only a tree that was built by another policy has more, until they are merged.',
        }),
      )
    } else if (options.compaction !== 'leveled') {
      rows.push(
        prediction({
          metric: 'runs',
          part: 'total',
          level,
          variant: '(T − 1) / 2',
          inputs: [runsOf(options)],
          formula: '(T − 1) / 2 on average: runs accumulate from 0 to T − 1, then they are merged',
          source: 'Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017), tiering',
          unit: 'runs',
          predicted: (options.runsPerLevel - 1) / 2,
          measured: runs,
          why: 'The measurement is one moment, not the mean: the level is anywhere between just merged and about to be merged.',
        }),
      )
    } else if (level > 0 && level < deepest) {
      rows.push(
        prediction({
          metric: 'level size',
          part: 'total',
          level,
          variant: 'target',
          inputs: [quantity('level 1 target', options.level1Size, 'bytes'), fanOutOf(options)],
          formula: 'level 1 target × T^(level − 1)',
          source: "LevelDB's leveled compaction, after O'Neil 1996",
          unit: 'bytes',
          predicted: options.level1Size * options.fanOut ** (level - 1),
          measured: bytes,
          why: 'A level above its target passes whole tables on until it is below its target.',
        }),
      )
    }
  }
  return rows
}

/** The common fields of all rows of a simulation. */
export function simulatedRow({ puts, flushes, picks }: Simulation): Pick<Prediction, 'variant' | 'inputs' | 'formula' | 'source' | 'why'> {
  return {
    variant: 'simulated',
    inputs: [quantity('puts', puts, 'entries'), quantity('flushes', flushes, ''), quantity('picks', picks, '')],
    formula: 'the sum over simulated flushes and compactions',
    source: SIMULATED,
    why: 'The engine flushes while it compacts, and picks when a job ends; sizes are modelled.',
  }
}

export function fanOutOf({ fanOut }: LsmOptions): Quantity {
  return quantity('T', fanOut, '')
}

function runsOf({ runsPerLevel }: LsmOptions): Quantity {
  return quantity('T', runsPerLevel, 'runs')
}
