/** A tree whose background jobs wait or fail as a test says. */
import type { Engine } from '../../../src/engine/contract.js'
import { inlineExecutor, type ExecutorFactory } from '../../../src/lsm/compaction/executor.js'
import { JobCancelled } from '../../../src/lsm/compaction/job-cancelled.js'
import type { MergeJob } from '../../../src/lsm/compaction/merge-job.js'
import { portableEnvironment } from '../../../src/vfs/index.js'
import { HookedFileSystem } from './hooked-file-system.js'
import { emptyFileSystem, filler, openLsm, put } from './opened-lsm.js'

/** An executor that holds back some jobs until `release`, and makes some fail. */
export class Gate {
  holdsBack: (job: MergeJob) => boolean = () => false
  failure: (job: MergeJob) => Error | undefined = () => undefined

  readonly factory: ExecutorFactory = (environment, hash32) => {
    const inner = inlineExecutor(environment, hash32)
    return {
      remote: false,
      run: async job => {
        while (this.holdsBack(job)) {
          await aMoment()
          if (job.cancel !== undefined && Atomics.load(job.cancel, 0) !== 0) throw new JobCancelled('cancelled')
        }
        const failure = this.failure(job)
        if (failure !== undefined) throw failure
        return inner.run(job)
      },
    }
  }

  release(): void {
    this.holdsBack = () => false
  }
}

export const everyJob = (): boolean => true
export const compactions = (job: MergeJob): boolean => job.memtable === undefined

export function aMoment(ms = 1): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

export async function within<T>(promise: Promise<T>, what: string, ms = 5000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} hangs`)), ms)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Real time: nothing may depend on turns that only the test takes. */
export async function openGated(
  gate: Gate,
  options: Readonly<Record<string, unknown>> = {},
): Promise<{ engine: Engine; hooked: HookedFileSystem }> {
  const hooked = new HookedFileSystem(emptyFileSystem())
  const environment = portableEnvironment({ seed: 1, fileSystem: hooked })
  const engine = await openLsm({ environment, created: true, executor: gate.factory, options })
  return { engine, hooked }
}

/** Writes until a writer has to wait; returns the keys written so far and the promise of that writer. */
export function writeUntilStalled(engine: Engine, from = 0): { written: number; stalled: Promise<void> } {
  for (let i = from; i < from + 5000; i++) {
    const result = put(engine, `k${String(i).padStart(5, '0')}`, filler(1000, i))
    if (result !== undefined) return { written: i + 1, stalled: result }
  }
  throw new Error('No writer had to wait')
}

/** Every flush overlaps every other, so that no table can just be moved. */
export function scattered(i: number): string {
  return `k${String((i * 7919) % 10_007).padStart(5, '0')}`
}

/** Flushes go on, compactions wait: level 0 fills up until writers have to wait for it. */
export async function fillLevel0(engine: Engine): Promise<{ written: number; stalled: Promise<void> }> {
  let stalled: Promise<void> | undefined
  let written = 0
  while (stalled === undefined) {
    const result = put(engine, scattered(written), filler(1000, written))
    written++
    if (result === undefined) continue
    // Gives the flushes time: a writer that still waits after that waits for level 0.
    const outcome = await Promise.race([result.then(() => 'served'), aMoment(50).then(() => 'waits')])
    if (outcome === 'waits') stalled = result
  }
  return { written, stalled }
}

export function tableCount(engine: Engine): number {
  return engine.shape().levels!.reduce((sum, level) => sum + level.tables, 0)
}
