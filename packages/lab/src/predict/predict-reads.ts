/** Predictions for look-ups in an LSM tree: filters, and blocks for existing and absent keys. */
import type { LsmOptions, LsmShape } from 'kvarium/lsm'
import { readAmplification } from 'kvarium/trace'
import { bestProbes, filterFalsePositives, monkeyFalsePositives } from './bloom.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'

export function predictReads(measured: Measured, work: Work): Prediction[] {
  const options = measured.options as unknown as LsmOptions
  const shape = measured.shape as LsmShape
  const { found, missing } = measured.ledger
  const entries = shape.levels.flatMap(level => level.runTables.map(run => run.reduce((sum, table) => sum + table.entries, 0)))
  const { rates, ...bloom } = ratesOf(options, entries)
  const byLevel = options.filterAllocation === 'by-level'
  const passed = sumOf(rates)
  const mean = passed / Math.max(1, rates.length)
  const rows: Prediction[] = []
  const wrong = found.filterFalsePositives + missing.filterFalsePositives
  const asked = wrong + found.filterNegatives + missing.filterNegatives
  if (asked > 0) {
    rows.push(
      prediction({
        metric: 'filter false positives',
        part: 'total',
        ...bloom,
        unit: 'share',
        predicted: mean,
        measured: wrong / asked,
        why: byLevel
          ? 'Gets of existing keys ask the upper runs first, whose filters have the most bits, so that the measured share is below the mean.'
          : `So few of ${asked} probes of absent keys pass that random variation is visible; the formula itself is a little low.`,
      }),
    )
  }
  const base = { metric: 'read amplification', unit: 'blocks' } as const
  const inputs = [quantity('runs', entries.length, 'runs'), quantity(byLevel ? 'p, mean' : 'p', mean, 'share')]
  const source = "O'Neil 1996; Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017)"
  if (missing.operations > 0) {
    rows.push(
      prediction({
        ...base,
        part: 'missing',
        variant: byLevel ? 'Σ p' : 'runs × p',
        inputs,
        formula: byLevel ? 'Σ p over the runs' : 'runs × p',
        source,
        predicted: passed,
        measured: readAmplification(missing).blocks,
        why: 'A get skips runs whose bounds exclude the key.',
      }),
    )
  }
  if (found.operations > 0) {
    const inMemory = [shape.memtable, ...shape.frozen].reduce((sum, table) => sum + table.entries, 0)
    const inTables = Math.max(0, 1 - inMemory / Math.max(work.keys, 1))
    const all = entries.reduce((sum, count) => sum + count, 0)
    const before = all === 0 ? 0 : entries.reduce((sum, count, index) => sum + count * index, 0) / all
    const passedBefore = all === 0 ? 0 : entries.reduce((sum, count, index) => sum + count * sumOf(rates.slice(0, index)), 0) / all
    rows.push(
      prediction({
        ...base,
        part: 'found',
        variant: byLevel ? '1 + Σ p of runs before' : '1 + runs before × p',
        inputs: [
          quantity('share in tables', inTables, 'share'),
          quantity('runs before', before, 'runs'),
          byLevel ? quantity('Σ p of runs before', passedBefore, 'blocks') : quantity('p', mean, 'share'),
        ],
        formula: `share in tables × (${byLevel ? '1 + Σ p of runs before' : '1 + runs before × p'})`,
        source,
        predicted: inTables * (1 + passedBefore),
        measured: readAmplification(found).blocks,
        why: 'The formula assumes uniform reads, and keys spread over the runs in proportion to their entries.',
      }),
    )
  }
  return rows
}

interface Rates extends Pick<Prediction, 'variant' | 'inputs' | 'formula' | 'source'> {
  /** Share of absent keys that the filters of each run let pass. */
  readonly rates: readonly number[]
}

function ratesOf({ filterBitsPerKey, filterAllocation }: LsmOptions, entries: readonly number[]): Rates {
  const bits = quantity('b', filterBitsPerKey, 'bits')
  if (filterAllocation === 'by-level') {
    return {
      rates: monkeyFalsePositives(entries, filterBitsPerKey),
      variant: 'Monkey',
      inputs: [bits, quantity('runs', entries.length, 'runs')],
      formula: 'the mean of p_i = c × entries of run i, with c so that Σ entries × ln(1/p_i) = b × ln²2 × Σ entries',
      source: 'Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017)',
    }
  }
  const probes = bestProbes(filterBitsPerKey)
  const rate = filterBitsPerKey === 0 ? 1 : filterFalsePositives(filterBitsPerKey, probes)
  return {
    rates: entries.map(() => rate),
    variant: 'Bloom',
    inputs: [bits, quantity('k', probes, '')],
    formula: '(1 − e^(−k/b))^k',
    source: 'Bloom 1970',
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
