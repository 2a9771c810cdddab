/** Measures turns of the event loop: the time from one `setImmediate` to the next. It keeps the loop busy. */
export class TurnMonitor {
  readonly #turns: number[] = []
  #last = performance.now()
  #isStopped = false
  readonly #ended: Promise<void>

  constructor() {
    this.#ended = new Promise(resolve => {
      const turn = (): void => {
        const now = performance.now()
        this.#turns.push(now - this.#last)
        this.#last = now
        if (this.#isStopped) resolve()
        else setImmediate(turn)
      }
      setImmediate(turn)
    })
  }

  /** Ends after the turn under way. */
  async stop(): Promise<{ readonly longestMs: number; readonly p999Ms: number }> {
    this.#isStopped = true
    await this.#ended
    const sorted = this.#turns.sort((a, b) => a - b)
    return { longestMs: sorted.at(-1) ?? 0, p999Ms: sorted[Math.floor(sorted.length * 0.999)] ?? 0 }
  }
}
