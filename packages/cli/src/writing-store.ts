import { loadHash32 } from 'kvarium/codec'
import { builtInEngines, Kvarium } from 'kvarium'
import { occupancyOf } from 'kvarium/inspect'
import { nodeEnvironment } from 'kvarium/vfs/node'
import type { Invocation } from './invocation.js'
import { refuse } from './reading-store.js'
import { UsageError } from './usage-error.js'

type ByteStore = Kvarium<Uint8Array, Uint8Array>

/**
 * Opens the store in a directory for `write`.
 * @param create - Name of the engine for a store that does not exist yet; without it that is an error.
 */
export async function writeStore(
  invocation: Invocation,
  directory: string,
  create: string | undefined,
  write: (db: ByteStore) => Promise<void>,
): Promise<void> {
  try {
    const engine = (await engineOf(directory)) ?? create
    if (engine === undefined) throw new UsageError(`There is no store ${directory}; kvarium put --create makes one`)
    const createIfMissing = create !== undefined
    const db: ByteStore = new Kvarium(directory, {
      engine: builtInEngines.resolve(engine),
      createIfMissing,
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
    try {
      await db.open()
      await write(db)
    } catch (error) {
      // abstract-level has the error of a failed open in its cause.
      throw db.status === 'closed' && error instanceof Error && error.cause !== undefined ? error.cause : error
    } finally {
      await db.close()
    }
  } catch (error) {
    refuse(invocation, error)
  }
}

/** The engine that the directory records, or `undefined` if there is no store yet. */
export async function engineOf(directory: string): Promise<string | undefined> {
  const { fileSystem } = nodeEnvironment()
  if (fileSystem.stat(directory)?.kind !== 'directory') return undefined
  const occupancy = occupancyOf(fileSystem, directory, await loadHash32())
  return occupancy.kind === 'store' ? occupancy.identity.engine : undefined
}
