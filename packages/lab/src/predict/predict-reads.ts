/** Predictions for look-ups in an LSM tree: filters, and blocks for existing and absent keys. */
import type { LsmOptions, LsmShape } from 'kvarium/lsm'
import { readAmplification } from 'kvarium/trace'
import { absentKeyReads, bestProbes, filterFalsePositives } from './bloom.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'

export function predictReads(measured: Measured, work: Work): Prediction[] {
  const options = measured.options as unknown as LsmOptions
  const shape = measured.shape as LsmShape
  const { found, missing } = measured.ledger
  const probes = bestProbes(options.filterBitsPerKey)
  const p = options.filterBitsPerKey === 0 ? 1 : filterFalsePositives(options.filterBitsPerKey, probes)
  const bits = [quantity('b', options.filterBitsPerKey, 'bits'), quantity('k', probes, '')]
  const entries = shape.levels.flatMap(level => level.runTables.map(run => run.reduce((sum, table) => sum + table.entries, 0)))
  const rows: Prediction[] = []
  const wrong = found.filterFalsePositives + missing.filterFalsePositives
  const asked = wrong + found.filterNegatives + missing.filterNegatives
  if (asked > 0) {
    rows.push(
      prediction({
        metric: 'filter false positives',
        part: 'total',
        variant: 'Bloom',
        inputs: bits,
        formula: '(1 − e^(−k/b))^k',
        source: 'Bloom 1970',
        unit: 'share',
        predicted: p,
        measured: wrong / asked,
        why: `So few of ${asked} probes of absent keys pass that random variation is visible; the formula itself is a little low.`,
      }),
    )
  }
  const base = { metric: 'read amplification', unit: 'blocks' } as const
  const inputs = [quantity('runs', entries.length, 'runs'), quantity('p', p, 'share')]
  const source = "O'Neil 1996; Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017)"
  if (missing.operations > 0) {
    rows.push(
      prediction({
        ...base,
        part: 'missing',
        variant: 'runs × p',
        inputs,
        formula: 'runs × p',
        source,
        predicted: absentKeyReads(entries.length, p),
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
    rows.push(
      prediction({
        ...base,
        part: 'found',
        variant: '1 + runs before × p',
        inputs: [quantity('share in tables', inTables, 'share'), quantity('runs before', before, 'runs'), quantity('p', p, 'share')],
        formula: 'share in tables × (1 + runs before × p)',
        source,
        predicted: inTables * (1 + absentKeyReads(before, p)),
        measured: readAmplification(found).blocks,
        why: 'The formula assumes uniform reads, and keys spread over the runs in proportion to their entries.',
      }),
    )
  }
  return rows
}
