/**
 * Where the explorer of this user is: a file that says to which address programs send their events.
 *
 * Invariants:
 * 1. The file lies in a directory that only this user may enter. One that belongs to someone else, or that others may enter, is not used.
 * 2. An address is used only if it leads to this machine.
 */
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PRIVATE = 0o700
const OTHERS = 0o077
const FILE = 'address'
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * Says where the explorer takes events; the last one that says so gets them. Resolves to what takes it back.
 * Rejects where the directory of this user is not private.
 * @param address - That of `POST` requests, with its secret word.
 */
export async function announce(address: string): Promise<() => Promise<void>> {
  const directory = directoryOfUser()
  await mkdir(directory, { recursive: true, mode: PRIVATE })
  if (!(await isPrivate(directory)))
    throw new Error(`${directory} is not private to this user: remove it, or set TMPDIR to a directory of your own`)
  const file = join(directory, FILE)
  await writeFile(file, address, { mode: 0o600 })
  await chmod(file, 0o600)
  return async () => {
    if ((await readAddress(file)) === address) await rm(file, { force: true })
  }
}

/** Where the explorer takes events; `undefined` if none is announced. */
export async function announcedAddress(): Promise<string | undefined> {
  const directory = directoryOfUser()
  return (await isPrivate(directory)) ? readAddress(join(directory, FILE)) : undefined
}

/** The address, if it leads to this machine. */
export function loopbackAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const address = new URL(text)
  return address.protocol === 'http:' && LOOPBACK.has(address.hostname) ? address : undefined
}

function directoryOfUser(): string {
  return join(tmpdir(), `kvarium-explore-${process.getuid?.() ?? ''}`)
}

async function isPrivate(directory: string): Promise<boolean> {
  try {
    const stat = await lstat(directory)
    // Windows has no owner and no modes; the directory for temporary files is the user's there.
    if (process.platform === 'win32') return stat.isDirectory()
    return stat.isDirectory() && stat.uid === process.getuid!() && (stat.mode & OTHERS) === 0
  } catch {
    return false
  }
}

async function readAddress(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}
