/**
 * The canonical result of a run as plain JSON: the work, the machine, the engines, and every measured number. All pages, tables and
 * charts are made from this alone, so a report can be rendered again, compared with another one or read by other programs.
 *
 * Invariants:
 * 1. Bytes and counts of one engine are those of one round, the representative one; a `Spread` is over all rounds, with the value of each.
 * 2. Cumulative numbers of a timeline never shrink.
 * 3. Two reports with the same `work.digest` did the same operations in the same order.
 * 4. A number that was not measured is omitted; 0 means measured and 0.
 *
 * `parse-run-report.ts` checks a file against these types, and makes a file of an older version one of today. A change that an older kvarium
 * could misread, or would refuse, needs a new version.
 */
import type { Prediction } from '../predict/prediction.js'
import type { ReadCounts, StorePart } from 'kvarium/trace'

export const REPORT_FORMAT = 'kvarium-report'
export const REPORT_VERSION = 4

export interface RunReport {
  readonly format: typeof REPORT_FORMAT
  readonly version: typeof REPORT_VERSION
  /** Title of the page. */
  readonly title: string
  /** Start of the run: ISO 8601, UTC. */
  readonly createdAt: string
  /** The command that reproduces this run. */
  readonly command: string
  readonly machine: MachineReport
  /** Versions of the software, by name: `kvarium`, `node`, `v8`, and the package of each peer. */
  readonly versions: Readonly<Record<string, string>>
  readonly work: WorkReport
  /** How often each engine did all of the work, each time from an empty store. */
  readonly rounds: number
  /** In the order of the columns. */
  readonly engines: readonly EngineReport[]
  /** What follows from the numbers, for programs; since version 3. Pages and tables judge the numbers themselves. */
  readonly verdict?: VerdictReport
  /** In a map of the design space, whose points are the engines: the suggested one first, then the frontier; since version 4. */
  readonly map?: MapReport
}

/** What the points of a map have in common. Their places and the frontier follow from the engines. */
export interface MapReport {
  /** Calls of the work that read, and entries that it writes and deletes, without the load. */
  readonly mix: { readonly reads: number; readonly writes: number }
  /** Factors of the user for the weights; 1 each by default. */
  readonly weigh: AmplificationWeights
  /** Memory of each point for write buffer, filters and cache, in bytes. */
  readonly memoryBytes: number
  /** The options that vary, with their values. */
  readonly dimensions: readonly MapDimension[]
  /** Points of the grid that were not measured. */
  readonly leftOut: readonly MapGap[]
  /** Points that were measured by an earlier run, which this one resumed. */
  readonly resumed: number
}

export interface AmplificationWeights {
  readonly write: number
  readonly read: number
  readonly space: number
}

export interface MapDimension {
  readonly engine: string
  readonly option: string
  readonly values: readonly (string | number | boolean)[]
}

export interface MapGap {
  /** Name of the point. */
  readonly name: string
  /** `prediction`: it would be far from the frontier. */
  readonly why: 'prediction' | 'budget' | 'interrupted'
}

export interface MachineReport {
  /** Model of the processor. */
  readonly cpu: string
  /** Cores that the process may use. */
  readonly cores: number
  /** Main memory, bytes. */
  readonly memoryBytes: number
  /** Name and release of the operating system, and the architecture. */
  readonly system: string
  /** File system of the directory that holds the stores: `ext4`, `overlayfs`. */
  readonly fileSystem?: string
  /** Cores that other processes kept busy meanwhile, on average. Much above 0, times mean little. */
  readonly otherLoadCores?: number
}

export interface WorkReport {
  /** Name of the workload: `dataset`, `ycsb-a`. */
  readonly name: string
  /** A sentence that describes it. */
  readonly about: string
  /** Seed of all random choices. */
  readonly seed: number
  /** Settings that shape the work, by name. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  /** Entries in the store once it is loaded. */
  readonly entries: number
  /** Mean bytes of a key. */
  readonly keyBytes: number
  /** Mean bytes of a value. */
  readonly valueBytes: number
  /** In order. */
  readonly phases: readonly WorkPhase[]
  /** Digest of every operation with its keys and values, in order, in hexadecimal. Runs whose digests differ did different work. */
  readonly digest: string
}

export interface WorkPhase {
  readonly name: string
  /** A sentence that describes it. */
  readonly about: string
  /** Calls of the store; a batch or a scan is one. */
  readonly operations: number
  /** The last `write` phase ends at "at end of writes"; `other` is settling, reopening and the like. */
  readonly kind: 'write' | 'read' | 'mixed' | 'other'
}

/** One number over all rounds, in the unit of its field. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** One value per round, in order. */
  readonly values: readonly number[]
}

export interface EngineReport {
  /** Name of the column: `lsm-leveled`. */
  readonly name: string
  /** The engine or package itself: `lsm`, `classic-level`. */
  readonly engine: string
  /** `peer`: another project's store, measured from outside only. */
  readonly kind: 'kvarium' | 'peer'
  /** As given; sizes in bytes. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  /** In the order of `work.phases`; fewer if the engine failed. */
  readonly phases: readonly PhaseReport[]
  /** By the ledger. Absent for peers and for engines without files. */
  readonly write?: WriteReport
  /** By the operating system. */
  readonly outside?: OutsideReport
  /** By the ledger. Absent for peers. */
  readonly read?: ReadReport
  readonly space: SpaceReport
  readonly memory: MemoryReport
  /** CPU time of the whole process from the first phase until settled, all threads, in milliseconds; since version 4. */
  readonly cpuMs?: Spread
  readonly cache?: CacheReport
  /** Writers that waited for background work. */
  readonly stalls?: StallReport
  readonly timeline?: Timeline
  /** Predictions beside the measurements; empty for peers. */
  readonly predictions: readonly Prediction[]
  readonly verification: VerificationReport
}

export interface PhaseReport {
  /** As in `work.phases`. */
  readonly name: string
  /** Calls of the store. */
  readonly operations: number
  /** Entries that these calls wrote, deleted, looked up or scanned. */
  readonly entries: number
  /** Time inside the store, milliseconds. */
  readonly ms: Spread
  /** Entries ÷ seconds inside the store. */
  readonly perSecond: Spread
  /** Microseconds per call. */
  readonly latency: LatencyReport
  /** The same per kind of call, if a phase has several. */
  readonly calls?: readonly CallReport[]
  /** Lateness of 1 ms timers during the phase. */
  readonly lag?: LagReport
  /** Bytes written and read during the phase by the ledger, background work included. */
  readonly writtenBytes?: number
  readonly readBytes?: number
}

/** The calls of one kind in a phase. */
export interface CallReport {
  /** `get`, `put`, `read-modify-write`. */
  readonly kind: string
  readonly operations: number
  /** Microseconds per call. */
  readonly latency: LatencyReport
}

export interface LatencyReport {
  readonly meanUs: Spread
  readonly p50Us: Spread
  readonly p99Us: Spread
  readonly p999Us: Spread
  readonly maxUs: Spread
  /** The cumulative distribution of one round: microseconds, and the share of calls that took at most that long; both ascend, the share to 1. */
  readonly cdf: readonly (readonly [us: number, share: number])[]
}

/** Milliseconds that a request arriving at a random moment waits for the event loop. */
export interface LagReport {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms?: number
  readonly maxMs: number
  /** Firings of a timer of 1 ms; about 900 when nothing blocks the event loop. */
  readonly ticksPerSecond: number
}

export interface WriteReport {
  /** When the last write was acknowledged, without pending background work. */
  readonly atEndOfWrites: WriteAccount
  /** At the end, after all background work. */
  readonly settled: WriteAccount
}

export interface WriteAccount {
  /** Key and value bytes put, and key bytes deleted. */
  readonly userBytes: number
  /** Bytes written to files, by cause. */
  readonly parts: Readonly<Record<StorePart, number>>
  /** Bytes by which compression made the parts smaller; absent where it saved none. */
  readonly savedBytes?: number
  /** All parts ÷ `userBytes`: `writeAmplification` in `trace/ledger.ts`. */
  readonly amplification: Spread
}

export interface OutsideReport {
  /** A sentence that says what was measured, and what else it includes. */
  readonly method: string
  /** Key and value bytes put and key bytes deleted until settled, by the workload. */
  readonly userBytes: number
  /** Bytes that the process passed to write calls, until settled. */
  readonly writtenBytes: number
  /** Bytes that the process received from read calls. Reads through mapped memory are not included. */
  readonly readBytes?: number
  /** `writtenBytes` ÷ `userBytes`. */
  readonly amplification: Spread
  /** The ledger's bytes for the same time. */
  readonly ledgerBytes?: number
}

export interface ReadReport {
  /** Gets that found an entry. */
  readonly found: ReadCounts
  /** Gets that found none. */
  readonly missing: ReadCounts
  /** Scans; an operation is an entry. */
  readonly scan: ReadCounts
  /** Blocks or pages per operation in every round; since version 2. */
  readonly blocks?: { readonly found?: Spread; readonly missing?: Spread; readonly scan?: Spread }
  /** How many of the sampled gets touched 0, 1, 2 ... blocks or pages. */
  readonly blocksPerGet?: {
    readonly found: readonly number[]
    readonly missing: readonly number[]
  }
}

export interface SpaceReport {
  /** Live key and value bytes at the end. */
  readonly liveBytes: number
  /** Bytes of all files: at their peak, when the last write was acknowledged, and after all background work. */
  readonly peakBytes: number
  readonly atEndOfWritesBytes: number
  readonly settledBytes: number
  /** File bytes ÷ live bytes: `spaceAmplification` in `trace/ledger.ts`. */
  readonly peak: Spread
  readonly atEndOfWrites: Spread
  readonly settled: Spread
  /** The mean over the calls of all phases but the first, background work included, where there was a timeline; since version 4. */
  readonly mean?: Spread
  /** Files at the end. */
  readonly files?: number
}

export interface MemoryReport {
  /** Peak resident bytes of the whole process. */
  readonly peakRssBytes?: Spread
  /** Whether all engines ran in that one process, so that its peak says nothing about an engine; since version 2. */
  readonly sharesProcess?: boolean
  /** Bytes of memory that the engine holds for data at the end. */
  readonly engineBytes?: number
}

export interface CacheReport {
  /** Blocks or pages found in memory, and not found. */
  readonly hits: number
  readonly misses: number
  /** Its capacity in bytes. */
  readonly capacityBytes?: number
}

export interface StallReport {
  readonly count: number
  /** Sum in milliseconds. */
  readonly totalMs: number
}

export interface VerificationReport {
  /** Entries compared with an oracle at the end; 0 without a comparison. */
  readonly entries: number
  /** Deleted keys that were looked up and must be absent. */
  readonly deleted: number
  /** Digest of every expected key and value: the same for all engines. Empty without a comparison. */
  readonly digest: string
  /** The first ones. */
  readonly problems: readonly { readonly kind: string; readonly message: string }[]
  readonly problemCount: number
}

/** The verdict of the page, the Markdown and the terminal. */
export interface VerdictReport {
  /** The warning that other programs kept the machine busy: times are not reliable. Absent if they did not, or it is not known. */
  readonly banner?: string
  /** The differences that count most, without full stops: `lsm-tiered loads 1.55× faster than lsm-leveled`. */
  readonly sentences: readonly string[]
  /** Numbers by which the engines do not differ by more than their rounds vary. */
  readonly undecided: readonly string[]
  /** Why times have no verdict. */
  readonly remark?: string
  /** Each metric that at least one engine has: bytes before times. */
  readonly rows: readonly VerdictRow[]
  /** In a map; since version 4. */
  readonly map?: MapVerdict
}

export interface MapVerdict {
  /** Names of the points that no other point is better than in every amplification, by write amplification. */
  readonly frontier: readonly string[]
  /** The point with the smallest weighted product. */
  readonly suggested: string
  readonly corner: Corner
  readonly weights: AmplificationWeights
}

/** The corners of read, update and memory. */
export const CORNERS = ['read', 'update', 'memory'] as const
export type Corner = (typeof CORNERS)[number]

export interface VerdictRow {
  /** Stable: `write/settled`, `throughput/load`. */
  readonly metric: string
  /** `Throughput`. */
  readonly group: string
  /** `load`. */
  readonly label: string
  readonly better: 'less' | 'more'
  /** Times of fewer than three rounds have no verdict; a number that is not ranked says nothing about which engine is better. */
  readonly outcome: Outcome
  /** The engines with the best value, best first; empty unless `outcome` is `best`. */
  readonly best: readonly string[]
  /** How many times better the best one is than the next of the others; absent where a ratio has no meaning. */
  readonly factor?: number
  /** As in the table: `lsm-leveled, 1.3×`. */
  readonly text: string
  /** The same number as in `engines`, by the name of the engine; without engines that do not have it. */
  readonly values: Readonly<Record<string, Spread>>
}

export const OUTCOMES = ['best', 'no difference', 'too few rounds', 'not ranked', 'nothing to compare'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** The representative round over time. Milliseconds count from the start of the first phase, by the wall clock. */
export interface Timeline {
  readonly phases: readonly { readonly name: string; readonly startMs: number; readonly endMs: number }[]
  /** Ascending. */
  readonly samples: readonly Sample[]
  readonly marks: readonly Mark[]
}

/** The totals up to `atMs`, and the state at that time. */
export interface Sample {
  readonly atMs: number
  /** Time inside the store so far, milliseconds. */
  readonly busyMs: number
  /** Calls of the store so far. */
  readonly operations: number
  /** Entries that they wrote, deleted, looked up or scanned. */
  readonly entries: number
  /** Key and value bytes put and key bytes deleted so far. */
  readonly userBytes: number
  /** Bytes written so far by cause, from the ledger. */
  readonly written?: Readonly<Record<StorePart, number>>
  /** Bytes passed to write calls so far: by the operating system. */
  readonly outsideWrittenBytes?: number
  /** Bytes of all files now. */
  readonly fileBytes: number
  /** Microseconds per call since the previous sample; omitted if there was none. */
  readonly window?: { readonly p50Us: number; readonly p99Us: number; readonly maxUs: number }
  /** The levels of an LSM tree now. */
  readonly levels?: readonly { readonly level: number; readonly runs: number; readonly tables: number; readonly bytes: number }[]
  /** A B+tree now; levels from the root down. */
  readonly tree?: { readonly height: number; readonly levels: readonly { readonly pages: number; readonly bytes: number }[] }
  /** Since the beginning. */
  readonly cacheHits?: number
  readonly cacheMisses?: number
}

/** An activity of the engine; `endMs` may equal `startMs`. */
export interface Mark {
  readonly kind: MarkKind
  readonly startMs: number
  readonly endMs: number
  /** A short description; may be empty. */
  readonly detail: string
}

export type MarkKind = 'flush' | 'compaction' | 'checkpoint' | 'stall'

/** The median of an even number of values is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new TypeError('a spread needs the value of at least one round')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted[sorted.length - 1], values }
}
