import { loadHash32 } from '../codec/checksum.js'
import type { Loss } from '../engine/contract.js'
import { finishReplacement, markReplaced, removeFolder, REPAIR_DIRECTORY } from '../store/replacement.js'
import { joinPath } from '../vfs/file-system.js'
import { typedError } from '../vfs/vfs-error.js'
import { InspectedStore, type InspectionPlatform } from './inspected-store.js'
import { rewrite, type RepairOptions, type RepairReport } from './repair.js'

/**
 * Replaces the store in `directory`, an absolute path, by a new one with everything that can still be read of it. `location` is what the
 * report calls it. Needs space for the new store beside the old one. Rejects like `repairStore`; a failure or a crash leaves the old store,
 * or a new one that the next open moves in.
 *
 * Old files that a loss names are kept in `KVARIUM.lost`, the others are removed.
 */
export async function repairStoreInPlace(
  directory: string,
  location: string,
  platform: InspectionPlatform,
  options: RepairOptions,
): Promise<RepairReport> {
  const store = await InspectedStore.openToReplace(directory, platform, options)
  try {
    const { fileSystem } = platform.environment
    const { factory } = store
    const hash32 = await loadHash32()
    const target = joinPath(directory, REPAIR_DIRECTORY)
    removeFolder(fileSystem, target)
    const rewritten = await rewrite(store, target, platform, options, hash32)
    await markReplaced(fileSystem, directory, factory.name, lostNames(directory, rewritten.losses), hash32)
    await finishReplacement(fileSystem, directory, factory.files ?? {}, hash32)
    return { directory: location, target: location, engine: factory.name, ...rewritten }
  } catch (error) {
    throw typedError(error)
  } finally {
    await store.close()
  }
}

/** The files in the directory that losses name, or `undefined` where a loss is of no certain file. */
function lostNames(directory: string, losses: readonly Loss[]): readonly string[] | undefined {
  const inside = joinPath(directory, '')
  if (losses.some(({ file }) => !file.startsWith(inside))) return undefined
  return [...new Set(losses.map(({ file }) => file.slice(inside.length)))]
}
