/** The machine and its other load. */
import { createRequire } from 'node:module'
import { availableParallelism, cpus, loadavg, release, totalmem, type as osType } from 'node:os'
import { join } from 'node:path'

export interface Machine {
  readonly node: string
  readonly v8: string
  readonly system: string
  readonly processor: string
  readonly cores: number
  readonly memoryMiB: number
  readonly load1: number
  readonly versions: Readonly<Record<string, string>>
}

export function describeMachine(root: string): Machine {
  const peers = createRequire(join(root, 'bench/peers/package.json'))
  const version = (name: string): string =>
    (peers(join(root, 'bench/peers/node_modules', name, 'package.json')) as { version: string }).version
  return {
    node: process.version,
    v8: process.versions.v8,
    system: `${osType()} ${release()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    load1: loadavg()[0],
    versions: Object.fromEntries(['abstract-level', 'classic-level', 'lmdb'].map(name => [name, version(name)])),
  }
}
