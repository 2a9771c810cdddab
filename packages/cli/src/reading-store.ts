import { InspectedStore } from 'kvarium/repair'
import type { Engine, EngineFactory } from 'kvarium/engine'
import { builtInEngines, CorruptionError, KvariumError } from 'kvarium'
import { nodeEnvironment } from 'kvarium/vfs/node'
import { typedError } from 'kvarium/vfs'
import type { Invocation } from './invocation.js'
import { UsageError } from './usage-error.js'

/**
 * Opens the store in a directory for `read`, beside others that read it, without changing a file of it. Damage ends the
 * command with exit code 1, an error that prevents its start with 2.
 */
export async function readStore(
  invocation: Invocation,
  directory: string,
  read: (engine: Engine, factory: EngineFactory) => Promise<void>,
): Promise<void> {
  try {
    const store = await InspectedStore.open(directory, { environment: nodeEnvironment(), registry: builtInEngines }, {})
    try {
      if (store.identityProblem !== undefined) throw store.identityProblem
      const engine = await store.openEngine()
      try {
        await read(engine, store.factory)
      } finally {
        await engine.close()
      }
    } finally {
      await store.close()
    }
  } catch (error) {
    refuse(invocation, error)
  }
}

/** Ends a command with the message alone, without a stack. */
export function refuse({ stderr, setExitCode }: Invocation, error: unknown): void {
  const typed = typedError(error)
  if (typed instanceof CorruptionError) {
    stderr.write(`error: ${typed.message}\n`)
    setExitCode(1)
    return
  }
  throw typed instanceof KvariumError ? new UsageError(typed.message) : typed
}
