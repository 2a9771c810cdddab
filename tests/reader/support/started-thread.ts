import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import type { ReaderHandle } from '../../../src/reader/index.js'
import { bundledProgram } from '../../support/bundled-program.js'
import type { Answer, Command } from './reader-thread.js'

/** A thread of its own for readers, ended with the test. */
export class ReaderThread {
  readonly worker = new Worker(bundledProgram(join(import.meta.dirname, 'reader-thread.ts')))

  constructor() {
    onTestFinished(async () => void (await this.worker.terminate()))
  }

  async ask(command: Command): Promise<Answer> {
    const answered = once(this.worker, 'message') as Promise<[Answer]>
    this.worker.postMessage(command, command.do === 'open' ? [command.handle.port] : [])
    return (await answered)[0]
  }

  open(handle: ReaderHandle, cacheSize = 0): Promise<Answer> {
    return this.ask({ do: 'open', handle, cacheSize })
  }
}
