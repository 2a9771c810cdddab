import { freemem, totalmem } from 'node:os'

interface MemoryOfProcess {
  /** Since Node 20.13. */
  availableMemory?(): number
  /** The limit of the process's control group: 0, or more than there is, where there is none. */
  constrainedMemory?(): number
}

/** Bytes that the process may still take: what the system has available, within the limit of its control group (a container). */
export function availableMemory(): number {
  const { availableMemory, constrainedMemory } = process as unknown as MemoryOfProcess
  const limit = constrainedMemory?.call(process) ?? 0
  const available = availableMemory?.call(process) ?? freemem()
  return limit > 0 && limit < totalmem() ? Math.min(available, limit) : available
}
