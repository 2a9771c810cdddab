import { spreadOf, type EngineReport, type RunReport } from '../../../../packages/lab/src/report/run-report.js'
import { smallRun } from './small-run.js'

/** Write, read and space amplification of a point. */
export type Amounts = readonly [write: number, read: number, space: number]

/**
 * A map made by hand of the small run's engines: its reads asked for 2,000 entries of 100 bytes and for 500 absent keys of 16.
 * @param points - By name. Points of `lsm` have a policy; others are B+trees.
 */
export function smallMap(points: Readonly<Record<string, Amounts>>, weigh = { write: 1, read: 1, space: 1 }): RunReport {
  const run = smallRun()
  const [lsm] = run.engines
  const asked = 2000 * 100 + 500 * 16
  const engines = Object.entries(points).map(([name, [write, read, space]]): EngineReport => {
    const { timeline: _timeline, ...engine } = lsm
    const isLsm = name.startsWith('lsm')
    const prediction = { ...lsm.predictions[0], variant: 'fine', predicted: write * 1.1 }
    const rows = (['read amplification', 'space amplification'] as const).map(metric => ({ ...prediction, metric, predicted: read + 1 }))
    return {
      ...engine,
      name,
      engine: isLsm ? 'lsm' : 'btree',
      options: isLsm
        ? { compaction: name.includes('tiered') ? 'tiered' : 'leveled', fanOut: 4, writeBufferSize: 65_536 }
        : { pageSize: 4096 },
      cpuMs: spreadOf([20]),
      write: { ...lsm.write!, settled: { ...lsm.write!.settled, amplification: spreadOf([write]) } },
      read: {
        found: { ...lsm.read!.found, bytesFromDisk: asked * read },
        missing: { ...lsm.read!.missing, bytesFromDisk: 0 },
        scan: { ...lsm.read!.scan, bytesFromDisk: 0 },
      },
      space: { ...lsm.space, settled: spreadOf([space]) },
      predictions: isLsm ? [...lsm.predictions, prediction, ...rows] : [],
    }
  })
  return {
    ...run,
    title: 'A small map',
    engines,
    map: {
      mix: { reads: 250, writes: 750 },
      weigh,
      memoryBytes: 131_072,
      dimensions: [
        { engine: 'lsm', option: 'compaction', values: ['leveled', 'tiered'] },
        { engine: 'lsm', option: 'fanOut', values: [4] },
        { engine: 'lsm', option: 'writeBufferSize', values: [65_536] },
        { engine: 'btree', option: 'pageSize', values: [4096] },
      ],
      leftOut: [
        { name: 'lsm-leveled-T99', why: 'prediction' },
        { name: 'btree-p64K', why: 'budget' },
      ],
      resumed: 0,
    },
  }
}
