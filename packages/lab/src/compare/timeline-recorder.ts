/**
 * Takes samples of a store while the phases run: at regular points of each phase, after background jobs, which change the structure,
 * and during a single long call, such as settling.
 *
 * Invariant: sampling is not part of a call's time, except for a timer's work of some microseconds in ten milliseconds.
 */
import type { EngineShape, EngineStats } from 'kvarium/engine'
import type { Sample, Timeline } from '../report/run-report.js'
import { ActivityWatch } from './activity-watch.js'
import type { JobWatch } from './job-watch.js'
import { LatencyRecorder } from './latency-recorder.js'
import { storeParts, type Traffic } from './traffic.js'

export interface TimelineSource {
  /** Whether the store can be read now. */
  readonly isOpen: () => boolean
  readonly stats: () => EngineStats
  readonly shape: () => EngineShape
  /** The traffic since the first open. */
  readonly traffic: () => Traffic
  /** The store's trace. Without one, or if it emits nothing, the stats are polled. */
  readonly jobs?: JobWatch
}

const LOOK_EVERY_MS = 10
/** Interval of samples without a call, and their maximum number. */
const IDLE_SAMPLE_MS = 50
const MOST_IDLE_SAMPLES = 100
const SAMPLES_OF_A_PHASE = 16
/** Minimum interval of samples after jobs, and after how many of them it doubles: a run of any length has about a hundred. */
const JOB_SAMPLE_MS = 5
const JOB_SAMPLES_BEFORE_DOUBLING = 16

export class TimelineRecorder {
  readonly #source: TimelineSource
  readonly #watch = new ActivityWatch()
  readonly #samples: Sample[] = []
  readonly #phases: { name: string; startMs: number; endMs: number }[] = []
  readonly #window = new LatencyRecorder()
  #timer: NodeJS.Timeout | undefined
  #startMs = 0
  #busyMs = 0
  #operations = 0
  #entries = 0
  #windowCalls = 0
  #everyEntries = Infinity
  #nextEntries = Infinity
  #lastLookMs = 0
  #lastSampleMs = 0
  #idleSamples = 0
  #jobSamples = 0
  #jobsSeen = 0

  constructor(source: TimelineSource) {
    this.#source = source
  }

  start(): void {
    this.#startMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  /** @param total - Expected entries, if known. */
  beginPhase(name: string, total?: number): void {
    this.#phases.push({ name, startMs: this.#now(), endMs: this.#now() })
    this.#everyEntries = Math.max(1, (total ?? Infinity) / SAMPLES_OF_A_PHASE)
    this.#nextEntries = this.#entries + this.#everyEntries
    if (this.#samples.length === 0) this.#sample()
  }

  /** Records the end of a call of the store. */
  record(elapsedMs: number, entries: number): void {
    this.#window.record(elapsedMs)
    this.#windowCalls++
    this.#busyMs += elapsedMs
    this.#operations++
    this.#entries += entries
    if (this.#entries >= this.#nextEntries) this.#sample()
    else if (this.#isJobDue()) this.#sampleJob()
  }

  /** Takes a sample, if one is due, between two calls. */
  look(): void {
    if (this.#isJobDue()) this.#sampleJob()
    else this.#look()
  }

  endPhase(): void {
    this.#sample()
    const phase = this.#phases.at(-1)
    if (phase !== undefined) phase.endMs = this.#now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  timeline(): Timeline {
    const { jobs } = this.#source
    const marks = jobs?.hasEvents === true ? jobs.marks(this.#startMs) : this.#watch.marks()
    return { phases: this.#phases, samples: this.#samples, marks }
  }

  #now(): number {
    return round(performance.now() - this.#startMs)
  }

  #tick(): void {
    if (this.#isJobDue()) return this.#sampleJob()
    if (this.#look() === undefined) return
    if (this.#now() - this.#lastSampleMs < IDLE_SAMPLE_MS || this.#idleSamples >= MOST_IDLE_SAMPLES || this.#samples.length === 0) return
    this.#idleSamples++
    this.#sample()
  }

  #isJobDue(): boolean {
    const { jobs } = this.#source
    if (jobs === undefined || jobs.ended === this.#jobsSeen || this.#samples.length === 0) return false
    const spacingMs = JOB_SAMPLE_MS * 2 ** Math.floor(this.#jobSamples / JOB_SAMPLES_BEFORE_DOUBLING)
    return this.#now() - this.#lastSampleMs >= spacingMs
  }

  #sampleJob(): void {
    this.#jobSamples++
    this.#sample()
  }

  #look(): EngineStats | undefined {
    this.#lastLookMs = this.#now()
    if (!this.#source.isOpen()) return undefined
    const stats = this.#source.stats()
    this.#watch.look(this.#lastLookMs, stats)
    return stats
  }

  #sample(): void {
    const stats = this.#look()
    this.#jobsSeen = this.#source.jobs?.ended ?? 0
    this.#nextEntries = this.#entries + this.#everyEntries
    if (stats === undefined) return
    const { userBytes, written, found, missing, scan } = this.#source.traffic()
    const { p50Us, p99Us, maxUs } = this.#window.summary()
    this.#lastSampleMs = this.#lastLookMs
    this.#samples.push({
      atMs: this.#lastLookMs,
      busyMs: round(this.#busyMs),
      operations: this.#operations,
      entries: this.#entries,
      userBytes,
      written: storeParts(written),
      fileBytes: stats.ledger.fileBytes,
      ...(this.#windowCalls > 0 && { window: { p50Us, p99Us, maxUs } }),
      ...structureOf(this.#source.shape()),
      cacheHits: found.blocksFromCache + missing.blocksFromCache + scan.blocksFromCache,
      cacheMisses: found.blocksFromDisk + missing.blocksFromDisk + scan.blocksFromDisk,
    })
    this.#window.reset()
    this.#windowCalls = 0
  }
}

interface TreeLevel {
  readonly pages: number
  readonly bytes: number
}

/** The levels of an LSM tree, or the pages of a B+tree. */
function structureOf({ levels, height, tree }: EngineShape): Pick<Sample, 'levels' | 'tree'> {
  if (levels !== undefined) return { levels: levels.map(({ level, runs, tables, bytes }) => ({ level, runs, tables, bytes })) }
  if (typeof height !== 'number' || !Array.isArray(tree)) return {}
  return { tree: { height, levels: (tree as readonly TreeLevel[]).map(({ pages, bytes }) => ({ pages, bytes })) } }
}

/** Rounds to microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
