/** One workload on one store, from an empty directory on, in this process: the work of a child process. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadHash32, mix32, type Hash32 } from '../../src/codec/checksum.js'
import { subtractTraffic } from '../../packages/lab/src/compare/traffic.js'
import { JobWatch } from '../../packages/lab/src/compare/job-watch.js'
import { TimelineRecorder } from '../../packages/lab/src/compare/timeline-recorder.js'
import type { EngineShape } from '../../src/engine/contract.js'
import type { Measured } from '../../packages/lab/src/predict/prediction.js'
import type { LagReport, Timeline } from '../../packages/lab/src/report/run-report.js'
import type { LedgerCounts, ReadCounts, StorePart } from '../../src/trace/ledger.js'
import type { TraceListener } from '../../src/trace/span.js'
import { LagRecorder } from '../../packages/lab/src/compare/lag-recorder.js'
import { cpuMs, memory } from '../../packages/lab/src/compare/process-meter.js'
import type { Store } from '../peers/stores.js'
import { hexadecimal } from '../../packages/lab/src/workloads/digest.js'
import type { Plan } from '../../packages/lab/src/workloads/workload.js'
import { Outside, wakeUpBytes } from './outside.js'
import { PhaseDriver, type PhaseOutcome } from './phase-driver.js'
import { timelineSource } from './timeline-source.js'

export interface PhaseMeasure extends PhaseOutcome {
  readonly lag: LagReport
  /** By the ledger. */
  readonly writtenBytes?: number
  readonly readBytes?: number
}

export interface Account {
  readonly userBytes: number
  readonly written?: Readonly<Record<StorePart, number>>
  readonly outsideBytes?: number
  readonly fileBytes: number
}

export interface RoundOutcome {
  readonly phases: readonly PhaseMeasure[]
  /** Digests of the operations and of the answers. */
  readonly digest: string
  readonly answers: string
  /** The state when the last write was acknowledged, and after all background work. */
  readonly atEndOfWrites: Account
  readonly settled: Account
  readonly peakFileBytes: number
  readonly files: number
  readonly outsideReadBytes?: number
  readonly reads?: { readonly found: ReadCounts; readonly missing: ReadCounts; readonly scan: ReadCounts }
  readonly cache?: { readonly hits: number; readonly misses: number; readonly capacityBytes: number }
  readonly stalls?: { readonly count: number; readonly totalMs: number }
  readonly engineBytes?: number
  readonly peakRssBytes: number
  readonly timeline: Timeline
  readonly contents: Contents
  /** The engine's own final numbers; all except the shape cover the run without the load. */
  readonly final?: Omit<Measured, 'options'>
  /** CPU time of the whole process, milliseconds. */
  readonly cpuMs: number
}

/** The final contents of a store. */
export interface Contents {
  readonly entries: number
  readonly bytes: number
  readonly digest: string
}

export interface RoundParts {
  /** Opens a store in a new directory; one of kvarium's emits its background work to the listener. */
  readonly open: (directory: string, listener?: TraceListener) => Promise<Store>
  readonly durable: boolean
  readonly isKvarium: boolean
  /** Must exist and be empty. */
  readonly directory: string
  /** The same workload, small: lets the compiler optimise the code before the measurement. */
  readonly warmUp: Plan
  readonly plan: Plan
  readonly harnessBytes?: () => number
  readonly onProgress?: (phase: string, share: number) => void
}

const PROGRESS_CALLS = 1000
const SCAN_CHUNK = 1000
const NO_KEY = new Uint8Array([0])

export async function runRound(parts: RoundParts): Promise<RoundOutcome> {
  const { open, durable, isKvarium, directory, plan, harnessBytes = () => 0, onProgress } = parts
  const hash32 = await loadHash32()
  const wakeUps = await warmUp(parts, hash32)
  const outside = durable
    ? new Outside({ directory: join(directory, 'store'), wakeUpBytes: wakeUps, harnessBytes, calls: () => driver.calls })
    : undefined
  const jobs = isKvarium ? new JobWatch() : undefined
  const store = await open(join(directory, 'store'), jobs?.listener)
  const { source, finish } = timelineSource(store, outside, () => driver.userBytes, jobs)
  const recorder = new TimelineRecorder(source)
  const total = plan.phases.reduce((sum, phase) => sum + phase.operations, 0)
  let phaseName = ''
  const driver = new PhaseDriver({
    store,
    hash32,
    trustsSettle: isKvarium || !durable,
    onCall: (elapsedMs, entries) => {
      recorder.record(elapsedMs, entries)
      if (driver.calls % PROGRESS_CALLS === 0) onProgress?.(phaseName, driver.calls / total)
    },
  })
  const account = (): Account => {
    const ledger = store.stats?.().ledger
    const outsideBytes = outside?.written()
    return {
      userBytes: driver.userBytes,
      fileBytes: outside?.fileBytes() ?? 0,
      ...(ledger !== undefined && durable && { written: withoutBackup(ledger.written) }),
      ...(outsideBytes !== undefined && !Number.isNaN(outsideBytes) && { outsideBytes }),
    }
  }

  const phases: PhaseMeasure[] = []
  let atEndOfWrites = account()
  let loaded = stateOf(store, jobs)
  recorder.start()
  for (const phase of plan.phases) {
    phaseName = phase.name
    onProgress?.(phaseName, driver.calls / total)
    const before = store.stats?.().ledger
    recorder.beginPhase(phase.name, entriesOf(phase.operations, plan))
    const lag = new LagRecorder()
    const outcome = await driver.run(phase)
    const lagReport = lag.report()
    recorder.endPhase()
    if (phase.kind === 'write' || phase.kind === 'mixed') atEndOfWrites = account()
    const after = store.stats?.().ledger
    if (phase.kind === 'other' && phases.length === 1) loaded = stateOf(store, jobs)
    phases.push({
      ...outcome,
      lag: lagReport,
      ...(before !== undefined && after !== undefined && durable && traffic(before, after)),
    })
  }
  recorder.stop()
  const settled = account()
  const outsideReadBytes = outside?.read()
  const stats = store.stats?.()
  const final = durable ? difference(loaded, stateOf(store, jobs)) : undefined
  const { peakBytes: peakRssBytes } = memory()
  const files = durable ? readdirSync(join(directory, 'store')).length : 0
  const contents = await contentsOf(store, hash32)
  await store.close()
  return {
    phases,
    digest: driver.digest,
    answers: driver.answers,
    atEndOfWrites,
    settled,
    peakFileBytes: Math.max(stats?.ledger.peakFileBytes ?? 0, outside?.peakFileBytes ?? 0),
    files,
    ...(outsideReadBytes !== undefined && !Number.isNaN(outsideReadBytes) && { outsideReadBytes }),
    ...(stats !== undefined && {
      ...(durable && { reads: { found: stats.ledger.found, missing: stats.ledger.missing, scan: stats.ledger.scan } }),
      ...(stats.cache !== undefined && { cache: stats.cache }),
      stalls: stats.stalls,
      engineBytes: stats.memoryBytes,
    }),
    peakRssBytes,
    timeline: finish(recorder.timeline()),
    contents,
    ...(final !== undefined && { final }),
    cpuMs: cpuMs(),
  }
}

/** Returns the bytes that an awaited call writes to wake the event loop. */
async function warmUp({ open, durable, directory, warmUp: plan }: RoundParts, hash32: Hash32): Promise<number> {
  const store = await open(join(directory, 'warm-up'))
  const driver = new PhaseDriver({ store, hash32, trustsSettle: true, onCall: () => undefined })
  for (const phase of plan.phases) await driver.run(phase)
  const bytes = durable ? await wakeUpBytes(store, NO_KEY) : 0
  await store.close()
  return bytes
}

interface State {
  readonly ledger: LedgerCounts
  readonly shape: EngineShape
  readonly compactedByLevel: readonly number[]
}

function stateOf(store: Store, jobs: JobWatch | undefined): State | undefined {
  const stats = store.stats?.()
  const shape = store.shape?.()
  if (stats === undefined || shape === undefined || jobs === undefined) return undefined
  return { ledger: stats.ledger, shape, compactedByLevel: jobs.compactedByLevel }
}

function difference(before: State | undefined, after: State | undefined): RoundOutcome['final'] {
  if (before === undefined || after === undefined) return undefined
  const { ledger, shape } = after
  const [was, is] = [before.shape.checkpoints, shape.checkpoints]
  const checkpoints = typeof was === 'number' && typeof is === 'number' ? { checkpoints: is - was } : {}
  const compactedByLevel = after.compactedByLevel.map((bytes, level) => bytes - (before.compactedByLevel[level] ?? 0))
  return { shape, ledger: { ...ledger, ...subtractTraffic(ledger, before.ledger) }, compactedByLevel, ...checkpoints }
}

/** Approximate number of entries of this phase's calls: a scan of everything has many. */
function entriesOf(operations: number, { entries }: Plan): number {
  return Math.max(operations, entries)
}

function traffic(before: LedgerCounts, after: LedgerCounts): { readonly writtenBytes: number; readonly readBytes: number } {
  const sum = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((total, part) => total + part, 0)
  return { writtenBytes: sum(after.written) - sum(before.written), readBytes: sum(after.read) - sum(before.read) }
}

/** By a full iteration; the digest is that of `Oracle`. */
async function contentsOf(store: Store, hash32: Hash32): Promise<Contents> {
  const iterator = store.iterator()
  let entries = 0
  let bytes = 0
  let digest = 0
  for (;;) {
    const chunk = await iterator.nextv(SCAN_CHUNK)
    if (chunk.length === 0) break
    entries += chunk.length
    for (const [key, value] of chunk as [Uint8Array, Uint8Array][]) {
      bytes += key.length + value.length
      digest = hash32(value, hash32(key, mix32(digest, key.length)))
    }
  }
  await iterator.close()
  return { entries, bytes, digest: hexadecimal(digest) }
}

/** A comparison makes no backups. */
function withoutBackup({ backup: _backup, ...written }: LedgerCounts['written']): Record<StorePart, number> {
  return written
}
