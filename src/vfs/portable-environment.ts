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
    random: options.seed === undefined ? platformRandom : new SeededRandom(options.seed),
    scheduler: platformScheduler,
  }
  const { deflate, zstd } = options
  return { ...environment, deflate, zstd }
}

interface Platform {
  readonly performance?: { now(): number }
  readonly setImmediate?: (callback: () => void) => unknown
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port }
  setTimeout(callback: () => void, ms: number): unknown
}

interface Port {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
}

const platform = globalThis as unknown as Platform

// Clock, timers and random numbers are bound when the module is loaded: fakes that a test framework installs later do not stop a store.
const { setTimeout } = platform
const { random } = Math
const wallTime = Date.now
const platformClock: Clock = { now: platform.performance?.now.bind(platform.performance) ?? wallTime, wallTime }

/** Heights of skiplist nodes and identities of files keep no secrets, and the platform's cryptography takes 4 to 16 ms to load in Node. */
export const platformRandom: Random = { uint32: () => Math.floor(random() * 2 ** 32) }

/**
 * Calls back after a turn of the event loop. A message is quicker than a timer, which browsers delay by 4 ms when nested;
 * setImmediate is quicker still and, unlike an open channel, lets a Node process end.
 */
export const afterTurn: (callback: () => void) => void = chooseTurn()

function chooseTurn(): (callback: () => void) => void {
  const { setImmediate } = platform
  if (setImmediate !== undefined) return callback => void setImmediate(callback)
  // Looked at only here: in Node, the name alone loads the module of worker threads.
  const { MessageChannel } = platform
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
