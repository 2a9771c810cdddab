/** The operating system's counters for this process and its machine. Each is `undefined` where it is not available. */
import { readFileSync, realpathSync } from 'node:fs'
import { availableParallelism, cpus, arch, release, totalmem, type as osType } from 'node:os'
import type { MachineReport } from '../report/run-report.js'

/** Bytes that all threads of this process have passed to write calls and received from read calls. */
export interface ProcessIo {
  readonly writtenBytes: number
  readonly readBytes: number
}

export function processIo(): ProcessIo | undefined {
  const text = readProc('/proc/self/io')
  const writtenBytes = field(text, 'wchar')
  const readBytes = field(text, 'rchar')
  return writtenBytes === undefined || readBytes === undefined ? undefined : { writtenBytes, readBytes }
}

/** Measures the load of other processes since its construction. */
export class LoadOfOthers {
  readonly #start = performance.now()
  readonly #own = process.cpuUsage()
  readonly #all = machineCpuMs()

  /**
   * Cores, on average.
   * @param childrenMs - CPU time of this process's children, which is not the load of others.
   */
  cores(childrenMs = 0): number | undefined {
    const all = machineCpuMs()
    const ms = performance.now() - this.#start
    if (all === undefined || this.#all === undefined || ms === 0) return undefined
    const { user, system } = process.cpuUsage(this.#own)
    return Math.max(0, (all - this.#all - (user + system) / 1000 - childrenMs) / ms)
  }
}

/** @param directory - The directory of the stores; it must exist. */
export function describeMachine(directory: string): MachineReport {
  const fileSystem = fileSystemOf(directory)
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${osType()} ${release()} ${arch()}`,
    ...(fileSystem !== undefined && { fileSystem }),
  }
}

/** The type of the mount that is deepest over the directory. */
function fileSystemOf(directory: string): string | undefined {
  const path = realpathSync(directory)
  let deepest = ''
  let type: string | undefined
  for (const line of readProc('/proc/self/mounts').split('\n')) {
    const [, place = '', kind] = line.split(' ')
    const isOver = place === '/' || path === place || path.startsWith(`${place}/`)
    if (place === '' || !isOver || place.length < deepest.length) continue
    deepest = place
    type = kind
  }
  return type
}

/**
 * Milliseconds of CPU time that the machine has spent since it started, on all cores; time that a hypervisor took away counts, too.
 * `undefined` where the system does not count it.
 */
export function machineCpuMs(): number | undefined {
  const line = readProc('/proc/stat').split('\n', 1)[0]
  if (line.startsWith('cpu')) {
    // user nice system idle iowait irq softirq steal, in hundredths of a second
    const [user, nice, system, , , irq, softirq, steal = 0] = line.trim().split(/\s+/).slice(1).map(Number)
    return (user + nice + system + irq + softirq + steal) * 10
  }
  const times = cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq)
  return times.length === 0 ? undefined : times.reduce((sum, ms) => sum + ms, 0)
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function field(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)
  return match === null ? undefined : Number(match[1])
}
