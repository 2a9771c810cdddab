/** The process under test, measured from outside of the store: bytes passed to `write` calls, CPU time, memory. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const POLL_MS = 10
/** The store counts as settled after this long without activity. */
const QUIET_MS = 300
/** Activity between two polls: more bytes than a few wake-ups of the event loop (8 each), or more than this share of a core. */
const ACTIVE_BYTES = 256
const ACTIVE_CPU = 0.3

/** Bytes in write calls of this process so far, of all its threads; `NaN` where the system does not count them. */
export function writtenBytes(): number {
  return procNumber('/proc/self/io', 'wchar')
}

/** Bytes in read calls of this process so far, of all its threads; without reads through mapped memory. */
export function readBytes(): number {
  return procNumber('/proc/self/io', 'rchar')
}

export interface Memory {
  readonly residentBytes: number
  /** Without mapped files, such as LevelDB's tables. */
  readonly anonymousBytes: number
  /** Peak resident bytes. */
  readonly peakBytes: number
}

export function memory(): Memory {
  const status = readProc('/proc/self/status')
  const kilobytes = (name: string): number => field(status, name) * 1024
  const residentBytes = status === '' ? process.memoryUsage.rss() : kilobytes('VmRSS')
  const peakBytes = status === '' ? process.resourceUsage().maxRSS * 1024 : kilobytes('VmHWM')
  return { residentBytes, anonymousBytes: kilobytes('RssAnon'), peakBytes }
}

/** CPU time of all threads, milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Waits until the process is idle. Returns the time of its last activity, by `performance.now()`. */
export async function quiet(): Promise<number> {
  let lastActive = performance.now()
  let at = lastActive
  let bytes = writtenBytes()
  let cpu = cpuMs()
  while (at - lastActive < QUIET_MS) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    const now = performance.now()
    const bytesNow = writtenBytes()
    const cpuNow = cpuMs()
    if (bytesNow - bytes > ACTIVE_BYTES || (cpuNow - cpu) / (now - at) > ACTIVE_CPU) lastActive = now
    at = now
    bytes = bytesNow
    cpu = cpuNow
  }
  return lastActive
}

/** Bytes of the files below a directory; a store may remove some of them meanwhile. */
export function directoryBytes(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    bytes += entry.isDirectory() ? directoryBytes(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  }
  return bytes
}

function procNumber(path: string, name: string): number {
  return field(readProc(path), name)
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function field(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)
  return match === null ? NaN : Number(match[1])
}
