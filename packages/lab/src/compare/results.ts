/** What a comparison gathers: plain data to render, store or compare. */
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
  /** The name of a built-in engine, or the factory of your own. */
  readonly engine: string | EngineFactory
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
  /** As of a phase. */
  readonly distribution: readonly (readonly [us: number, share: number])[]
}

export interface PhaseResult {
  readonly name: string
  readonly about: string
  /** Calls of the store: a batch and a scan are one each. */
  readonly operations: number
  /** Entries written, deleted, looked up or scanned by these calls. */
  readonly entries: number
  /** Time spent inside the store, summed over the operations; preparing and checking them is not in it. */
  readonly ms: number
  readonly entriesPerSecond: number
  readonly latency: Latency
  /** Microseconds, and the share of the operations that took at most as long; both ascend. */
  readonly distribution: readonly (readonly [us: number, share: number])[]
  /** The same by kind of call; empty if all were of one kind. */
  readonly calls: readonly CallLatency[]
  readonly lag: LagReport
  /** What the ledger counted meanwhile, background work included. */
  readonly traffic: Traffic
}

/** Something that is not as it must be. A comparison with problems has failed. */
export interface Problem {
  /** `read`: a wrong answer while a phase ran. `verify`: one at the end. `check`: a broken invariant. */
  readonly kind: 'read' | 'verify' | 'check' | 'ledger' | 'stream' | 'error'
  readonly message: string
}

/** The ledger's sums next to what the metered file system counted, in bytes. */
export interface Metered {
  readonly ledgerWritten: number
  readonly meterWritten: number
  readonly ledgerRead: number
  readonly meterRead: number
  /** Metered while closing, when the ledger of the closed store can no longer be asked. */
  readonly closingWritten: number
  readonly closingRead: number
}

export interface EngineResult {
  readonly name: string
  /** The name of the engine itself. */
  readonly engine: string
  readonly options: Readonly<Record<string, unknown>>
  readonly phases: readonly PhaseResult[]
  /** All phases together. */
  readonly traffic: Traffic
  readonly amplification: {
    readonly write: WriteAmplification
    readonly read: { readonly found: ReadAmplification; readonly missing: ReadAmplification; readonly scan: ReadAmplification }
    /** File bytes per live key and value byte: the most there ever were, and after all background work. */
    readonly space: { readonly peak: number; readonly settled: number }
  }
  /** When the last write was acknowledged, with what the background still owed: the ledger, and the bytes of all files. */
  readonly endOfWrites: { readonly traffic: Traffic; readonly diskBytes: number }
  /** How many gets touched 0, 1, 2 ... blocks or pages, of a sample of them. */
  readonly blocksPerGet: { readonly found: readonly number[]; readonly missing: readonly number[] }
  readonly metered: Metered
  /** What the operating system counted for the whole process meanwhile; not everywhere. */
  readonly process?: ProcessIo
  /** Exactly what is alive in the end, by the oracle. */
  readonly live: { readonly entries: number; readonly bytes: number }
  /** The files of the store in the end, and the most bytes they had at once. */
  readonly disk: { readonly files: number; readonly bytes: number; readonly peakBytes: number }
  readonly levels: readonly LevelShape[]
  /** Memory the engine holds for data in the end, in bytes. */
  readonly memoryBytes: number
  /** The most resident bytes of the process meanwhile, in the moments that were looked at: also of what was there before. */
  readonly peakRssBytes: number
  /** Bytes that the cache may hold; `undefined` without one. */
  readonly cacheBytes?: number
  readonly timeline: Timeline
  /** What the engine said in the end, for predictions: its options with defaults, the ledger over all sessions, its shape; live bytes counted. */
  readonly final?: Pick<Measured, 'options' | 'ledger' | 'shape' | 'compactedByLevel' | 'checkpoints' | 'liveBytes'>
  /** How often and how long writers waited for the background. */
  readonly stalls: { readonly count: number; readonly totalMs: number }
  readonly verification: Verification
  /** The first ones; `problemCount` says how many there were. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

export interface Verification {
  /** Compared one by one, by iteration and by key. */
  readonly entries: number
  /** Deleted keys that were looked up and must not be found. */
  readonly deleted: number
  readonly ms: number
  /** xxHash32 of every key and value that must be there, in hexadecimal: the same for all engines. */
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
  /** With the verification, which comes last. */
  readonly phaseCount: number
  readonly isWarmUp: boolean
  /** Entries so far, of `total` if that is known. */
  readonly done: number
  readonly total: number | undefined
}
