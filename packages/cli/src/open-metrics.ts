/** The sizes of a store as OpenMetrics text, for Prometheus and what reads its format. */
import { Gauge, Registry, type OpenMetricsContentType } from 'prom-client'
import type { EngineShape, EngineStats } from 'kvarium/engine'
import { spaceAmplification } from 'kvarium/trace'

export interface StoreSizes {
  readonly directory: string
  readonly fileCount: number
  readonly fileBytes: number
  readonly stats: EngineStats
  readonly shape: EngineShape
}

interface TreeLevel {
  readonly depth: number
  readonly pages: number
  readonly bytes: number
}

/** Gauges with the labels `directory` and `engine`; those of a level or depth have that as a label, too. */
export async function openMetrics({ directory, fileCount, fileBytes, stats, shape }: StoreSizes): Promise<string> {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const { engine, ledger, memoryBytes } = stats
  const store = { directory, engine }
  const gauge = (name: string, help: string, values: readonly (readonly [labels: Record<string, string>, value: number])[]): void => {
    const labelNames = Object.keys({ ...store, ...values[0]?.[0] })
    const metric = new Gauge({ name: `kvarium_${name}`, help, labelNames, registers: [registry] })
    for (const [labels, value] of values) metric.set({ ...store, ...labels }, value)
  }
  const one = (name: string, help: string, value: number): void => gauge(name, help, [[{}, value]])
  one('files', 'Files of the store.', fileCount)
  one('file_bytes', 'Bytes of all files of the store.', fileBytes)
  one('live_bytes', 'Key and value bytes that a full scan returns; an estimate where the engine does not count them.', ledger.liveBytes)
  one('space_amplification_ratio', 'File bytes per live byte.', spaceAmplification(fileBytes, ledger.liveBytes))
  one('memory_bytes', 'Memory that the store takes when it has just been opened.', memoryBytes)
  const { levels } = shape
  if (levels !== undefined) {
    const byLevel = (field: 'runs' | 'tables' | 'entries' | 'bytes') =>
      levels.map(level => [{ level: String(level.level) }, level[field]] as const)
    gauge('level_runs', 'Sorted runs of a level.', byLevel('runs'))
    gauge('level_tables', 'Tables of a level.', byLevel('tables'))
    gauge('level_entries', 'Entries of a level, deletions and older versions among them.', byLevel('entries'))
    gauge('level_bytes', 'Bytes of the tables of a level.', byLevel('bytes'))
  }
  const tree = shape['tree'] as readonly TreeLevel[] | undefined
  if (tree !== undefined) {
    const byDepth = (field: 'pages' | 'bytes') => tree.map(level => [{ depth: String(level.depth) }, level[field]] as const)
    gauge('tree_pages', 'Pages of the B+tree at a depth, from the root.', byDepth('pages'))
    gauge('tree_bytes', 'Bytes of the pages at a depth.', byDepth('bytes'))
  }
  return registry.metrics()
}
