import { MisuseError } from '../errors.js'

/** Keeps the calls of an engine that last longer than a turn of the event loop, so that its close can wait for them. */
export class CallTracker {
  readonly #underWay = new Set<Promise<unknown>>()
  #isClosing = false

  /** @throws MisuseError (`LEVEL_DATABASE_NOT_OPEN`) once the close has begun. */
  requireOpen(): void {
    if (this.#isClosing) throw new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine is closed; open it again')
  }

  /** Runs a call, unless the close has begun. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.requireOpen()
    const work = call()
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  /** Each step of an iteration is a call: a step under way finishes, and later ones are refused. */
  iterate<T>(source: AsyncIterable<T>): AsyncIterable<T> {
    this.requireOpen()
    return this.#steps(source[Symbol.asyncIterator]())
  }

  /** Refuses calls from now on, and resolves when those under way have ended, well or badly. */
  async close(): Promise<void> {
    this.#isClosing = true
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  async *#steps<T>(steps: AsyncIterator<T>): AsyncGenerator<T> {
    try {
      for (;;) {
        const step = await this.run(() => steps.next())
        if (step.done === true) return
        yield step.value
      }
    } finally {
      await steps.return?.()
    }
  }
}
