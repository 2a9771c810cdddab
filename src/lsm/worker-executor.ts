/**
 * Runs merge jobs in one worker thread that all stores of the process share. It starts with the first job and does not keep
 * the process alive. A store whose file system is not Node's own (in memory, simulated) gets the inline executor: its files
 * do not exist in another thread.
 */
import { Worker } from 'node:worker_threads'
import { KvariumError } from '../errors.js'
import type { JobTracer } from '../trace/trace.js'
import type { FileSystem } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import { NodeFileSystem } from '../vfs/node-file-system.js'
import { TracedFileSystem } from '../vfs/traced-file-system.js'
import { inlineExecutor, type ExecutorFactory, type JobExecutor } from './executor.js'
import type { MergeJob, MergeResult } from './merge-job.js'
import { restoreFailure, type JobMessage, type ReplyMessage } from './worker-protocol.js'

export const workerExecutor: ExecutorFactory = (environment, hash32) => {
  return isNodes(environment.fileSystem) ? sharedWorker : inlineExecutor(environment, hash32)
}

/** Whether a file system is Node's own, perhaps under others that only watch it. */
function isNodes(fileSystem: FileSystem): boolean {
  if (fileSystem instanceof TracedFileSystem || fileSystem instanceof MeteredFileSystem) return isNodes(fileSystem.inner)
  return fileSystem instanceof NodeFileSystem
}

interface Waiting {
  readonly trace: JobTracer | null
  readonly resolve: (result: MergeResult) => void
  readonly reject: (error: Error) => void
}

class WorkerExecutor implements JobExecutor {
  readonly remote = true
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #lastId = 0

  run(job: MergeJob, trace: JobTracer | null = null): Promise<MergeResult> {
    const worker = (this.#worker ??= this.#start())
    const id = ++this.#lastId
    const record = trace === null ? {} : { record: { level: trace.trace.level, payloads: trace.trace.payloads, kind: trace.kind } }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { trace, resolve, reject })
      // Only a job under way keeps the process alive.
      worker.ref()
      worker.postMessage({ id, job, ...record } satisfies JobMessage)
    })
  }

  #start(): Worker {
    const worker = startThread()
    worker.unref()
    worker.on('message', (reply: ReplyMessage) => this.#settle(reply))
    worker.on('error', error => this.#failAll(worker, error))
    worker.on('exit', code => this.#failAll(worker, new Error(`it ended with exit code ${code}`)))
    return worker
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0) this.#worker?.unref()
    if (waiting === undefined) return
    const { trace, resolve, reject } = waiting
    if (reply.record !== undefined && trace !== null) trace.trace.absorb(reply.record.events, trace)
    if ('result' in reply) resolve({ ...reply.result, ...(reply.record && { untold: reply.record.untold }) })
    else reject(restoreFailure(reply.failure))
  }

  /** The thread is gone: the next job starts another. */
  #failAll(worker: Worker, cause: unknown): void {
    // An error comes before its exit, and jobs of a new thread may have begun between the two.
    if (worker !== this.#worker) return
    this.#worker = undefined
    const reason = cause instanceof Error ? cause.message : String(cause)
    for (const { reject } of this.#waiting.values())
      reject(new KvariumError('LEVEL_WORKER_FAILED', `The compaction worker failed: ${reason}`, { cause }))
    this.#waiting.clear()
  }
}

function startThread(): Worker {
  // Merging makes only garbage that dies at once: room for more of it would be memory for nothing.
  const settings = { name: 'kvarium compaction', resourceLimits: { maxYoungGenerationSizeMb: 8 } }
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./compaction-worker.js', import.meta.url), settings)
  // In a source checkout (tests, tsx) a new thread has to be taught TypeScript first.
  const url = JSON.stringify(new URL('./compaction-worker.ts', import.meta.url))
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${url}) })`, { ...settings, eval: true })
}

const sharedWorker = new WorkerExecutor()
