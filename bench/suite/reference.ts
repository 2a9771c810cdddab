/** The expected contents and answers of a workload, computed with a map, without an engine. */
import { loadHash32 } from '../../src/codec/checksum.js'
import { Oracle } from '../../packages/lab/src/compare/oracle.js'
import type { Plan } from '../../packages/lab/src/workloads/workload.js'
import type { Contents } from './round.js'

export interface Reference {
  readonly contents: Contents
  /** Gets that must find an entry, for each phase with a single lane. */
  readonly found: readonly number[]
}

/** Applies all operations, except scans: for those the engines are compared with each other. */
export async function referenceOf(plan: Plan): Promise<Reference> {
  const oracle = new Oracle()
  const found = plan.phases.map(({ lanes }) => {
    let count = 0
    for (const lane of lanes) {
      for (const operation of lane()) {
        if (operation.type === 'get' || operation.type === 'get-sync') {
          if (oracle.get(operation.key) !== undefined) count++
        } else if (operation.type === 'read-modify-write') {
          if (oracle.get(operation.key) !== undefined) count++
          oracle.apply({ ...operation, type: 'put' })
        } else {
          oracle.apply(operation)
        }
      }
    }
    return count
  })
  return { contents: { entries: oracle.size, bytes: oracle.bytes, digest: oracle.digest(await loadHash32()) }, found }
}
