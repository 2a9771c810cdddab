import { setImmediate, setTimeout } from 'node:timers'
import type { Clock, Environment, Random, Scheduler } from '../environment.js'
import type { FileSystem } from '../file-system.js'
import { MemoryBudget } from '../memory-budget.js'
import { availableMemory } from './available-memory.js'
import { nodeDeflate } from './node-deflate.js'
import { nodeDiagnostics } from './node-diagnostics.js'
import { nodeZstd } from './node-zstd.js'
import { NodeFileSystem } from './node-file-system.js'
import { platformRandom } from '../portable-environment.js'
import { ReadOffload } from '../read-offload.js'

// Clock and timers are bound when the module is loaded: fake timers that a test framework installs later do not stop a store.
const now = performance.now.bind(performance)
const wallTime = Date.now
const immediate = setImmediate
const timeout = setTimeout

const clock: Clock = { now, wallTime }

/** All stores of the thread share it. */
const memory = new MemoryBudget(availableMemory)

const scheduler: Scheduler = {
  turn: () => new Promise(resolve => immediate(resolve)),
  sleep: ms => new Promise(resolve => timeout(resolve, ms).unref()),
}

export interface NodeEnvironmentOptions {
  /** Default: a `NodeFileSystem`. */
  readonly fileSystem?: FileSystem
  /** Default: the platform's generator. */
  readonly random?: Random
}

/** The real world on Node: disk, clock, event loop, zlib. */
export function nodeEnvironment(options: NodeEnvironmentOptions = {}): Environment {
  const readOffload = options.fileSystem === undefined ? new ReadOffload(clock) : undefined
  return {
    fileSystem: options.fileSystem ?? new NodeFileSystem(readOffload),
    readOffload,
    memory,
    clock,
    random: options.random ?? platformRandom,
    scheduler,
    diagnostics: nodeDiagnostics,
    deflate: nodeDeflate,
    zstd: nodeZstd,
  }
}
