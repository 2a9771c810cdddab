import type { DiagnosticSink } from '../trace/diagnostics.js'
import type { FileSystem } from './file-system.js'
import type { MemoryBudget } from './memory-budget.js'
import type { ReadOffload } from './read-offload.js'

/** Codecs for blocks that only some platforms have, beside LZ4, which is part of kvarium. */
export interface PlatformCompression {
  /** Raw deflate. */
  readonly deflate?: BlockCompression | undefined
  /** Zstandard frames. */
  readonly zstd?: BlockCompression | undefined
}

/** Everything a store needs from its surroundings, injected so that a run can be replayed exactly. */
export interface Environment extends PlatformCompression {
  readonly fileSystem: FileSystem
  /** Where the reads of `fileSystem` run. Absent where they only run in place. */
  readonly readOffload?: ReadOffload | undefined
  /** What stores with `cacheSize: 'auto'` take their caches of. Absent where the platform does not say how much memory there is. */
  readonly memory?: MemoryBudget | undefined
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  /** Where stores publish what an operator watches. Absent where the platform has no such place. */
  readonly diagnostics?: DiagnosticSink | undefined
}

export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  now(): number
  /** Milliseconds since the Unix epoch: what expiries are compared with. Without it the platform's own. */
  wallTime?(): number
}

/** The wall clock of a clock, bound. */
export function wallTimeOf(clock: Clock): () => number {
  return clock.wallTime?.bind(clock) ?? Date.now
}

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number
}

export interface Scheduler {
  /** Resolves after the event loop (or the simulated one) has had a turn: timers and I/O callbacks may have run. */
  turn(): Promise<void>
  /** Resolves after at least `ms` milliseconds; does not keep the process alive. */
  sleep(ms: number): Promise<void>
}

export interface BlockCompression {
  compress(bytes: Uint8Array): Uint8Array
  /** `size` is the exact length of the result; anything else is an error. */
  decompress(bytes: Uint8Array, size: number): Uint8Array
  /** The same without the length of the result: for a repair that reads a table without its index. */
  decompressUnsized?(bytes: Uint8Array): Uint8Array
}
