/**
 * Runs merge jobs in one worker thread that all stores of the process share. It starts with the first job and does not keep
 * the process alive. A store whose files do not exist in another thread (in memory, simulated) gets the inline executor. Where no
 * thread can be started, jobs run inline, too: correct, but slower for users, so the process gets one warning.
 */
import type { Worker } from 'node:worker_threads'
import { KvariumError } from '../../../errors.js'
import type { Span } from '../../../trace/span.js'
import { SpareHandles } from '../../../vfs/spare-handles.js'
import { isOutOfDescriptors } from '../../../vfs/vfs-error.js'
import { inlineExecutor, type ExecutorFactory, type JobExecutor } from '../executor.js'
import type { MergeJob, MergeResult } from '../merge-job.js'
import { restoreFailure, type JobMessage, type ReadyMessage, type ReplyMessage } from './worker-protocol.js'
import type * as Threads from './worker-thread.js'

export const workerExecutor: ExecutorFactory = (environment, hash32) => {
  const inline = inlineExecutor(environment, hash32)
  const { fileSystem } = environment
  if (fileSystem.isSharedByThreads !== true) return inline
  // Now, while a store opens: with the first job there may be no descriptor for it.
  loadThreads().catch(() => undefined)
  return new WorkerOrInline(inline, fileSystem.spareHandles ?? new SpareHandles())
}

let threads: Promise<typeof Threads> | undefined

/** Node's threads, which a program that opens no such store does not load. */
function loadThreads(): Promise<typeof Threads> {
  return (threads ??= import('./worker-thread.js'))
}

interface Waiting {
  readonly span: Span | null
  readonly resolve: (result: MergeResult) => void
  readonly reject: (error: Error) => void
}

/** No thread has come to take the job: nothing of it has been done. */
class NoWorkerError extends KvariumError {}

/** What a thread needs to start, or a job to run. */
const DESCRIPTORS_FOR_A_JOB = 12
const MOST_LOANS = 3

/** The shared worker for one store, and inline from the first time on that it cannot be started. */
class WorkerOrInline implements JobExecutor {
  readonly #inline: JobExecutor
  /** Files that this thread holds open. */
  readonly #spare: SpareHandles
  #hasWorker = true

  constructor(inline: JobExecutor, spare: SpareHandles) {
    this.#inline = inline
    this.#spare = spare
  }

  get remote(): boolean {
    return this.#hasWorker
  }

  async run(job: MergeJob, span: Span | null = null): Promise<MergeResult> {
    if (this.#hasWorker) {
      try {
        return await this.#runInWorker(job, span)
      } catch (error) {
        if (!(error instanceof NoWorkerError)) throw error
        this.#hasWorker = false
        warnOnce(error)
      }
    }
    return this.#inline.run(job, span)
  }

  /**
   * An open in the worker cannot wait for this thread to close a file: when the worker lacks descriptors, the whole job starts over with
   * fewer files open here, until it has ended.
   */
  async #runInWorker(job: MergeJob, span: Span | null): Promise<MergeResult> {
    const loans: (() => void)[] = []
    try {
      for (;;) {
        try {
          return await sharedWorker.run(job, span)
        } catch (error) {
          const giveBack = isOutOfDescriptors(error) && loans.length < MOST_LOANS ? this.#spare.lend(DESCRIPTORS_FOR_A_JOB) : undefined
          if (giveBack === undefined) throw error
          loans.push(giveBack)
        }
      }
    } finally {
      for (const giveBack of loans) giveBack()
    }
  }
}

let hasWarned = false

/** Applications that were bundled without the worker's file are the usual reason, and their authors can mend it. */
function warnOnce(error: NoWorkerError): void {
  if (hasWarned) return
  hasWarned = true
  process.emitWarning(`${error.message}. Flushes and compactions run on the main thread.`, {
    type: 'KvariumWarning',
    code: 'KVARIUM_NO_WORKER',
    detail: 'A bundled application needs the file kvarium/compaction-worker beside it, see docs/bundlers.md of kvarium.',
  })
}

class SharedWorker {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #isReady = false
  #lastId = 0

  async run(job: MergeJob, span: Span | null): Promise<MergeResult> {
    const startThread = await startOfThreads()
    const worker = (this.#worker ??= this.#start(startThread))
    const id = ++this.#lastId
    const record = span === null ? {} : { record: { level: span.trace.level, payloads: span.trace.payloads, kind: span.kind } }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { span, resolve, reject })
      // Only a job under way keeps the process alive.
      worker.ref()
      worker.postMessage({ id, job, ...record } satisfies JobMessage)
    })
  }

  #start(startThread: () => Worker): Worker {
    this.#isReady = false
    const worker = started(startThread)
    worker.unref()
    worker.on('message', (message: ReadyMessage | ReplyMessage) => {
      if ('ready' in message) this.#isReady = true
      else this.#settle(message)
    })
    worker.on('error', error => this.#failAll(worker, error))
    worker.on('exit', code => this.#failAll(worker, new Error(`it ended with exit code ${code}`)))
    return worker
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0) this.#worker?.unref()
    if (waiting === undefined) return
    const { span, resolve, reject } = waiting
    if (reply.record !== undefined) span?.absorb(reply.record.events)
    // Below level io there are no events of files to count.
    if ('result' in reply && span?.at('io') === null) span.count(reply.result.io.total.bytesRead, reply.result.io.total.bytesWritten)
    if ('result' in reply) resolve({ ...reply.result, ...(reply.record && { notRecorded: reply.record.notRecorded }) })
    else reject(restoreFailure(reply.failure))
  }

  /** The thread is gone: the next job starts another. */
  #failAll(worker: Worker, cause: unknown): void {
    // An error comes before its exit, and jobs of a new thread may have begun between the two.
    if (worker !== this.#worker) return
    this.#worker = undefined
    const failure = this.#isReady ? KvariumError : NoWorkerError
    for (const { reject } of this.#waiting.values()) {
      reject(new failure('LEVEL_WORKER_FAILED', `The compaction worker failed: ${reasonOf(cause)}`, { cause }))
    }
    this.#waiting.clear()
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** @throws NoWorkerError where the process may not start threads. */
async function startOfThreads(): Promise<() => Worker> {
  try {
    return (await loadThreads()).startThread
  } catch (cause) {
    throw cannotStart(cause)
  }
}

function started(startThread: () => Worker): Worker {
  try {
    return startThread()
  } catch (cause) {
    throw cannotStart(cause)
  }
}

function cannotStart(cause: unknown): NoWorkerError {
  return new NoWorkerError('LEVEL_WORKER_FAILED', `The compaction worker cannot be started: ${reasonOf(cause)}`, { cause })
}

const sharedWorker = new SharedWorker()
