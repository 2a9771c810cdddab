/**
 * Runs the phases on one engine, verifies the resulting store, and follows the ledger throughout.
 *
 * Invariants:
 * 1. The oracle applies an operation when the engine has acknowledged it.
 * 2. The event loop gets a turn at least every few milliseconds, so that background work can finish.
 */
import { rmSync } from 'node:fs'
import { loadHash32 } from 'kvarium/codec'
import { readAmplification, spaceAmplification, Trace, writeAmplification } from 'kvarium/trace'
import { absolutePath, MeteredFileSystem } from 'kvarium/vfs'
import { nodeEnvironment, NodeFileSystem } from 'kvarium/vfs/node'
import { resolveOptions } from 'kvarium/engine'
import { Kvarium, builtInEngines } from 'kvarium'
import { BlocksPerGet } from './blocks-per-get.js'
import { JobWatch } from './job-watch.js'
import { LevelStore } from './level-store.js'
import { LagRecorder } from './lag-recorder.js'
import { MixedLatencies } from './latency-recorder.js'
import { filesIn, LedgerWatch } from './ledger-watch.js'
import type { MeasuredStore } from './measured-store.js'
import type { Phase } from './operation.js'
import { Oracle, type KeyOrder } from './oracle.js'
import { ProblemList, wrongValue } from './problem-list.js'
import { processIo, type ProcessIo } from './process-counters.js'
import { cpuMs } from './process-meter.js'
import type { EngineConfiguration, EngineResult, EngineRound, PhaseResult, Verification } from './results.js'
import { StoreDriver } from './store-driver.js'
import { TimelineRecorder } from './timeline-recorder.js'
import { addTraffic, NO_TRAFFIC, subtractTraffic, sumOf, type Traffic } from './traffic.js'
import { isWrite } from './work-digest.js'

const TURN_EVERY_MS = 15

/** Called with the phase under way and its entries so far. */
export type ReportProgress = (phase: Pick<Phase, 'name' | 'total'>, index: number, done: number) => void

export class EngineRun {
  readonly #configuration: EngineConfiguration
  readonly #directory: string
  readonly #report: ReportProgress
  readonly #meter = new MeteredFileSystem(new NodeFileSystem())
  readonly #environment = nodeEnvironment({ fileSystem: this.#meter })
  readonly #db: MeasuredStore
  readonly #isPeer: boolean
  readonly #watch: LedgerWatch
  readonly #oracle: Oracle
  readonly #problems = new ProblemList()
  readonly #driver: StoreDriver
  readonly #phases: PhaseResult[] = []
  /** The traffic up to the end of the last phase. */
  #inPhases = NO_TRAFFIC
  readonly #timeline: TimelineRecorder
  readonly #jobs = new JobWatch()
  readonly #blocksPerGet: BlocksPerGet
  #ioBefore: ProcessIo | undefined
  #endOfWrites = { traffic: NO_TRAFFIC, diskBytes: 0 }
  #stalls = { count: 0, totalMs: 0 }
  #verification: Verification = { entries: 0, deleted: 0, ms: 0, digest: '' }
  #lastTurn = 0
  #peakRssBytes = 0
  #cpuBefore = 0

  /** @throws MisuseError when the engine or an option is unknown. */
  constructor(configuration: EngineConfiguration, directory: string, report: ReportProgress, order?: KeyOrder) {
    const { engine, options, level } = configuration
    this.#isPeer = level !== undefined
    this.#oracle = new Oracle(order)
    this.#configuration = configuration
    this.#directory = absolutePath(this.#environment.fileSystem, directory)
    this.#report = report
    this.#db = level === undefined ? this.#openable(engine, options) : new LevelStore(nameOf(engine), level, this.#directory, options ?? {})
    // A ledger begins anew with each session; what is measured from outside goes on.
    this.#watch = new LedgerWatch(this.#meter, !this.#isPeer && this.#db.supports.permanence)
    this.#driver = new StoreDriver({
      db: this.#db,
      oracle: this.#oracle,
      wrong: message => this.#problems.add('read', message),
      beforeReopen: () => this.#endSession(),
      reopen: () => this.#reopen(),
    })
    this.#blocksPerGet = new BlocksPerGet(() => this.#db.stats().ledger)
    this.#timeline = new TimelineRecorder({
      isOpen: () => this.#db.status === 'open',
      stats: () => this.#db.stats(),
      shape: () => this.#db.shape(),
      traffic: () => this.#lookAtLedger(),
      jobs: this.#jobs,
    })
  }

  #openable(engine: EngineConfiguration['engine'], options: EngineConfiguration['options']): MeasuredStore {
    return new Kvarium<Uint8Array, Uint8Array>(this.#directory, {
      ...options,
      engine: builtInEngines.resolve(engine),
      environment: this.#environment,
      trace: new Trace({ level: 'job', listener: this.#jobs.listener }),
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
  }

  /**
   * Runs everything and closes the store. Errors are among the problems of the result.
   * @param verified - Whether to verify every entry at the end. Answers are compared with the oracle in any case.
   */
  async run(phases: readonly Phase[], verified = true): Promise<EngineResult> {
    let result: EngineResult | undefined
    this.#ioBefore = processIo()
    this.#cpuBefore = cpuMs()
    this.#timeline.start()
    try {
      await this.#db.open({ errorIfExists: true })
      this.#inPhases = this.#lookAtLedger()
      for (const [index, phase] of phases.entries()) await this.#runPhase(phase, index)
      await this.#settleLastPhase()
      result = this.#result()
      this.#timeline.stop()
      if (verified) await this.#verify(phases.length)
    } catch (error) {
      this.#problems.add('error', describe(error))
    }
    this.#timeline.stop()
    try {
      await this.#db.close()
    } catch (error) {
      this.#problems.add('error', `closing failed: ${describe(error)}`)
    }
    result ??= this.#result()
    return { ...result, verification: this.#verification, problems: this.#problems.kept, problemCount: this.#problems.count }
  }

  /** Removes the store, which must be closed. */
  async destroy(): Promise<void> {
    if (this.#isPeer) rmSync(this.#directory, { recursive: true, force: true })
    else if (this.#db.supports.permanence) await Kvarium.destroy(this.#directory, { environment: this.#environment })
  }

  async #runPhase(phase: Phase, index: number): Promise<void> {
    const driver = this.#driver
    const latencies = new MixedLatencies()
    let operations = 0
    let entries = 0
    let writes = false
    this.#report(phase, index, 0)
    this.#blocksPerGet.beginPhase(phase.total)
    this.#timeline.beginPhase(phase.name, phase.total)
    const lag = new LagRecorder()
    for (const operation of phase.operations()) {
      const isGet = operation.type === 'get' || operation.type === 'get-sync'
      if (isGet) this.#blocksPerGet.beforeGet()
      await driver.perform(operation)
      if (isGet) this.#blocksPerGet.afterGet()
      this.#oracle.apply(operation)
      latencies.record(operation.type, driver.elapsedMs)
      this.#timeline.record(driver.elapsedMs, driver.entries)
      writes ||= isWrite(operation)
      operations++
      entries += driver.entries
      if (performance.now() - this.#lastTurn > TURN_EVERY_MS) {
        this.#report(phase, index, entries)
        this.#timeline.look()
        await this.#turn()
      }
    }
    this.#timeline.endPhase()
    this.#lookAtMemory()
    const traffic = this.#trafficSincePhase()
    if (writes) this.#endOfWrites = { traffic: this.#watch.total, diskBytes: this.#db.stats().ledger.fileBytes }
    const ms = latencies.all.totalMs
    const { name, about } = phase
    const entriesPerSecond = ms === 0 ? 0 : (entries * 1000) / ms
    this.#phases.push({
      name,
      about,
      operations,
      entries,
      ms,
      entriesPerSecond,
      latency: latencies.all.summary(),
      distribution: latencies.all.distribution(),
      calls: latencies.byKind(),
      lag: lag.report(),
      traffic,
    })
    this.#report(phase, index, entries)
  }

  /** What the background still does after the last phase is traffic of that phase: the phases add up to the whole. */
  async #settleLastPhase(): Promise<void> {
    await this.#db.settle()
    const last = this.#phases.pop()
    if (last === undefined) return
    const settling = this.#trafficSincePhase()
    this.#phases.push({ ...last, traffic: addTraffic(last.traffic, settling) })
    if (sumOf(settling.written) > 0) this.#timeline.endPhase()
  }

  /** The traffic since the phase before: what a background job does between two phases is traffic of the later one. */
  #trafficSincePhase(): Traffic {
    const before = this.#inPhases
    this.#inPhases = this.#lookAtLedger()
    return subtractTraffic(this.#inPhases, before)
  }

  async #endSession(): Promise<void> {
    // Otherwise background work could not be distinguished from that of closing.
    await this.#db.settle()
    this.#lookAtLedger()
    // Without permanence the engine continues counting.
    if (this.#db.supports.permanence) this.#countStalls()
  }

  async #reopen(): Promise<void> {
    await this.#watch.closing(() => this.#db.close())
    await this.#db.open()
  }

  async #verify(index: number): Promise<void> {
    const oracle = this.#oracle
    const start = performance.now()
    const phase = { name: 'verify', total: 2 * oracle.size + oracle.deletedCount }
    const wrong = (message: string): void => this.#problems.add('verify', message)
    let done = 0
    this.#report(phase, index, done)
    await this.#driver.scan({ type: 'scan' }, message => wrong(`full scan: ${message}`))
    done += this.#driver.entries
    const lookUp = async (key: Uint8Array, expected: Uint8Array | undefined): Promise<void> => {
      const found = this.#db.getSync(key)
      const message = wrongValue(key, found instanceof Promise ? await found : found, expected)
      if (message !== undefined) wrong(message)
      if (++done % 1000 !== 0) return
      this.#report(phase, index, done)
      await this.#turn()
    }
    for (const entries = oracle.scan({}); entries.next();) await lookUp(entries.key, entries.value)
    for (const key of oracle.deletedKeys) await lookUp(key, undefined)
    for await (const { path, message } of this.#db.check()) this.#problems.add('check', `${path}: ${message}`)
    this.#report(phase, index, phase.total)
    this.#verification = {
      entries: oracle.size,
      deleted: oracle.deletedCount,
      ms: performance.now() - start,
      digest: oracle.digest(await loadHash32()),
    }
  }

  #result(): EngineResult {
    const { name, options = {} } = this.#configuration
    const isOpen = this.#db.status === 'open'
    const total = isOpen ? this.#lookAtLedger() : this.#watch.total
    if (isOpen) this.#countStalls()
    const metered = this.#watch.metered()
    const io = processIo()
    const ioBefore = this.#ioBefore
    const cacheBytes = isOpen ? this.#db.stats().cache?.capacityBytes : undefined
    const live = { entries: this.#oracle.size, bytes: this.#oracle.bytes }
    const disk = { ...filesIn(this.#meter, this.#directory), peakBytes: this.#watch.peakBytes }
    if (isOpen && !this.#isPeer) this.#holdLedgerAgainst(metered, disk.bytes)
    const round: EngineRound = {
      phases: this.#phases,
      traffic: total,
      amplification: {
        write: writeAmplification(total),
        read: { found: readAmplification(total.found), missing: readAmplification(total.missing), scan: readAmplification(total.scan) },
        space: { peak: spaceAmplification(disk.peakBytes, live.bytes), settled: spaceAmplification(disk.bytes, live.bytes) },
      },
      endOfWrites: this.#endOfWrites,
      ...(io !== undefined &&
        ioBefore !== undefined && {
          process: {
            writtenBytes: this.#isPeer ? total.written.log : io.writtenBytes - ioBefore.writtenBytes,
            readBytes: io.readBytes - ioBefore.readBytes,
          },
        }),
      live,
      peakRssBytes: this.#peakRssBytes,
      cpuMs: cpuMs() - this.#cpuBefore,
    }
    return {
      ...round,
      name,
      kind: this.#isPeer ? 'peer' : 'kvarium',
      engine: this.#db.engine,
      options,
      rounds: [round],
      blocksPerGet: { found: this.#blocksPerGet.found, missing: this.#blocksPerGet.missing },
      metered,
      disk,
      levels: isOpen ? (this.#db.shape().levels ?? []) : [],
      memoryBytes: isOpen ? this.#db.stats().memoryBytes : 0,
      ...(cacheBytes !== undefined && { cacheBytes }),
      timeline: this.#timeline.timeline(),
      ...(isOpen && !this.#isPeer && { final: this.#final(total, live.bytes, cacheBytes) }),
      stalls: this.#stalls,
      verification: this.#verification,
      problems: [],
      problemCount: 0,
    }
  }

  #final(total: Traffic, liveBytes: number, cacheBytes: number | undefined): NonNullable<EngineResult['final']> {
    const { engine, options = {} } = this.#configuration
    const resolved = resolveOptions(builtInEngines.resolve(engine).options, options)
    const ledger = { ...this.#db.stats().ledger, ...total, peakFileBytes: this.#watch.peakBytes }
    // The shape counts only the checkpoints since the last open.
    const { compactedByLevel, checkpoints } = this.#jobs
    return {
      options: resolved['cacheSize'] === 'auto' && cacheBytes !== undefined ? { ...resolved, cacheSize: cacheBytes } : resolved,
      ledger,
      shape: this.#db.shape(),
      compactedByLevel,
      checkpoints,
      liveBytes,
    }
  }

  #holdLedgerAgainst({ ledgerWritten, meterWritten, ledgerRead, meterRead }: EngineResult['metered'], diskBytes: number): void {
    const { fileBytes } = this.#db.stats().ledger
    const differ = (what: string, ledger: number, counted: number): void => {
      if (ledger !== counted) this.#problems.add('ledger', `the ledger has ${ledger} bytes ${what}, the file system ${counted}`)
    }
    differ('written', ledgerWritten, meterWritten)
    differ('read', ledgerRead, meterRead)
    differ('in files', fileBytes, diskBytes)
  }

  #lookAtLedger(): Traffic {
    this.#watch.look(this.#db.stats().ledger)
    return this.#watch.total
  }

  #lookAtMemory(): void {
    this.#peakRssBytes = Math.max(this.#peakRssBytes, process.memoryUsage.rss())
  }

  #countStalls(): void {
    const { count, totalMs } = this.#db.stats().stalls
    this.#stalls = { count: this.#stalls.count + count, totalMs: this.#stalls.totalMs + totalMs }
  }

  async #turn(): Promise<void> {
    await this.#environment.scheduler.turn()
    this.#lookAtMemory()
    this.#lastTurn = performance.now()
  }
}

function nameOf(engine: EngineConfiguration['engine']): string {
  return typeof engine === 'string' ? engine : engine.name
}

/** The message with its causes: abstract-level has the reason of a failed open in the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`
}
