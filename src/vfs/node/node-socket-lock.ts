/**
 * A directory lock that dies with its process, for Linux: a *listening Unix socket in the directory* stands for the
 * living owner. The kernel closes it when the process ends, and from then on connecting is refused.
 *
 * Files: `LOCK.<n>`, a hard link to the socket of the owner of generation n; `LOCK.generation`, a text file with the
 * last generation that became owner (missing or empty: 0), replaced by rename; `LOCK.new-*`, names not in use yet.
 *
 * Taking the lock: (a) read the last generation p. (b) For k = p, p + 1, ... connect to LOCK.k: accepted means locked;
 * refused means its owner is dead, go on; no such name and k > p: n = k is free. (c) Listen on a unique name and
 * link it to LOCK.n; if the name is taken, start again at (a). (d) Read the generation again: if it is >= n, unlink LOCK.n and
 * start again at (a). Otherwise we are the owner: (e) write n to LOCK.generation and only then remove lower LOCK.* names.
 * Releasing: unlink LOCK.n if LOCK.generation says n, then close the socket.
 *
 * Why there is never more than one owner, where "owner" lasts from the read in (d) to the end of its socket or of LOCK.n:
 * 1. A socket listens before it is linked and is never reopened: LOCK.k is accepted from its first moment on until its
 *    process lets go or dies, then refused for ever. A pause of the process changes nothing: the kernel accepts.
 * 2. linkat never replaces: of all that want LOCK.n one gets it, as long as the name is not removed in between.
 * 3. Only an owner writes LOCK.generation. One owner at a time (5) and rule (d) make the numbers written ascend.
 * 4. An owner's LOCK.n is removed only when LOCK.generation >= n: by itself at release, or by a later owner in (e).
 *    So whoever links a *removed* name again finds LOCK.generation >= n in (d) and gives way. LOCK.generation is replaced
 *    atomically and read by name, so no stale look at the directory (readdir is not atomic) can hide this.
 * 5. Suppose B (generation m) becomes owner while A (generation n) is. If m = n, the name was removed between the two
 *    links: the later one gives way by 4. If m > n, B read p <= n (by 3 nobody wrote more), so (b) took it
 *    past LOCK.n. A's link was there: accepted, B gives up. Or A's link came later: then B found a dead LOCK.n that
 *    was removed before A's link, so by 4 A gives way. Or A's link had been removed: by 4 not while A is owner.
 *    If m < n, A's p <= the generation that B read in (d) < m, so A's own walk passed LOCK.m, and the same three cases hold
 *    with A and B exchanged. All contradict. Nothing here depends on which dead names existed at the start, so whatever
 *    a power loss leaves in the directory is fine.
 * 6. The name a process unlinks in (d) or at release is its own, or that of another who must give way by 4.
 * 7. Progress: whoever is turned away met a socket that is owned or still competing; the last one competing meets none.
 *
 * It was found to work on ext4, tmpfs and overlayfs. Processes in different containers exclude each other if they share the
 * directory; machines that share it over a network do not.
 *
 * Names are reached through `/proc/self/fd/<directory>`, as a socket's path may only have 107 bytes.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { IoError, LockedError } from '../../errors.js'
import { joinPath } from '../file-system.js'
import type { DirectoryLock } from '../file-system.js'
import { errorCode, FileSystemError } from '../vfs-error.js'

const generationName = 'LOCK.generation'
const socketPattern = /^LOCK\.(\d+)$/
const newPrefix = 'LOCK.new-'
/** Each restart means that somebody else got ahead, so that many in one call do not happen. */
const maxAttempts = 100
/** Each step is an owner that died before it could write its generation (killed at once, or the disk was full). */
const maxDeadGenerations = 10_000

interface LockPlace {
  readonly directory: string
  /** The open directory; its number is a short path to it. */
  readonly descriptor: number
}

interface Candidate {
  readonly name: string
  readonly server: net.Server
}

export async function lockBySocket(directory: string): Promise<DirectoryLock> {
  const place: LockPlace = { directory, descriptor: openDirectory(directory) }
  try {
    for (let attempts = 0; attempts < maxAttempts; attempts++) {
      const generation = await findFreeGeneration(place)
      const candidate = await listen(place)
      if (claim(place, candidate, generation)) return await takeOwnership(place, candidate, generation)
      await close(candidate.server)
    }
    throw lockedError(directory)
  } catch (error) {
    fs.closeSync(place.descriptor)
    throw error
  }
}

export function lockedError(directory: string, cause?: unknown): LockedError {
  return new LockedError(`${directory} is held by another open store: close that one first`, { file: directory, cause })
}

function openDirectory(directory: string): number {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  } catch (error) {
    throw FileSystemError.from(error, 'lock', directory)
  }
}

/** Steps (a) and (b). */
async function findFreeGeneration(place: LockPlace): Promise<number> {
  const last = readGeneration(place)
  for (let generation = Math.max(last, 1); generation <= last + maxDeadGenerations; generation++) {
    const state = await probe(place, `LOCK.${generation}`)
    if (state === 'alive') throw lockedError(place.directory)
    if (state === 'absent' && generation > last) return generation
  }
  throw new IoError(`${place.directory} holds over ${maxDeadGenerations} dead locks: remove its LOCK.* files while no store is open`, {
    file: place.directory,
  })
}

function readGeneration(place: LockPlace): number {
  const path = joinPath(place.directory, generationName)
  let text: string
  try {
    text = fs.readFileSync(path, 'latin1')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw FileSystemError.from(error, 'lock', path)
  }
  // A power loss can leave the renamed file without its bytes. All owners are dead then, and any number will do.
  if (/^\0*$/.test(text)) return 0
  if (!/^\d{1,15}\n$/.test(text)) throw new IoError(`${path} is not a lock's generation: remove it while no store is open`, { file: path })
  return Number(text)
}

/** Whether the process that listened at the name is alive. */
async function probe(place: LockPlace, name: string): Promise<'alive' | 'dead' | 'absent'> {
  const error = await new Promise<unknown>(resolve => {
    const connection = net.connect({ path: shortPath(place, name) })
    connection.once('connect', () => {
      connection.destroy()
      resolve(undefined)
    })
    connection.once('error', resolve)
  })
  const path = joinPath(place.directory, name)
  switch (error === undefined ? 'connected' : errorCode(error)) {
    case 'connected':
    case 'EAGAIN': // Its queue of connections is full: somebody listens.
      return 'alive'
    case 'ENOENT':
      return 'absent'
    case 'ECONNRESET': // The listener closed with our connection in its queue: now it refuses or has no name.
      return probe(place, name)
    case 'ECONNREFUSED': {
      const stats = fs.lstatSync(path, { throwIfNoEntry: false })
      if (stats === undefined) return 'absent'
      if (stats.isSocket() || name.startsWith(newPrefix)) return 'dead'
      throw new IoError(`${path} is not a lock but has the name of one: move it away`, { file: path })
    }
    default:
      throw FileSystemError.from(error, 'lock', path)
  }
}

function shortPath(place: LockPlace, name: string): string {
  return `/proc/self/fd/${place.descriptor}/${name}`
}

async function listen(place: LockPlace): Promise<Candidate> {
  const name = `${newPrefix}${process.pid}-${randomBytes(8).toString('hex')}`
  const server = net.createServer()
  server.on('connection', connection => connection.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path: shortPath(place, name), exclusive: true }, resolve)
    })
  } catch (error) {
    throw cannotHoldSockets(place, error)
  }
  server.on('error', () => {}) // A failed accept: the kernel has accepted already, which is all that counts.
  server.unref()
  return { name, server }
}

function cannotHoldSockets(place: LockPlace, error: unknown): Error {
  const code = errorCode(error)
  const isPermission = code === 'EACCES' && fs.existsSync('/proc/self/fd')
  if (isPermission || code === 'ENOSPC' || code === 'EROFS' || code === 'EMFILE' || code === 'ENFILE' || code === 'EDQUOT') {
    return FileSystemError.from(error, 'lock', place.directory)
  }
  return new IoError(
    `${place.directory} cannot be locked, as no Unix socket can be made and linked there (${code ?? 'unknown reason'}): ` +
      'put the store on a local Linux file system such as ext4, xfs, btrfs or tmpfs, with /proc mounted',
    { file: place.directory, cause: error },
  )
}

/** Steps (c) and (d). Leaves no name behind unless it returns true. */
function claim(place: LockPlace, candidate: Candidate, generation: number): boolean {
  const path = joinPath(place.directory, `LOCK.${generation}`)
  const newPath = joinPath(place.directory, candidate.name)
  let isLinked = false
  try {
    fs.linkSync(newPath, path)
    isLinked = true
    if (readGeneration(place) < generation) return true
    fs.unlinkSync(path)
    return false
  } catch (error) {
    const code = errorCode(error)
    // EEXIST: somebody was faster. ENOENT: an owner swept the new name away, or (d)'s unlink found the link swept.
    if (code === 'EEXIST' || code === 'ENOENT') return false
    if (isLinked) removeIfThere(path)
    candidate.server.close()
    throw isLinked ? error : cannotHoldSockets(place, error)
  } finally {
    removeIfThere(newPath)
  }
}

/** Step (e). A full disk may keep the generation from being written: then nothing is removed, and the lock holds as well. */
async function takeOwnership(place: LockPlace, candidate: Candidate, generation: number): Promise<DirectoryLock> {
  const isWritten = writeGeneration(place, candidate.name, generation)
  if (isWritten) await sweep(place, generation)
  let releasing: Promise<void> | undefined
  const release = async (): Promise<void> => {
    if (isWritten) removeIfThere(joinPath(place.directory, `LOCK.${generation}`))
    await close(candidate.server)
    fs.closeSync(place.descriptor)
  }
  return { release: () => (releasing ??= release()) }
}

function writeGeneration(place: LockPlace, newName: string, generation: number): boolean {
  const newPath = joinPath(place.directory, newName)
  try {
    fs.writeFileSync(newPath, `${generation}\n`)
    fs.renameSync(newPath, joinPath(place.directory, generationName))
    return true
  } catch {
    removeIfThere(newPath)
    return false
  }
}

/** Removes what dead owners and killed contenders left. What cannot be removed now is left to the next owner. */
async function sweep(place: LockPlace, generation: number): Promise<void> {
  try {
    for (const name of fs.readdirSync(place.directory)) {
      const match = socketPattern.exec(name)
      const isOld = match !== null && Number(match[1]) < generation
      if (!isOld && !name.startsWith(newPrefix)) continue
      if ((await probe(place, name)) === 'dead') removeIfThere(joinPath(place.directory, name))
    }
  } catch {
    return
  }
}

function removeIfThere(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    return
  }
}

function close(server: net.Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
