/**
 * The bench of an example: it opens real stores in an environment where every run is the same (files in memory, a simulated clock,
 * seeded randomness), and records their events.
 *
 * Invariants:
 * 1. A run with the same seed gives the same items.
 * 2. The lab never pauses an engine: an operation runs to its end, and its events are read afterwards.
 */
import { builtInEngines, Kvarium } from 'kvarium'
import type { EngineFactory } from '../../src/engine/contract.js'
import { HEX_WIDTH } from '../../src/inspect/hex-line.js'
import { hexRows, inspectFile, type Span } from 'kvarium/inspect'
import { describe } from '../../src/observe/describe.js'
import { tee } from '../../src/observe/tee.js'
import type { EventOf, EventType, TraceEvent, TraceLevel } from '../../src/trace/events.js'
import { Trace, type TraceListener } from '../../src/trace/span.js'
import type { Environment } from '../../src/vfs/environment.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'
import { annotatedLine } from '../../packages/lab/src/replay/hex-line.js'
import type { CallItem, Item, Recording } from '../../packages/lab/src/replay/items.js'

/** Types of events, or their first words: `log` means `log.append`, `log.rotate` and so on. */
export type Shown = readonly (
  EventType | 'operation' | 'file' | 'log' | 'memtable' | 'job' | 'table' | 'compaction' | 'page' | 'space' | 'cache'
)[]

export interface LabStoreOptions {
  readonly engine?: string | EngineFactory
  readonly [engineOption: string]: unknown
  /** Names the store in items; unique among open stores. Default: the engine's name. */
  readonly name?: string
  /**
   * The trace level; default: every step, and the bytes of every write. `'nothing'` is for many operations of which only the sums
   * matter.
   */
  readonly level?: TraceLevel | 'nothing'
  /** Receives all events of the store, too. */
  readonly listener?: TraceListener
  /** Default: the lab's. */
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

  /** The environment of the stores: examples may read and change its files. */
  get environment(): Environment {
    return this.#environment
  }

  heading(text: string): void {
    this.#items.push({ kind: 'heading', text })
  }

  /** A paragraph; line breaks and indentation of the source are removed. */
  say(text: string): void {
    this.#items.push({ kind: 'say', text: unwrapped(text) })
  }

  /** Asks a question; `reveal` answers it once the engine has run. The stepper waits for a guess at a terminal. */
  predict(question: string): void {
    this.#question = unwrapped(question)
    this.#items.push({ kind: 'predict', question: this.#question })
  }

  /** Answers the last question, and gives the reason in a paragraph. */
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
   * Bytes of a file of the lab (or of another `environment`), each line with its meaning. `from` and `to` are offsets; default: the whole
   * file. Returns a function from a name to the bytes of all parts of that name.
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

  /** The parts of a file of the lab, in the order of the file. */
  async parts(path: string): Promise<readonly Span[]> {
    const inspection = await inspectFile(path, this.#environment)
    try {
      return [...inspection.parts()]
    } finally {
      inspection.close()
    }
  }

  /** Records a measured number under a name, for the guide, and returns it. */
  number<T extends number | string>(name: string, value: T): T {
    if (name in this.#numbers && this.#numbers[name] !== value)
      throw new Error(`The number "${name}" was recorded before, as ${this.#numbers[name]}`)
    this.#numbers[name] = value
    return value
  }

  /** Opens a store whose events are recorded. `location` is a directory in the lab's own file system. */
  async open(
    location: string,
    { name, engine = 'lsm', level = 'step', listener: other, environment = this.#environment, ...options }: LabStoreOptions = {},
    shown: Shown = [],
  ): Promise<LabStore> {
    const store = name ?? (typeof engine === 'string' ? engine : engine.name)
    if ([...this.#names].some(([other, taken]) => taken === store && other.status !== 'closed')) {
      throw new Error(`There is already an open store called "${store}": close it, or give this one a \`name\``)
    }
    const listener = (event: TraceEvent): void => {
      const isShown = this.#shown.some(type => event.type === type || event.type.startsWith(`${type}.`))
      this.#items.push({ kind: 'event', store, event, text: describe(event), shown: isShown })
    }
    const db = new Kvarium<string, string>(location, {
      // The examples show and count the bytes of blocks.
      compression: 'none',
      ...options,
      engine: builtInEngines.resolve(engine),
      environment,
      ...(level !== 'nothing' && {
        trace: new Trace({ level, payloads: level === 'step', listener: other === undefined ? listener : tee(listener, other) }),
      }),
    })
    this.#names.set(db, store)
    await this.do(db, `open ${location}`, () => db.open(), shown)
    return db
  }

  /** Opens a store of which only the sums matter: its events are not recorded. */
  async openUnwatched(location: string, options: Omit<LabStoreOptions, 'name' | 'level' | 'listener'> = {}): Promise<LabStore> {
    const db = new Kvarium<string, string>(location, { environment: this.#environment, compression: 'none', ...options })
    await db.open()
    return db
  }

  /**
   * Runs some work with a store, under a displayed name, and returns its result. The transcript has the events of the `shown`
   * types that the store emits meanwhile.
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

  /** The events of one type that the store of the last call has emitted since the call began. */
  events<Type extends EventType>(type: Type): EventOf<Type>[] {
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
