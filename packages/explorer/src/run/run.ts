/**
 * A run: the same operations in one to three lanes, and everything that happened in them, in order.
 *
 * Invariants:
 * 1. Moments are only ever added at the end. A position is a number of moments: at position n the first n have happened.
 * 2. An operation runs in the first lane to its end, then in the next: its moments are `call`, events, `return`, lane by lane.
 *    A run of what others did keeps only the newest moments: `first` moments before those in `moments` are gone.
 * 3. Events of a lane are numbered from 1 without a gap, also over a reopening, where the trace of the store begins anew.
 */
import { isVisible, quotedText, shortText } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { MemoryFileSystem } from 'kvarium/vfs'
import { ExplorerError } from './explorer-error.js'
import type { LoadCities } from './generate.js'
import { quotedName } from './names.js'
import { countOf, expand, firstOf, type Line } from './line.js'
import { Lane } from './lane.js'
import { LONGEST_NAME, MOST_LANES, type LaneSettings, type RunSettings } from './settings.js'
import type { Crash, CrashImage, Operation, Outcome } from './operation.js'

export type Moment =
  /** An operation begins in a lane; `operation` is its index, -1 for the opening. */
  | { readonly kind: 'call'; readonly lane: number; readonly operation: number }
  | { readonly kind: 'event'; readonly lane: number; readonly event: TraceEvent }
  | { readonly kind: 'return'; readonly lane: number; readonly operation: number; readonly outcome: Outcome }

/** Files that a lane finds at a position, in place of those that it had. */
export interface Found {
  readonly lane: number
  /** The lane's next event from there on is the first on these files. */
  readonly position: number
  /** Not to be changed. */
  readonly fileSystem: MemoryFileSystem
}

/** What a moment takes in memory, in bytes, with what is folded from it; without the bytes of a write that it holds. */
const MOMENT_BYTES = 340
/** What the moments of a run may take in memory, in bytes. */
export const MOST_BYTES = 300 * 1024 * 1024

export class Run {
  readonly settings: RunSettings
  readonly moments: Moment[] = []
  #first = 0
  /** The operations so far, generators expanded. */
  readonly operations: Operation[] = []
  /** Position of the first moment of each operation. */
  readonly starts: number[] = []
  /** In the order of the positions. */
  readonly found: Found[] = []
  readonly #lanes: Lane[]
  /** By lane: the number of its events, and how many of them came before the present lane in its place. */
  readonly #sequences: number[]
  readonly #earlier: number[]
  /** The lines, as they were added; one that was ended early stands for the operations before the end. */
  readonly lines: Line[] = []
  /** Index of the first operation of each line. */
  readonly #lineStarts: number[] = []
  readonly #loadCities: LoadCities
  #isRecorded = false
  readonly #mostBytes: number
  /** Bytes of writes in the moments. */
  #writtenBytes = 0

  private constructor(settings: RunSettings, loadCities: LoadCities, base: MemoryFileSystem | undefined, mostBytes = MOST_BYTES) {
    this.#loadCities = loadCities
    this.#mostBytes = mostBytes
    if (settings.lanes.length < 1 || settings.lanes.length > MOST_LANES) {
      throw new ExplorerError('KVARIUM_INVALID_LANES', `A run has one to ${MOST_LANES} lanes, not ${settings.lanes.length}`)
    }
    const names = settings.lanes.map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) < index)
    if (twice !== undefined)
      throw new ExplorerError('KVARIUM_INVALID_LANES', `Two lanes of the run have the name ${quotedText(twice)}: give each lane its own`)
    const unfit = names.find(name => name === '' || name.length > LONGEST_NAME || !isVisible(name))
    if (unfit !== undefined) {
      throw new ExplorerError(
        'KVARIUM_INVALID_LANES',
        `${shortText(quotedText(unfit), LONGEST_NAME)} is no name of a lane: give it 1 to ${LONGEST_NAME} characters, each of which can be seen`,
      )
    }
    this.settings = settings
    this.#sequences = settings.lanes.map(() => 0)
    this.#earlier = settings.lanes.map(() => 0)
    if (base !== undefined) this.found.push(...settings.lanes.map((_, lane) => ({ lane, position: 0, fileSystem: base })))
    this.#lanes = settings.lanes.map((lane, index) => new Lane(lane, settings.seed, event => this.#record(index, event), base))
  }

  /**
   * Opens all lanes. Where a store does not open, the moment of its return says why.
   * @param base - The files that each lane begins with, if they are not new; they stay as they are.
   * @param mostBytes - What its moments may take in memory.
   */
  static async open(
    settings: RunSettings,
    loadCities: LoadCities = noCities,
    base?: MemoryFileSystem,
    mostBytes = MOST_BYTES,
  ): Promise<Run> {
    const run = new Run(settings, loadCities, base, mostBytes)
    for (const [index, lane] of run.#lanes.entries()) {
      run.moments.push({ kind: 'call', lane: index, operation: -1 })
      run.moments.push({ kind: 'return', lane: index, operation: -1, outcome: await lane.open() })
    }
    return run
  }

  /**
   * A run of one lane that is what a recording says, from its first event to its last. It has no store, so it takes no operations.
   * @param events - Those of one store.
   */
  static recorded(events: readonly TraceEvent[]): Run {
    const opening = events.find(event => event.type === 'engine.open')
    const engine = opening?.engine ?? ''
    const run = Run.live([{ name: `recording${engine && ` of ${engine}`}`, engine }])
    for (const event of events) run.record(0, event)
    return run
  }

  /** A run of what stores elsewhere do, as they say it by `record`. It takes no operations. */
  static live(lanes: readonly Pick<LaneSettings, 'name' | 'engine'>[]): Run {
    const run = new Run({ seed: 1, lanes: lanes.map(({ name, engine }) => ({ name, engine, options: {} })) }, noCities, undefined)
    run.#isRecorded = true
    return run
  }

  /** Whether it is a recording. */
  get isRecorded(): boolean {
    return this.#isRecorded
  }

  /** Whether its moments take as much memory as they may: it takes no more operations. */
  get isFull(): boolean {
    return this.bytes >= this.#mostBytes
  }

  /** What its moments take in memory, in bytes, roughly. */
  get bytes(): number {
    return this.moments.length * MOMENT_BYTES + this.#writtenBytes
  }

  /**
   * Performs the operations of a line in all lanes, as far as there is memory for their moments. `between` is called after each operation, and
   * ends the line early by `false`.
   * @returns Whether it had memory for the whole line.
   */
  async add(line: Line, between: (done: number, of: number) => boolean = () => true): Promise<boolean> {
    this.#assertLive()
    if (this.isFull) return false
    const operations = (await expand(line, this.#loadCities))[Symbol.iterator]()
    const count = countOf(line)
    this.lines.push(line)
    this.#lineStarts.push(this.operations.length)
    let next = operations.next()
    for (let done = 1; next.done !== true; done++) {
      const operation = next.value
      const index = this.operations.length
      this.operations.push(operation)
      this.starts.push(this.moments.length)
      if (operation.type === 'crash') await this.#crash(operation, index)
      else {
        for (const [number, lane] of this.#lanes.entries()) {
          this.moments.push({ kind: 'call', lane: number, operation: index })
          const outcome = await lane.execute(operation)
          this.moments.push({ kind: 'return', lane: number, operation: index, outcome })
        }
      }
      const goesOn = between(done, Math.max(done, count))
      next = operations.next()
      if (next.done === true || (goesOn && !this.isFull)) continue
      this.lines[this.lines.length - 1] = firstOf(line, done)
      return !goesOn
    }
    return true
  }

  /** The lines that make the first `count` operations. */
  linesOf(count: number): readonly Line[] {
    return this.lines.flatMap((line, index) => {
      const start = this.#lineStarts[index]
      if (start >= count) return []
      const end = this.#lineStarts[index + 1] ?? this.operations.length
      return [end <= count ? line : firstOf(line, count - start)]
    })
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) await lane.close()
  }

  /** The files of a lane right after one of its events, for `take`; and how to open a store on an image of them. */
  async at<T>(lane: number, event: number, take: (fileSystem: MemoryFileSystem) => T): Promise<T> {
    this.#assertLive()
    const since = event - this.#earlier[lane]
    if (since < 0)
      throw new ExplorerError(
        'KVARIUM_CRASHED_SINCE',
        `The lane has crashed since event ${event}: go back before the crash, and crash it there`,
      )
    return this.#lanes[lane].at(since, take)
  }

  /** The files that a lane began with: none, or those that its last crash left. */
  base(lane: number): Promise<MemoryFileSystem> {
    return this.#lanes[lane].at(0, files => files.processCrashClone())
  }

  /** A lane like one of the run, on an image of its files; the run goes on without it. */
  recover(lane: number, image: MemoryFileSystem): Lane {
    return this.#lanes[lane].recovered(image, () => undefined)
  }

  /** Adds an event of a store that is elsewhere. */
  record(lane: number, event: TraceEvent): void {
    this.#record(lane, event)
  }

  /** Moments before those in `moments`. */
  get first(): number {
    return this.#first
  }

  /** The last position. */
  get last(): number {
    return this.#first + this.moments.length
  }

  /** How many of the oldest moments there are beyond the newest `most` and beyond the newest that take `mostBytes` together. */
  countBeyond(most: number, mostBytes: number): number {
    let count = Math.max(0, this.moments.length - most)
    let { bytes } = this
    for (const [index, moment] of this.moments.entries()) {
      if (index >= count && bytes <= mostBytes) break
      bytes -= bytesOf(moment)
      count = Math.max(count, index + 1)
    }
    return count
  }

  /** Drops the oldest moments of a run that takes no operations. Positions stay as they are. */
  forget(count: number): void {
    for (const moment of this.moments.splice(0, count)) this.#writtenBytes -= bytesOf(moment) - MOMENT_BYTES
    this.#first += count
  }

  #assertLive(): void {
    if (this.#isRecorded)
      throw new ExplorerError('KVARIUM_RECORDED', 'This is a recording: it has no store. Begin a new run, or open the files of a store')
  }

  async #crash({ lane: name, event, image }: Crash, operation: number): Promise<void> {
    const lane = this.settings.lanes.findIndex(settings => settings.name === name)
    if (lane < 0) {
      const names = this.settings.lanes.map(settings => settings.name).join(', ')
      const text = `There is no lane ${quotedName(name)} to crash: the lanes are ${names}`
      this.moments.push({ kind: 'call', lane: 0, operation })
      this.moments.push({ kind: 'return', lane: 0, operation, outcome: { status: 'failed', text } })
      return
    }
    this.moments.push({ kind: 'call', lane, operation })
    let outcome: Outcome
    try {
      const left = await this.at(lane, event, files => imageOf(files, image))
      this.#lanes[lane] = this.#lanes[lane].recovered(left, recorded => this.#record(lane, recorded))
      this.#earlier[lane] = this.#sequences[lane]
      this.found.push({ lane, position: this.moments.length, fileSystem: left })
      outcome = await this.#lanes[lane].open()
    } catch (error) {
      outcome = { status: 'failed', text: error instanceof Error ? error.message : String(error) }
    }
    this.moments.push({ kind: 'return', lane, operation, outcome })
  }

  #record(lane: number, event: TraceEvent): void {
    const moment: Moment = { kind: 'event', lane, event: { ...event, sequence: ++this.#sequences[lane] } }
    this.#writtenBytes += bytesOf(moment) - MOMENT_BYTES
    this.moments.push(moment)
  }
}

/** What a moment takes in memory, in bytes, roughly. */
function bytesOf(moment: Moment): number {
  return MOMENT_BYTES + (moment.kind === 'event' && moment.event.type === 'file.write' ? (moment.event.bytes?.length ?? 0) : 0)
}

/** What is left of files. */
export function imageOf(files: MemoryFileSystem, image: CrashImage): MemoryFileSystem {
  return files.crashClone(typeof image === 'object' ? new Set(image) : image)
}

function noCities(): never {
  throw new ExplorerError('KVARIUM_NOT_AT_HAND', 'The cities are not at hand here: use another generator')
}
