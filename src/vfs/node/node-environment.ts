import { setImmediate as immediate } from 'node:timers'
import type { Clock, Environment, Random, Scheduler } from '../environment.js'
import type { FileSystem } from '../file-system.js'
import { nodeDeflate } from './node-deflate.js'
import { NodeFileSystem } from './node-file-system.js'
import { platformRandom } from '../portable-environment.js'

const clock: Clock = { now: () => performance.now() }

const scheduler: Scheduler = {
  turn: () => new Promise(resolve => immediate(resolve)),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms).unref()),
}

export interface NodeEnvironmentOptions {
  /** Default: a `NodeFileSystem`. */
  readonly fileSystem?: FileSystem
  /** Default: the platform's generator. */
  readonly random?: Random
}

/** The real world on Node: disk, clock, event loop, zlib. */
export function nodeEnvironment(options: NodeEnvironmentOptions = {}): Environment {
  return {
    fileSystem: options.fileSystem ?? new NodeFileSystem(),
    clock,
    random: options.random ?? platformRandom(),
    scheduler,
    deflate: nodeDeflate,
  }
}
