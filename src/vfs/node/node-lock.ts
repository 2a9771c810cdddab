/**
 * One open store per directory, on Node, which has no flock. The lock must end with its process, even if that is killed.
 *
 * On macOS and BSD (`O_EXLOCK`) and on Windows (`UV_FS_O_EXLOCK`) the kernel locks the file `LOCK` as it is opened;
 * these two paths follow the systems' documentation and are not exercised by the project's tests, which run on Linux.
 * On Linux a listening socket without a file represents the living owner: see `node-socket-lock.ts`.
 */
import * as fs from 'node:fs'
import { IoError } from '../../errors.js'
import { joinPath } from '../file-system.js'
import type { DirectoryLock, LockMode } from '../file-system.js'
import { lockBySocket, lockedError, lockSharedBySocket } from './node-socket-lock.js'
import { errorCode, FileSystemError } from '../vfs-error.js'

const bsdSharedLock = 0x10
const bsdExclusiveLock = 0x20
const windowsExclusiveLock = 0x10000000

export async function lockDirectory(directory: string, mode: LockMode): Promise<DirectoryLock> {
  const isShared = mode === 'shared'
  switch (process.platform) {
    case 'linux':
    case 'android':
      return isShared ? lockSharedBySocket(directory) : lockBySocket(directory)
    case 'darwin':
    case 'freebsd':
    case 'openbsd':
    case 'netbsd':
      return lockByOpenFlag(directory, (isShared ? bsdSharedLock : bsdExclusiveLock) | fs.constants.O_NONBLOCK, isShared)
    case 'win32':
      // A file that is open anywhere cannot be opened exclusively, nor the other way round.
      return lockByOpenFlag(directory, isShared ? 0 : windowsExclusiveLock, isShared)
    default:
      throw new IoError(`no way is known to lock a directory on ${process.platform}: keep the store in memory instead`, { file: directory })
  }
}

/** The lock is the open file itself: the kernel releases it when the descriptor closes, by `release` or by death of the process. */
function lockByOpenFlag(directory: string, flag: number, isShared: boolean): DirectoryLock {
  const path = joinPath(directory, 'LOCK')
  const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants
  let descriptor: number | undefined
  try {
    // A reader changes nothing: it creates the file only in a copy that has none.
    const isThere = isShared && fs.existsSync(path)
    descriptor = fs.openSync(path, (isShared ? O_RDONLY : O_RDWR) | (isThere ? 0 : O_CREAT) | flag)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EBUSY') throw lockedError(directory, error)
    throw FileSystemError.from(error, 'lock', path)
  }
  return {
    async release() {
      if (descriptor === undefined) return
      const closing = descriptor
      descriptor = undefined
      fs.closeSync(closing)
    },
  }
}
