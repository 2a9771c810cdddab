/** A digest of a workload, to verify that two runs did the same work. */
import { loadHash32, mix32, type Hash32 } from 'kvarium/codec'
import type { WorkPhase } from '../report/run-report.js'
import type { Operation, Phase } from './operation.js'

export interface DescribedWork {
  readonly phases: readonly WorkPhase[]
  /** xxHash32 of every operation, in order, in hexadecimal. */
  readonly digest: string
}

export function isWrite({ type }: Operation): boolean {
  return type === 'put' || type === 'del' || type === 'batch' || type === 'clear'
}

/** Iterates over all operations once, without performing them. */
export async function describeWork(phases: readonly Phase[]): Promise<DescribedWork> {
  const hash32 = await loadHash32()
  let digest = 0
  const described: WorkPhase[] = []
  for (const phase of phases) {
    let operations = 0
    let writes = 0
    let reads = 0
    for (const operation of phase.operations()) {
      operations++
      if (isWrite(operation)) writes++
      else if (operation.type === 'get' || operation.type === 'get-sync' || operation.type === 'scan') reads++
      digest = addOperation(digest, operation, hash32)
    }
    const kind = writes > 0 ? (reads > 0 ? 'mixed' : 'write') : reads > 0 ? 'read' : 'other'
    described.push({ name: phase.name, about: phase.about, operations, kind })
  }
  return { phases: described, digest: digest.toString(16).padStart(8, '0') }
}

function addOperation(digest: number, operation: Operation, hash32: Hash32): number {
  const text = (value: unknown): number => hash32(new TextEncoder().encode(JSON.stringify(value)), 0)
  const bytes = (before: number, ...parts: readonly (Uint8Array | undefined)[]): number =>
    parts.reduce((sum, part) => (part === undefined ? mix32(sum, 1) : hash32(part, mix32(sum, part.length))), before)
  const sync = 'sync' in operation && operation.sync ? 's' : ''
  const start = mix32(digest, text(operation.type + sync))
  switch (operation.type) {
    case 'put':
      return bytes(start, operation.key, operation.value)
    case 'del':
    case 'get':
    case 'get-sync':
      return bytes(start, operation.key)
    case 'batch':
      return operation.operations.reduce((sum, part) => addOperation(sum, part, hash32), mix32(start, operation.operations.length))
    case 'clear':
      return bytes(start, operation.gte, operation.lt)
    case 'scan':
      return mix32(bytes(start, operation.gte, operation.lt), text([operation.reverse ?? false, operation.limit ?? -1]))
    case 'flush':
    case 'compact':
    case 'settle':
    case 'reopen':
      return start
  }
}
