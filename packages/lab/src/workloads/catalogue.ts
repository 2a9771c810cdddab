/** All workloads, in the order in which they are listed and run. */
import { DB_BENCH_WORKLOADS } from './db-bench.js'
import { MIXGRAPH } from './mixgraph.js'
import type { Workload } from './workload.js'
import { YCSB_WORKLOADS } from './ycsb.js'

export const WORKLOADS: readonly Workload[] = [...DB_BENCH_WORKLOADS, ...YCSB_WORKLOADS, MIXGRAPH]

export function findWorkload(name: string): Workload | undefined {
  return WORKLOADS.find(workload => workload.name === name)
}
