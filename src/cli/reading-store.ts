import type { Engine } from '../engine/contract.js'
import { CorruptionError, KvariumError } from '../errors.js'
import { InspectedStore } from '../repair/inspected-store.js'
import { registry } from '../store/node-kvarium.js'
import { nodeEnvironment } from '../vfs/node-environment.js'
import { typedError } from '../vfs/vfs-error.js'
import { UsageError } from './usage-error.js'

/**
 * Opens the store in a directory for `read`, without changing a file of it: what opening would write stays in memory. Damage ends the
 * command with exit code 1, anything that keeps it from beginning with 2.
 */
export async function readStore(directory: string, read: (engine: Engine) => Promise<void>): Promise<void> {
  try {
    const store = await InspectedStore.open(directory, { environment: nodeEnvironment(), registry }, {})
    try {
      if (store.identityProblem !== undefined) throw store.identityProblem
      const engine = await store.openEngine()
      try {
        await read(engine)
      } finally {
        await engine.close()
      }
    } finally {
      await store.close()
    }
  } catch (error) {
    refuse(error)
  }
}

/** What ends a command, told without a stack. */
export function refuse(error: unknown): void {
  const typed = typedError(error)
  if (typed instanceof CorruptionError) {
    process.stderr.write(`error: ${typed.message}\n`)
    process.exitCode = 1
    return
  }
  throw typed instanceof KvariumError ? new UsageError(typed.message) : typed
}
