import { nodePlatform } from '../store/node-kvarium.js'
import type { Environment } from '../vfs/environment.js'
import type { FileSystem } from '../vfs/file-system.js'
import type { BackupOptions, BackupReport } from './backup.js'

/** The file system of the store, if not the disk. */
export interface BackupPlace {
  readonly environment?: Environment | undefined
  readonly fileSystem?: FileSystem | undefined
}

/**
 * Makes a backup of a store that is not open for writing: a store of its own in the directory `target`, which must be new or empty. Of a store that
 * is open, `db.checkpoint` makes one.
 *
 * With `incremental` an earlier backup of the same store may be at `target`. It stays whole until the new one is, whatever happens in between.
 * Only what is new is written: tables of `lsm`, pages of `btree`.
 *
 * Rejects with `LEVEL_NOT_FOUND` where there is no store, with `LEVEL_LOCKED` when it is open for writing or the target is open, with
 * `LEVEL_ALREADY_EXISTS` when something is at the target, with `LEVEL_INVALID_TARGET` when an incremental backup finds something else than an
 * earlier backup there, with `LEVEL_BACKUP_DIFFERS` when `verify` finds fault with the backup, and with `LEVEL_ABORTED`.
 */
export async function backup(directory: string, target: string, options: BackupOptions & BackupPlace = {}): Promise<BackupReport> {
  const platform = nodePlatform(options)
  const { backupStore } = await import('./backup.js')
  return backupStore(directory, target, platform, options)
}
