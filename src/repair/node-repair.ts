/** `verify` and `repair` on Node. */
import { registry } from '../node-engines.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'
import { nodeEnvironment } from '../vfs/node/node-environment.js'
import type { InspectionPlatform } from './inspected-store.js'
import { repairStore, type RepairOptions, type RepairReport } from './repair.js'
import { verifyStore, type VerifyOptions, type VerifyReport } from './verify.js'

/** Where the store is, if not on disk. */
export interface InspectionPlace {
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}

/**
 * Reads and checks everything in a store that is not open, without changing a file of it. Rejects with `LEVEL_LOCKED` when the store is open, with `LEVEL_NOT_FOUND` when there is none, and with
 * `LEVEL_INVALID_ENGINE` when its engine cannot be told.
 */
export function verify(directory: string, options: VerifyOptions & InspectionPlace = {}): Promise<VerifyReport> {
  return verifyStore(directory, platformOf(options), options)
}

/**
 * Writes a new store at `target` with everything that can still be read of the one in `directory`, which is not changed, and
 * says what could not be read. Rejects like `verify`, and with `LEVEL_ALREADY_EXISTS` when something is at `target`.
 */
export function repair(directory: string, target: string, options: RepairOptions & InspectionPlace = {}): Promise<RepairReport> {
  return repairStore(directory, target, platformOf(options), options)
}

function platformOf(place: InspectionPlace): InspectionPlatform {
  const environment = place.environment ?? nodeEnvironment()
  return { environment: place.fileSystem === undefined ? environment : { ...environment, fileSystem: place.fileSystem }, registry }
}
