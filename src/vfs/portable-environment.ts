import type { Clock, Environment, PlatformCompression, Random, Scheduler } from './environment.js'
import type { FileSystem } from './file-system.js'
import { SeededRandom } from './seeded-random.js'

/** The codecs of the platform are left out by default. */
export interface PortableEnvironmentOptions extends PlatformCompression {
  readonly fileSystem: FileSystem
  /** Makes the random numbers reproducible. Default: the platform's generator. */
  readonly seed?: number
}

/** The real world wherever JavaScript runs, a browser for example: nothing here comes from Node. */
export function portableEnvironment(options: PortableEnvironmentOptions): Environment {
  const environment = {
    fileSystem: options.fileSystem,
    clock: platformClock,
    random: options.seed === undefined ? platformRandom() : new SeededRandom(options.seed),
    scheduler: platformScheduler,
  }
  const { deflate, zstd } = options
  return { ...environment, deflate, zstd }
}

interface Platform {
  readonly performance?: { now(): number }
  readonly crypto?: { getRandomValues(target: Uint32Array): unknown }
  readonly setImmediate?: (callback: () => void) => unknown
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port }
  setTimeout(callback: () => void, ms: number): unknown
}

interface Port {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
}

const platform = globalThis as unknown as Platform

// Clock and timers are bound when the module is loaded: fake timers that a test framework installs later do not stop a store.
const { setTimeout } = platform
const platformClock: Clock = { now: platform.performance?.now.bind(platform.performance) ?? Date.now }

/** Draws numbers from the platform a pool at a time, because each request costs about a microsecond. */
export function platformRandom(): Random {
  const crypto = platform.crypto
  if (crypto === undefined) return { uint32: () => Math.floor(Math.random() * 2 ** 32) }
  const pool = new Uint32Array(256)
  let used = pool.length
  return {
    uint32() {
      if (used === pool.length) {
        crypto.getRandomValues(pool)
        used = 0
      }
      return pool[used++]
    },
  }
}

/**
 * Calls back after a turn of the event loop. A message is quicker than a timer, which browsers delay by 4 ms when nested;
 * setImmediate is quicker still and, unlike an open channel, lets a Node process end.
 */
export const afterTurn: (callback: () => void) => void = chooseTurn()

function chooseTurn(): (callback: () => void) => void {
  const { setImmediate, MessageChannel } = platform
  if (setImmediate !== undefined) return callback => void setImmediate(callback)
  if (MessageChannel === undefined) return callback => void setTimeout(callback, 0)
  const waiting: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => waiting.shift()?.()
  return callback => {
    waiting.push(callback)
    port2.postMessage(undefined)
  }
}

const platformScheduler: Scheduler = {
  turn: () => new Promise(resolve => afterTurn(resolve)),
  sleep: ms =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      // Node's timers are objects, a browser's are numbers.
      if (typeof timer === 'object' && timer !== null) (timer as { unref?(): void }).unref?.()
    }),
}
