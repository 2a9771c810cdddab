/**
 * Runs the workloads on the engines, interleaved: in every round each workload visits the engines one after another, and each round begins
 * with another engine. Every visit has its own process and directory, which are removed at its end, even after a failure.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LoadOfOthers } from '../../packages/lab/src/compare/process-counters.js'
import type { Program } from '../program.js'
import type { Workload } from '../../packages/lab/src/workloads/workload.js'
import type { Line, StoreTask, Task } from './child.js'
import { scaledOptions, type Engine } from './engines.js'
import type { Options } from './options.js'
import type { Reference } from './reference.js'
import type { RoundOutcome } from './round.js'

const WARM_UP_ENTRIES = 2000
const MOST_ERROR_TEXT = 4000
/** A million durable commits take minutes; what takes an hour hangs. */
const CHILD_TIMEOUT_MS = 60 * 60_000

export interface Visit {
  readonly workload: Workload
  readonly engine: Engine
  readonly round: number
}

export interface VisitResult extends Visit {
  readonly outcome?: RoundOutcome
  readonly error?: string
  /** Cores that other processes kept busy meanwhile. */
  readonly othersCores: number
}

export interface WorkloadResult {
  readonly workload: Workload
  readonly reference: Reference
  readonly visits: readonly VisitResult[]
}

export interface RunnerParts {
  readonly options: Options
  readonly root: string
  /** The directory for stores; the caller removes it at the end. */
  readonly directory: string
  readonly program: Program
  readonly onProgress?: (visit: Visit, phase: string, share: number) => void
  readonly onVisit: (result: VisitResult) => void
}

export class Runner {
  readonly #parts: RunnerParts
  #running: ChildProcess | undefined
  #stopped = false

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  async run(): Promise<WorkloadResult[]> {
    const { workloads, engines, rounds } = this.#parts.options
    const visits: VisitResult[] = []
    for (let round = 0; round < rounds; round++) {
      for (const workload of workloads) {
        for (const engine of rotated(engines, round)) {
          if (this.#stopped) return []
          const result = await this.#visit({ workload, engine, round })
          visits.push(result)
          this.#parts.onVisit(result)
        }
      }
    }
    const results: WorkloadResult[] = []
    for (const workload of workloads) {
      if (this.#stopped) return []
      const line = await this.#spawn({ ...this.#task(workload) })
      if (!('reference' in line)) throw new Error('a reference is missing')
      results.push({ workload, reference: line.reference, visits: visits.filter(visit => visit.workload === workload) })
    }
    return results
  }

  /** Stops the running process, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    const running = this.#running
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise(resolve => running.once('close', resolve))
    running.kill('SIGKILL')
    await ended
  }

  async #visit(visit: Visit): Promise<VisitResult> {
    const directory = mkdtempSync(join(this.#parts.directory, `${visit.engine.name}-`))
    const load = new LoadOfOthers()
    try {
      const line = await this.#spawn(this.#task(visit.workload, { engine: visit.engine, directory }), (phase, share) =>
        this.#parts.onProgress?.(visit, phase, share),
      )
      if (!('outcome' in line)) throw new Error('it ended without a result')
      return { ...visit, outcome: line.outcome, othersCores: load.cores(line.outcome.cpuMs) ?? NaN }
    } catch (error) {
      return { ...visit, error: (error as Error).message, othersCores: NaN }
    } finally {
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  #task(workload: Workload, on?: { readonly engine: Engine; readonly directory: string }): Task {
    const { options, root, program, onProgress } = this.#parts
    const { plan } = workload
    const { size } = options
    const { entries, operations } = size
    const warmUpSize = { ...size, entries: Math.min(entries, WARM_UP_ENTRIES), operations: Math.min(operations, WARM_UP_ENTRIES) }
    const task = { workload: options.files.get(workload) ?? workload.name, size, warmUpSize }
    if (on === undefined) return task
    const { engine, directory } = on
    const { cacheBytes = options.cacheBytes } = plan(size)
    const store: StoreTask = {
      name: engine.store,
      durable: engine.durable,
      isKvarium: engine.isKvarium,
      root,
      dist: program.dist,
      directory,
      cacheBytes,
      options: engineOptions(options, engine, plan(size)),
      showsProgress: onProgress !== undefined,
    }
    return { ...task, store }
  }

  #spawn(task: Task, onProgress: (phase: string, share: number) => void = () => undefined): Promise<Line> {
    const child = spawn(process.execPath, [this.#parts.program.child, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: CHILD_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    this.#running = child
    let last: Line | undefined
    let errors = ''
    child.stderr.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-MOST_ERROR_TEXT)
    })
    createInterface({ input: child.stdout }).on('line', text => {
      last = JSON.parse(text) as Line
      if ('phase' in last) onProgress(last.phase, last.share)
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code === 0 && last !== undefined) resolve(last)
        else reject(new Error(firstLine(errors) ?? `it ended with ${signal ?? `code ${code}`}`))
      })
    })
  }
}

/** The options of an engine besides encodings and cache. */
export function engineOptions(
  { isScaled, set }: Options,
  engine: Engine,
  { entries, keyBytes, valueBytes }: ReturnType<Workload['plan']>,
): Readonly<Record<string, unknown>> {
  return { ...(isScaled ? scaledOptions(engine, entries * (keyBytes + valueBytes)) : {}), ...set[engine.name] }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}

function firstLine(errors: string): string | undefined {
  const lines = errors.split('\n').filter(line => line.trim() !== '')
  return lines.find(line => /^\w*Error/.test(line)) ?? lines.at(-1)
}
