/** `kvarium-lab/workloads`: the workloads of db_bench, YCSB and mixgraph, and the distributions they draw keys from. */
export { findWorkload, WORKLOADS } from './catalogue.js'
export { hexadecimal, StreamDigest } from './digest.js'
export { Uniform, Zipfian, ZIPFIAN_THETA } from './distributions.js'
export { loadWorkload } from './own-workload.js'
export { workloadPhases } from './workload-phases.js'
export { Shuffle } from './shuffle.js'
export type { Plan, Size, Workload, WorkloadOperation, WorkloadPhase } from './workload.js'
