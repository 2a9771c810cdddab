import type { LogSet } from '../../engine/durable/log-set.js'
import { withSpan, type Span } from '../../trace/span.js'

/** The directory's side of a log. */
export interface LogNames {
  /** Removes a file that a failed attempt may have left under the name of a new log. */
  clear(number: number): void
  makeDurable(): Promise<void>
}

/** The log that is being written. */
export class CurrentLog {
  number: number
  readonly #names: LogNames
  /** Resolves when the header is durable; `undefined` once header and name are. */
  #header: Promise<void> | undefined

  constructor(number: number, names: LogNames) {
    this.number = number
    this.#names = names
  }

  /** Begins the first log. */
  begin(logs: LogSet): void {
    this.#names.clear(this.number)
    logs.begin(this.number)
  }

  /** Resolves when a power loss leaves every log its name. */
  syncNames(): Promise<void> {
    return this.#names.makeDurable()
  }

  /** Continues in a new log. Numbers have no gaps: a number is used only once its log exists. */
  rotate(logs: LogSet): void {
    const number = this.number + 1
    this.#names.clear(number)
    logs.start(number, span => this.makeDurable(span))
    this.number = number
    this.#header = logs.headerDurable(number)
    // `makeDurable` and every later write get the failure.
    this.#header.catch(() => undefined)
  }

  /** Resolves when a power loss leaves the log its name and its header. */
  async makeDurable(span: Span | null): Promise<void> {
    const header = this.#header
    if (header === undefined) return
    await header
    await withSpan(span, () => this.#names.makeDurable())
    if (header === this.#header) this.#header = undefined
  }
}
