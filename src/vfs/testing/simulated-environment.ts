/**
 * A world in which the same program does the same thing every time: seeded random numbers, a file system in memory, and a clock
 * that moves only as the program takes turns or sleeps.
 *
 * Invariants:
 * 1. Before a turn ends, every promise chain that can go on without a turn or a sleep has gone on as far as it can. (The real event
 *    loop serves only for this: its next turn begins only when no microtask is left. How long that takes has no effect.)
 * 2. All callers that wait for a turn get the same one, in the order of their calls, and the clock advances by `turnMs`.
 * 3. Sleepers wake in the order of their deadlines, then of their calls. When no caller waits for a turn, the clock jumps to the
 *    next deadline: no run waits in real time.
 */
import type { Clock, Environment, PlatformCompression, Random, Scheduler } from '../environment.js'
import type { FileSystem } from '../file-system.js'
import { MemoryFileSystem } from '../memory/memory-file-system.js'
import { afterTurn } from '../portable-environment.js'
import { SeededRandom } from '../seeded-random.js'

export interface SimulatedEnvironmentOptions extends PlatformCompression {
  readonly seed: number
  /** Default: a new `MemoryFileSystem`. One that waits for a real device makes a run irreproducible. */
  readonly fileSystem?: FileSystem
  /** Duration of a turn on the simulated clock, in milliseconds. Default: 0.05. */
  readonly turnMs?: number
}

export function simulatedEnvironment(options: SimulatedEnvironmentOptions): Environment {
  const time = new SimulatedTime(options.turnMs ?? 0.05)
  const random: Random = new SeededRandom(options.seed)
  const environment = { fileSystem: options.fileSystem ?? new MemoryFileSystem(), clock: time, random, scheduler: time }
  const { deflate, zstd } = options
  return { ...environment, deflate, zstd }
}

/** What the wall clock shows when the clock is at 0. */
const EPOCH = Date.UTC(2026, 0, 1)

interface Sleeper {
  readonly deadline: number
  readonly wake: () => void
}

/** Clock and scheduler in one: time passes by scheduling. */
class SimulatedTime implements Clock, Scheduler {
  readonly #turnMs: number
  #now = 0
  #waiting: (() => void)[] = []
  /** By deadline; equal ones in the order of their calls. */
  readonly #sleepers: Sleeper[] = []
  #isRunning = false

  constructor(turnMs: number) {
    this.#turnMs = turnMs
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return EPOCH + Math.floor(this.#now)
  }

  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#run()
    })
  }

  sleep(ms: number): Promise<void> {
    return new Promise(wake => {
      const deadline = this.#now + Math.max(0, ms)
      const index = this.#sleepers.findIndex(sleeper => sleeper.deadline > deadline)
      this.#sleepers.splice(index < 0 ? this.#sleepers.length : index, 0, { deadline, wake })
      this.#run()
    })
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    afterTurn(() => this.#step())
  }

  #step(): void {
    this.#isRunning = false
    const waiting = this.#waiting
    if (waiting.length > 0) {
      this.#waiting = []
      this.#now += this.#turnMs
      for (const resolve of waiting) resolve()
    } else this.#now = Math.max(this.#now, this.#sleepers[0]?.deadline ?? 0)
    while (this.#sleepers.length > 0 && this.#sleepers[0].deadline <= this.#now) this.#sleepers.shift()!.wake()
    if (this.#sleepers.length > 0) this.#run()
  }
}
