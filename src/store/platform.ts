/** What a store has of the platform it runs on, and what a location means there. */
import { loadHash32 } from '../codec/checksum.js'
import type { EngineRegistry } from '../engine/registry.js'
import { MisuseError } from '../errors.js'
import type { Environment } from '../vfs/environment.js'
import { absolutePath } from '../vfs/file-system.js'
import { destroyDirectory } from './directory.js'

/** A platform's environment and engines. */
export interface Platform {
  readonly environment: Environment
  readonly registry: EngineRegistry
}

/** What `location` means now, for good. */
export function directoryOf(location: string, { environment }: Platform): string {
  assertLocation(location)
  return absolutePath(environment.fileSystem, location)
}

/** What a path means now, for good. `what` names it in the error. */
export function settledPath(path: unknown, what: string, { environment }: Platform): string {
  if (typeof path === 'string' && path !== '') return absolutePath(environment.fileSystem, path)
  throw new MisuseError('LEVEL_INVALID_LOCATION', `${what} must be a string that is not empty`)
}

/** Removes the files of a store, see `Kvarium.destroy`. */
export async function destroyStore(location: string, platform: Platform): Promise<void> {
  const { environment, registry } = platform
  const directory = directoryOf(location, platform)
  await destroyDirectory(environment.fileSystem, directory, registry, await loadHash32())
}

export function assertLocation(location: unknown): asserts location is string {
  if (typeof location === 'string' && location !== '' && !location.includes('\0')) return
  throw new MisuseError('LEVEL_INVALID_LOCATION', 'The first argument, the location of the store, must be a non-empty string without a NUL')
}
