/**
 * The bench that an example works on: it opens real stores in a world where every run is the same (files in memory, a simulated
 * clock, seeded chance), and writes down what they tell.
 *
 * Invariants:
 * 1. A run with the same seed gives the same items.
 * 2. The engine is never held up: an operation runs to its end, and is looked at afterwards.
 */
import { Kvarium } from 'kvarium'
import type { EngineFactory } from '../../src/engine/contract.js'
import { HEX_WIDTH } from '../../src/inspect/hex-line.js'
import { hexRows, inspectFile, type Span } from 'kvarium/inspect'
import { describe } from '../../src/observe/describe.js'
import { tee } from '../../src/observe/tee.js'
import type { EventOf, EventType, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace, type TraceListener } from '../../src/trace/trace.js'
import type { Environment } from '../../src/vfs/environment.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'
import { annotatedLine } from './hex-line.js'
import type { CallItem, Item, Recording } from './items.js'

/** Types of events, or their first words: `log` stands for `log.append`, `log.rotate` and so on. */
export type Shown = readonly (
  EventType | 'operation' | 'file' | 'log' | 'memtable' | 'job' | 'table' | 'compaction' | 'page' | 'space' | 'cache'
)[]

export interface LabStoreOptions {
  readonly engine?: string | EngineFactory
  readonly [engineOption: string]: unknown
  /** Of the store in items, and of no other that is open; default: the engine's. */
  readonly name?: string
  /**
   * How much the store tells; default: every step, and the bytes of every write. `'nothing'` is for the many operations of which only
   * the sums are looked at.
   */
  readonly level?: TraceLevel | 'nothing'
  /** Hears all that the store tells, too. */
  readonly listener?: TraceListener
  /** The world that the store lives in; default: the lab's. */
  readonly environment?: Environment
}

export type LabStore = Kvarium<string, string>

/** What an example file exports. */
export interface Example {
  /** One sentence with a question mark. */
  readonly question: string
  run(lab: Lab): Promise<void>
}

export class Lab {
  readonly #items: Item[] = []
  readonly #numbers: Record<string, number | string> = {}
  readonly #names = new Map<LabStore, string>()
  readonly #environment: Environment
  #shown: Shown = []
  #calls = 0
  #question: string | undefined

  constructor(seed = 1) {
    this.#environment = simulatedEnvironment({ seed })
  }

  /** The world that the stores live in: its file system can be looked at and its files changed. */
  get environment(): Environment {
    return this.#environment
  }

  heading(text: string): void {
    this.#items.push({ kind: 'heading', text })
  }

  /** A paragraph; line breaks and indentation of the source do not show. */
  say(text: string): void {
    this.#items.push({ kind: 'say', text: unwrapped(text) })
  }

  /** Asks; the answer follows by `reveal`, when the engine has given it. Someone at a terminal is waited for. */
  predict(question: string): void {
    this.#question = unwrapped(question)
    this.#items.push({ kind: 'predict', question: this.#question })
  }

  /** Answers the question that was asked last, and says why it is so, in a paragraph. */
  reveal(answer: string | number, because: string): void {
    if (this.#question === undefined) throw new Error('There is no question to answer')
    this.#items.push({ kind: 'reveal', question: this.#question, answer: String(answer), because: unwrapped(because) })
    this.#question = undefined
  }

  table(title: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    this.#items.push({ kind: 'table', title, head, rows })
  }

  lines(title: string, lines: readonly string[]): void {
    this.#items.push({ kind: 'lines', title, lines })
  }

  /**
   * Bytes of a file of the lab (or of another `environment`), each line with what it is. `from` and `to` are offsets; default: the whole
   * file. Returns how many bytes the parts of a name take, all of them together.
   */
  async hex(
    title: string,
    path: string,
    {
      from = 0,
      to = Infinity,
      environment = this.#environment,
    }: { readonly from?: number; readonly to?: number; readonly environment?: Environment } = {},
  ): Promise<(name: string) => number> {
    const inspection = await inspectFile(path, environment)
    try {
      const read = (offset: number, length: number): Uint8Array => inspection.read(offset, length)
      const parts = [...inspection.parts()]
      const rows = parts.flatMap(part => [...hexRows(part, read, { width: HEX_WIDTH, rows: 4 })])
      const within = ({ offset }: { readonly offset: number }): boolean => offset >= from && offset < to
      this.lines(title, rows.filter(within).map(annotatedLine))
      const spans = parts.flatMap(withAllBelow).filter(within)
      return name => spans.filter(span => span.name === name).reduce((sum, { length }) => sum + length, 0)
    } finally {
      inspection.close()
    }
  }

  /** What a file of the lab is made of, in the order of the file. */
  async parts(path: string): Promise<readonly Span[]> {
    const inspection = await inspectFile(path, this.#environment)
    try {
      return [...inspection.parts()]
    } finally {
      inspection.close()
    }
  }

  /** Notes a measured number under a name, for the guide, and returns it. */
  number<T extends number | string>(name: string, value: T): T {
    if (name in this.#numbers && this.#numbers[name] !== value)
      throw new Error(`The number "${name}" was noted before, as ${this.#numbers[name]}`)
    this.#numbers[name] = value
    return value
  }

  /** A store that is watched, opened. `location` is a directory in the lab's own file system. */
  async open(
    location: string,
    { name, engine = 'lsm', level = 'step', listener: other, environment = this.#environment, ...options }: LabStoreOptions = {},
    shown: Shown = [],
  ): Promise<LabStore> {
    const store = name ?? (typeof engine === 'string' ? engine : engine.name)
    if ([...this.#names].some(([other, taken]) => taken === store && other.status !== 'closed')) {
      throw new Error(`There is an open store called "${store}" already: close it, or give this one a \`name\``)
    }
    const listener = (event: TraceEvent): void => {
      const isShown = this.#shown.some(type => event.type === type || event.type.startsWith(`${type}.`))
      this.#items.push({ kind: 'event', store, event, text: describe(event), shown: isShown })
    }
    const db = new Kvarium<string, string>(location, {
      ...options,
      engine,
      environment,
      ...(level !== 'nothing' && {
        trace: new Trace({ level, payloads: level === 'step', listener: other === undefined ? listener : tee(listener, other) }),
      }),
    })
    this.#names.set(db, store)
    await this.do(db, `open ${location}`, () => db.open(), shown)
    return db
  }

  /** A store of which only the sums are looked at, opened: nothing that it does is written down. */
  async openUnwatched(location: string, options: Omit<LabStoreOptions, 'name' | 'level' | 'listener'> = {}): Promise<LabStore> {
    const db = new Kvarium<string, string>(location, { environment: this.#environment, ...options })
    await db.open()
    return db
  }

  /**
   * Does something with a store, under a name that is shown, and returns what it returns. Of what the store tells meanwhile,
   * the transcript has the `shown` types.
   */
  async do<T>(db: LabStore, text: string, work: () => T | Promise<T>, shown: Shown = [], result?: (value: T) => string): Promise<T> {
    const store = this.#names.get(db)!
    const call = ++this.#calls
    this.#items.push({ kind: 'call', call, store, text })
    this.#shown = shown
    try {
      const value = await work()
      this.#items.push({ kind: 'return', call, store, text: result === undefined ? '' : result(value) })
      return value
    } finally {
      this.#shown = []
    }
  }

  /** What the store of the last call has told since that began, of one type. */
  told<Type extends EventType>(type: Type): EventOf<Type>[] {
    const since = this.#items.findLastIndex(({ kind }) => kind === 'call')
    const { store } = this.#items[since] as CallItem
    return this.#items
      .slice(since)
      .flatMap(item => (item.kind === 'event' && item.store === store && isOfType(item.event, type) ? [item.event] : []))
  }

  recording(number: number, name: string, question: string): Recording {
    return { number, name, question, items: this.#items, numbers: this.#numbers }
  }
}

export function isOfType<Type extends EventType>(event: TraceEvent, type: Type): event is TraceEvent & EventOf<Type> {
  return event.type === type
}

function unwrapped(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}

function withAllBelow(span: Span): Span[] {
  return [span, ...(span.children ?? []).flatMap(withAllBelow)]
}

/** Runs an example from its beginning. */
export async function record(number: number, name: string, { question, run }: Example): Promise<Recording> {
  const lab = new Lab()
  await run(lab)
  return lab.recording(number, name, question)
}
