/**
 * Files of a store that become files of another one: by a second name where the file system has them, and as a copy elsewhere.
 *
 * Invariants:
 * 1. Only a file that is never changed again, in either store, gets a second name.
 * 2. What resolves is durable but for the name, which a sync of the directory makes so. A copy that failed is removed.
 */
import { AbortError, CorruptionError } from '../../errors.js'
import type { Scheduler } from '../../vfs/environment.js'
import { linkFile, removeLeftover, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { errorCode } from '../../vfs/vfs-error.js'

export interface FileCopyOptions {
  readonly fileSystem: FileSystem
  readonly scheduler: Scheduler
  /** Ends the work with `LEVEL_ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** Bytes between two turns of the event loop. */
const SLICE_BYTES = 256 * 1024

/** What file systems answer that have no second names, not for this file, or not in that place. */
const NO_LINKS = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'EINVAL']

/** Gives a durable file that is never changed again a second name, or copies it. Returns which of the two. */
export async function linkOrCopy(options: FileCopyOptions, from: string, to: string): Promise<'linked' | 'copied'> {
  if (options.signal?.aborted === true) throw new AbortError()
  try {
    linkFile(options.fileSystem, from, to)
    return 'linked'
  } catch (error) {
    if (!NO_LINKS.includes(errorCode(error) ?? '')) throw error
  }
  await copyFile(options, from, to)
  return 'copied'
}

/** Copies the bytes of a file up to `end`, in slices; by default all that it has at the call. A file that has fewer is a CorruptionError. */
export async function copyFile(options: FileCopyOptions, from: string, to: string, end?: number): Promise<void> {
  const { fileSystem } = options
  const source = fileSystem.openRead(from)
  try {
    const target = fileSystem.create(to)
    try {
      await copyBytes(options, source, target, end ?? source.size())
      await target.sync()
    } catch (error) {
      closeQuietly(target)
      removeLeftover(fileSystem, to)
      throw error
    }
    target.close()
  } finally {
    source.close()
  }
}

async function copyBytes({ scheduler, signal }: FileCopyOptions, source: FileHandle, target: FileHandle, end: number): Promise<void> {
  const slice = new Uint8Array(Math.min(SLICE_BYTES, end))
  for (let at = 0; at < end;) {
    if (signal?.aborted === true) throw new AbortError()
    const length = source.read(slice, at, 0, Math.min(slice.length, end - at))
    if (length === 0) throw new CorruptionError(`The file ends at byte ${at}, before byte ${end}`, { file: source.path, offset: at })
    target.write(slice, at, 0, length)
    at += length
    await scheduler.turn()
  }
}

/** The error before is the one to report. */
function closeQuietly(handle: FileHandle): void {
  try {
    handle.close()
  } catch {
    // Closed all the same.
  }
}
