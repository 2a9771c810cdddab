/** The results of a comparison: plain data to render, store or compare. */
import type { LevelClass } from './level-store.js'
import type { EngineFactory, LevelShape } from 'kvarium/engine'
import type { Measured } from '../predict/prediction.js'
import type { LagReport, Timeline } from '../report/run-report.js'
import type { ReadAmplification, WriteAmplification } from 'kvarium/trace'
import type { ProcessIo } from './process-counters.js'
import type { Traffic } from './traffic.js'

/** One engine of a comparison, with the options it runs under. */
export interface EngineConfiguration {
  /** Name of the column in the results, and of the store's directory. */
  readonly name: string
  /** The name of a built-in engine, or a custom factory; the name of the package with `level`. */
  readonly engine: string | EngineFactory
  /** Instead of a kvarium engine: the class of an abstract-level database, as `loadLevel` returns it. */
  readonly level?: LevelClass
  readonly options?: Readonly<Record<string, unknown>>
}

/** Microseconds per operation. */
export interface Latency {
  readonly meanUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

/** Latencies of the calls of one kind. */
export interface CallLatency {
  /** Name of the operation: `get`, `put`. */
  readonly kind: string
  readonly operations: number
  readonly latency: Latency
  /** As for a phase. */
  readonly distribution: readonly (readonly [us: number, share: number])[]
}

export interface PhaseResult {
  readonly name: string
  readonly about: string
  /** Calls of the store: a batch and a scan are one each. */
  readonly operations: number
  /** Entries written, deleted, looked up or scanned by these calls. */
  readonly entries: number
  /** Time spent inside the store, summed over the operations, without preparing and checking them. */
  readonly ms: number
  readonly entriesPerSecond: number
  readonly latency: Latency
  /** Microseconds, and the share of the operations that took at most that long; both ascend. */
  readonly distribution: readonly (readonly [us: number, share: number])[]
  /** The same per kind of call; empty if all were of one kind. */
  readonly calls: readonly CallLatency[]
  readonly lag: LagReport
  /** The ledger's counts during the phase, background work included. */
  readonly traffic: Traffic
}

/** A wrong result. A comparison with problems has failed. */
export interface Problem {
  /** `read`: a wrong answer while a phase ran. `verify`: one at the end. `check`: a broken invariant. */
  readonly kind: 'read' | 'verify' | 'check' | 'ledger' | 'stream' | 'error'
  readonly message: string
}

/** The ledger's sums beside the counts of the metered file system, in bytes. */
export interface Metered {
  readonly ledgerWritten: number
  readonly meterWritten: number
  readonly ledgerRead: number
  readonly meterRead: number
  /** Metered while closing, when the ledger can no longer be read. */
  readonly closingWritten: number
  readonly closingRead: number
}

export interface EngineResult {
  readonly name: string
  /**
   * `peer`: an abstract-level database, measured from outside. Its `traffic` has the bytes that the process passed to write calls, all as
   * `log`, and no reads; it has no levels and no ledger to hold against a meter.
   */
  readonly kind: 'kvarium' | 'peer'
  /** The name of the engine itself. */
  readonly engine: string
  readonly options: Readonly<Record<string, unknown>>
  /** Those of the first round, like everything that is not in `rounds`. */
  readonly phases: readonly PhaseResult[]
  /** What every round measured, the first included. */
  readonly rounds: readonly EngineRound[]
  /** All phases together. */
  readonly traffic: Traffic
  readonly amplification: {
    readonly write: WriteAmplification
    readonly read: { readonly found: ReadAmplification; readonly missing: ReadAmplification; readonly scan: ReadAmplification }
    /** File bytes per live key and value byte: at the peak, and after all background work. */
    readonly space: { readonly peak: number; readonly settled: number }
  }
  /** The state when the last write was acknowledged, with background work still pending: the ledger, and the bytes of all files. */
  readonly endOfWrites: { readonly traffic: Traffic; readonly diskBytes: number }
  /** How many gets touched 0, 1, 2 ... blocks or pages, of a sample of them. */
  readonly blocksPerGet: { readonly found: readonly number[]; readonly missing: readonly number[] }
  readonly metered: Metered
  /** The operating system's counts for the whole process during the run, where available. */
  readonly process?: ProcessIo
  /** The live entries at the end, by the oracle. */
  readonly live: { readonly entries: number; readonly bytes: number }
  /** The files of the store at the end, and their bytes at the peak. */
  readonly disk: { readonly files: number; readonly bytes: number; readonly peakBytes: number }
  readonly levels: readonly LevelShape[]
  /** Memory the engine holds for data at the end, in bytes. */
  readonly memoryBytes: number
  /** The peak of the sampled resident bytes of the process, memory from before the run included. */
  readonly peakRssBytes: number
  /** CPU time of all threads of the process from the first phase until settled, in milliseconds: generating and checking operations included. */
  readonly cpuMs: number
  /** Bytes that the cache may hold; `undefined` without one. */
  readonly cacheBytes?: number
  readonly timeline: Timeline
  /** The engine's final state for predictions: its options with defaults and sizes, the ledger over all sessions, its shape; live bytes counted. */
  readonly final?: Pick<Measured, 'options' | 'ledger' | 'shape' | 'compactedByLevel' | 'checkpoints' | 'liveBytes'>
  /** How often and how long writers waited for background work. */
  readonly stalls: { readonly count: number; readonly totalMs: number }
  readonly verification: Verification
  /** The first problems; `problemCount` is their total number. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

/** A round's times and bytes. Bytes vary a little, too: background work meets other data when it runs at other moments. */
export type EngineRound = Pick<
  EngineResult,
  'phases' | 'traffic' | 'amplification' | 'endOfWrites' | 'live' | 'process' | 'peakRssBytes' | 'cpuMs'
>

export interface Verification {
  /** Entries compared one by one, by iteration and by key. */
  readonly entries: number
  /** Deleted keys that were looked up and not found. */
  readonly deleted: number
  readonly ms: number
  /** xxHash32 of every expected key and value, in hexadecimal: the same for all engines. */
  readonly digest: string
}

export interface Comparison {
  readonly engines: readonly EngineResult[]
  /** True when no engine had a problem. */
  readonly ok: boolean
}

export interface Progress {
  readonly engine: string
  readonly engineIndex: number
  readonly engineCount: number
  readonly phase: string
  readonly phaseIndex: number
  /** Includes the verification, which comes last. */
  readonly phaseCount: number
  readonly isWarmUp: boolean
  /** From 1. */
  readonly round: number
  readonly roundCount: number
  /** Entries so far, out of `total` if that is known. */
  readonly done: number
  readonly total: number | undefined
}
