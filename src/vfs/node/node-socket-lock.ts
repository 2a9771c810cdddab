/**
 * A directory lock that ends with its process, for Linux: a listening Unix socket in the *abstract* namespace, which has a name but no
 * file. The name is made of the directory's device and inode numbers. The kernel gives a name to one socket at a time and frees it when
 * the process ends, even if it is killed. Nothing is written, so a locked directory can be copied, and a read-only one can be locked.
 *
 * Invariants:
 * 1. The owner keeps the directory open, so that its numbers stay its own: they survive a rename, and no other directory gets them
 *    while the lock is held, even if this one is removed. A copy has other numbers, and so a lock of its own.
 * 2. There are two names, and an owner has every name that its runtime can make: Node 20 fills up each name with zeros to the 108 bytes
 *    that the system allows, and Bun makes names of up to 107 bytes. The long name has 108 bytes everywhere; the short one is the same in
 *    Node 22 and later, Deno and Bun. Only a store in Node 20 and one in Bun do not see each other.
 * 3. All take the long name first. An opener that finds a name taken releases what it has. No other opener waits for the one that holds the
 *    long name, or in Bun the short one, so one of those that race succeeds.
 * 4. Earlier versions left a named socket `LOCK.<n>` in the directory, alive as long as the store was open. A living owner
 *    counts; `openDirectory` removes dead sockets.
 *
 * 5. Readers share the lock. Each has a name of its own, with the lowest number that is free. A reader takes its name first and then looks for
 *    a writer; a writer takes both of its names first and then looks for readers. So they never have the lock together, and one that
 *    meets the other in the middle of this waits a moment: the reader without its name, the writer with both.
 *
 * The abstract namespace belongs to a network namespace: containers that share a directory and not the network do not exclude each
 * other, and neither do machines that share a directory over a network.
 */
import * as fs from 'node:fs'
import type * as Net from 'node:net'
import type { Server } from 'node:net'
import { LockedError } from '../../errors.js'
import { joinPath } from '../file-system.js'
import type { DirectoryLock } from '../file-system.js'
import { errorCode, FileSystemError } from '../vfs-error.js'

/** Bytes of a socket's name, the zero in front included. */
const NAME_BYTES = 108
/** The delays, in milliseconds, after which a writer looks for readers again: one that finds the writer releases its name. */
const WAITS_FOR_READERS = [10, 10, 10]
/** The delays after which a reader tries again: longer together, as a writer that finds other readers releases the lock. */
const WAITS_FOR_WRITER = [20, 40, 80]
/** The names of readers that a writer connects to; the list of the system has the others. */
const NAMES_TRIED = 4
/** The same where the system shows no list. */
const NAMES_TRIED_WITHOUT_LIST = 64
const EARLIER_SOCKET = /^LOCK\.\d+$/

// Bound when the module is loaded: fake timers that a test framework installs later do not stop an open.
const { setTimeout } = globalThis

/** Loaded with the first lock, not with the store; without `import()`, which takes as long again. */
const net = (): typeof Net => process.getBuiltinModule('node:net')

export async function lockBySocket(directory: string): Promise<DirectoryLock> {
  const descriptor = openDirectory(directory)
  const servers: Server[] = []
  const release = async (): Promise<void> => {
    await Promise.all(servers.map(close))
    fs.closeSync(descriptor)
  }
  try {
    const [long, short] = namesOf(descriptor)
    // Bun cannot make a name of that length.
    const longServer = await listen(directory, long).catch((error: unknown) => {
      if (errorCode(error) !== 'EINVAL') throw error
    })
    if (longServer !== undefined) servers.push(longServer)
    servers.push(await listen(directory, short))
    if (await hasEarlierOwner(directory, descriptor)) throw lockedError(directory)
    await eventually(WAITS_FOR_READERS, async () => {
      if (await hasReaders(short)) throw lockedError(directory, undefined, 'is open for reading elsewhere: close its readers first')
    })
  } catch (error) {
    await release()
    throw error
  }
  let releasing: Promise<void> | undefined
  return { release: () => (releasing ??= release()) }
}

/** The lock of a reader, which other readers have at the same time. */
export async function lockSharedBySocket(directory: string): Promise<DirectoryLock> {
  const descriptor = openDirectory(directory)
  try {
    return await eventually(WAITS_FOR_WRITER, async () => {
      const server = await listenAsReader(directory, namesOf(descriptor)[1])
      try {
        if (await hasWriter(directory, descriptor)) throw lockedError(directory)
      } catch (error) {
        await close(server)
        throw error
      }
      let releasing: Promise<void> | undefined
      const release = async (): Promise<void> => {
        await close(server)
        fs.closeSync(descriptor)
      }
      return { release: () => (releasing ??= release()) }
    })
  } catch (error) {
    fs.closeSync(descriptor)
    throw error
  }
}

/** Tries again after each delay for as long as the other side has the lock. */
async function eventually<T>(delays: readonly number[], attempt: () => Promise<T>): Promise<T> {
  for (const delay of delays) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
    }
    await new Promise<void>(resolve => setTimeout(resolve, delay))
  }
  return attempt()
}

async function listenAsReader(directory: string, short: string): Promise<Server> {
  for (let number = 0; ; number++) {
    try {
      return await listen(directory, readerName(short, number))
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
    }
  }
}

function readerName(short: string, number: number): string {
  return `${short}r${number}`
}

async function hasReaders(short: string): Promise<boolean> {
  let tried = NAMES_TRIED
  try {
    // The list has an @ for each zero. It can miss a name while others go, but not the first ones, which are tried.
    if (fs.readFileSync('/proc/net/unix', 'latin1').includes(` @${readerName(short, 0).slice(1, -1)}`)) return true
  } catch {
    tried = NAMES_TRIED_WITHOUT_LIST
  }
  const held = await Promise.all(Array.from({ length: tried }, (_, number) => accepts(readerName(short, number))))
  return held.includes(true)
}

/** Whether a living process has the lock for writing, without taking it: connecting to its socket changes nothing. */
export async function isHeldBySocket(directory: string): Promise<boolean> {
  const descriptor = openDirectory(directory)
  try {
    return await hasWriter(directory, descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

async function hasWriter(directory: string, descriptor: number): Promise<boolean> {
  for (const name of namesOf(descriptor)) if (await accepts(name)) return true
  return hasEarlierOwner(directory, descriptor)
}

export function lockedError(directory: string, cause?: unknown, why = 'is held by another open store: close that one first'): LockedError {
  return new LockedError(`${directory} ${why}`, { file: directory, cause })
}

function openDirectory(directory: string): number {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  } catch (error) {
    throw FileSystemError.from(error, 'lock', directory)
  }
}

/** The long and the short name. */
function namesOf(descriptor: number): readonly [string, string] {
  const { dev, ino } = fs.fstatSync(descriptor, { bigint: true })
  const short = `\0kvarium.lock.${dev.toString(16)}.${ino.toString(16)}.`
  return [short.padEnd(NAME_BYTES, '-'), short]
}

async function listen(directory: string, name: string): Promise<Server> {
  const server = net().createServer(connection => connection.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path: name, exclusive: true }, resolve)
    })
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') throw lockedError(directory, error)
    throw FileSystemError.from(error, 'lock', directory)
  }
  server.on('error', () => {}) // A failed accept does not matter: the kernel has accepted already.
  server.unref()
  return server
}

async function hasEarlierOwner(directory: string, descriptor: number): Promise<boolean> {
  for (const name of fs.readdirSync(directory)) {
    if (!EARLIER_SOCKET.test(name) || !fs.lstatSync(joinPath(directory, name), { throwIfNoEntry: false })?.isSocket()) continue
    // A socket's own path may be too long for the system.
    if (await accepts(`/proc/self/fd/${descriptor}/${name}`)) return true
  }
  return false
}

function accepts(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const connection = net().connect({ path })
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    // EAGAIN: its queue of connections is full, so there is a listener.
    connection.once('error', error => resolve(errorCode(error) === 'EAGAIN'))
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
