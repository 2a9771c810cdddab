/** Files that no version names. */
import { joinPath, removeLeftover, type FileSystem } from '../../vfs/file-system.js'
import { CURRENT_TEMPORARY, parseFileName } from '../file-names.js'
import type { Version } from '../versions/version.js'

/**
 * Removes tables and blob files that a job of an earlier session wrote and no manifest got to name, which a full disk would keep for ever. Returns whether
 * there were any. Every file that a manifest names has a smaller number than `firstStray`.
 */
export function removeStrays(fileSystem: FileSystem, directory: string, firstStray: number): boolean {
  const strays = fileSystem.list(directory).filter(name => {
    const file = parseFileName(name)
    return (file?.kind === 'table' || file?.kind === 'blob') && file.number >= firstStray
  })
  for (const name of strays) removeLeftover(fileSystem, joinPath(directory, name))
  return strays.length > 0
}

/** Removes what no version names: files of crashed jobs, obsolete logs, old manifests. Failures leave them for the next open. */
export function removeObsolete(
  fileSystem: FileSystem,
  directory: string,
  live: { readonly version: Version; readonly logs: ReadonlySet<number>; readonly manifest: number },
): void {
  const tables = new Set([...live.version.files()].map(file => file.meta.number))
  let names: readonly string[] = []
  try {
    names = fileSystem.list(directory)
  } catch {
    // They take up space and do no other harm.
  }
  for (const name of names) {
    const file = parseFileName(name)
    const obsolete =
      name === CURRENT_TEMPORARY ||
      (file?.kind === 'table' && !tables.has(file.number)) ||
      (file?.kind === 'blob' && !live.version.blobs.has(file.number)) ||
      (file?.kind === 'log' && !live.logs.has(file.number)) ||
      (file?.kind === 'manifest' && file.number !== live.manifest)
    // The numbers of these files are not used again.
    if (obsolete) removeLeftover(fileSystem, joinPath(directory, name))
  }
}
