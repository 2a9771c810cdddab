/**
 * A run as the page sees it: answers the calls of the page. It needs neither a page nor a worker.
 *
 * Invariants:
 * 1. While operations are performed the event loop has its turns, in which calls that only look are answered (`call-order.ts`).
 * 2. An answer depends on the run and the call alone.
 * 3. Code that a first look needs not is loaded with the first call that does, so that a page has little to load.
 */
import type { LaneSettings, RunSettings } from '../run/settings.js'
import type { OptionTable } from 'kvarium/engine'
import { describe } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { MemoryFileSystem } from 'kvarium/vfs'
import { format, formatOperation } from '../run/command.js'
import { ENGINE_OPTIONS } from '../run/engines.js'
import type { LoadCities } from '../run/generate.js'
import type { Line } from '../run/line.js'
import { outcomeText } from '../run/outcome-text.js'
import { Run, type Moment } from '../run/run.js'
import { eventsBefore } from '../run/events-before.js'
import type { StoredFile } from '../run/stored-files.js'
import { foldsFor, type PictureName, type Pictures } from '../views/catalog.js'
import type { PredictionPicture } from '../views/prediction.js'
import { Track } from '../views/track.js'
import type { Comparison, Comparisons } from './comparison.js'
import type { Facts } from './facts.js'
import type { FileBytes } from './file-bytes.js'
import type { Histories, History } from './history.js'
import type { KeyTrace } from './key-place.js'
import type { HexPage } from './hex-page.js'
import type { LiveLanes, OpenFeed } from './live-lanes.js'
import type { Selection } from './selection.js'
import type {
  Answering,
  Crashed,
  HexRequest,
  LaneLook,
  Look,
  LookRequest,
  MomentText,
  OperationRow,
  SeekRequest,
  SettingProblem,
  Summary,
  Timeline,
  TimelineRequest,
  TypeCount,
  WatchedFeed,
} from './protocol.js'
import type { LaneReceipt, Receipts } from './receipts.js'
import { checkLane } from './settings.js'
import type { TableAnatomy } from './table-anatomy.js'
import { Timelines } from './timelines.js'
import { Vocabulary } from './vocabulary.js'

const AROUND = 4
/** Moments that are kept of running programs, and a quarter more. */
const MOST_LIVE = 100_000
const MS_PER_PROGRESS = 200
/** Operations after which their events are folded: so the first look at the end needs not fold them all. */
const OPERATIONS_PER_FOLDING = 10
/** Operations between two messages about the progress of an `add`. */
const OPERATIONS_PER_PROGRESS = 200

/** What a session gets from elsewhere. */
export interface SessionSources {
  readonly loadCities?: LoadCities
  /** Gives the script of the page that replays a run. */
  readonly loadReplayView?: () => Promise<string>
  /** Opens what a store of a running program says. */
  readonly openFeed?: OpenFeed
  /** Moments that are kept of running programs. */
  readonly mostLive?: number
  /** What the moments of a run may take in memory, in bytes. */
  readonly mostBytes?: number
}

export class Session implements Answering {
  readonly #onProgress: (summary: Summary) => void
  readonly #loadCities: LoadCities | undefined
  readonly #loadReplayView: (() => Promise<string>) | undefined
  readonly #openFeed: OpenFeed | undefined
  readonly #mostLive: number
  readonly #mostBytes: number | undefined
  #live: LiveLanes | undefined
  #progressTimer: ReturnType<typeof setTimeout> | undefined
  #run: Run | undefined
  /** The files that the lanes begin with, if they are not new. */
  #base: MemoryFileSystem | undefined
  #tracks: Track[] = []
  /** What stands for the files that a lane begins with. */
  #before: readonly TraceEvent[] = []
  /** By lane, once they have been asked for. */
  #files: (FileBytes | undefined)[] = []
  #histories: Histories | undefined
  #timelines = new Timelines()
  #receipts: Receipts | undefined
  #comparisons: Comparisons | undefined
  /** For each moment, the number of the lane's events up to and with it. */
  #counts: number[] = []
  #taken = 0
  #takenOperations = 0
  #takenFound = 0
  #vocabulary = new Vocabulary()
  #types = new Map<string, number>()
  /** The run that was dropped last. */
  #dropped: { readonly settings: RunSettings; readonly lines: readonly Line[]; readonly operations: number } | undefined
  /** The run that waits while another one takes its place. */
  #aside: { readonly run: Run; readonly base: MemoryFileSystem | undefined } | undefined
  #isStopped = false
  /** Whether the run had no memory for all of the operations that were asked for last. */
  #isCut = false

  constructor(onProgress: (summary: Summary) => void = () => undefined, sources: SessionSources = {}) {
    this.#onProgress = onProgress
    this.#loadCities = sources.loadCities
    this.#loadReplayView = sources.loadReplayView
    this.#openFeed = sources.openFeed
    this.#mostLive = sources.mostLive ?? MOST_LIVE
    this.#mostBytes = sources.mostBytes
  }

  readonly begin = async (settings: RunSettings): Promise<Summary> => {
    this.#dropped = undefined
    this.#base = undefined
    return this.#open(settings)
  }

  readonly openFiles = async (files: readonly StoredFile[]): Promise<Summary> => {
    const { readRecording, readStore } = await import('../run/stored-files.js')
    const recording = await readRecording(files)
    if (recording !== undefined) {
      this.#dropped = undefined
      this.#base = undefined
      return this.#begin(Run.recorded(recording))
    }
    const { engine, fileSystem } = await readStore(files)
    this.#dropped = undefined
    this.#base = fileSystem
    return this.#open({ seed: 1, lanes: [{ name: engine, engine, options: {} }] })
  }

  readonly watch = async (feeds: readonly WatchedFeed[]): Promise<Summary> => {
    const openFeed = this.#openFeed
    if (openFeed === undefined) throw new Error('Running programs are seen only in the page of kvarium explore')
    const { LiveLanes } = await import('./live-lanes.js')
    this.#dropped = undefined
    this.#base = undefined
    const run = Run.live(feeds)
    await this.#begin(run)
    const receive = (lane: number, events: readonly TraceEvent[]): void => {
      for (const event of events) run.record(lane, event)
      this.#forget(run, this.#mostLive)
      this.#progressSoon()
    }
    this.#live = new LiveLanes(feeds, openFeed, receive, () => this.#progressSoon())
    return this.#summary()
  }

  readonly pause = async (isPaused: boolean): Promise<Summary> => {
    if (isPaused) this.#live?.pause()
    else this.#live?.goOn()
    return this.#summary()
  }

  #progressSoon(): void {
    this.#progressTimer ??= setTimeout(() => {
      this.#progressTimer = undefined
      this.#onProgress(this.#summary())
    }, MS_PER_PROGRESS)
  }

  async #open(settings: RunSettings): Promise<Summary> {
    return this.#begin(await Run.open(settings, this.#loadCities, this.#base, this.#mostBytes))
  }

  async #begin(run: Run): Promise<Summary> {
    this.#live?.end()
    this.#live = undefined
    clearTimeout(this.#progressTimer)
    this.#progressTimer = undefined
    if (this.#run !== this.#aside?.run) await this.#run?.close()
    const before = this.#base === undefined ? [] : eventsBefore(this.#base)
    this.#run = run
    this.#isCut = false
    const { settings } = run
    this.#before = before
    this.#tracks = settings.lanes.map(({ engine }) => new Track(() => foldsFor(engine, before)))
    this.#files = []
    this.#histories = undefined
    this.#timelines = new Timelines()
    this.#receipts = undefined
    this.#comparisons = undefined
    this.#counts = []
    this.#taken = 0
    this.#takenOperations = 0
    // Those of the beginning are in the folds.
    this.#takenFound = run.found.length
    this.#vocabulary = new Vocabulary(settings.lanes.map(({ name }) => name))
    this.#types = new Map()
    return this.#summary()
  }

  readonly add = async (lines: readonly Line[], position = Infinity): Promise<Summary> => {
    const { starts, operations } = this.#begun()
    const kept = lastAtOrBefore(starts, position - 1) + 1
    this.#isStopped = false
    if (kept < operations.length) await this.#again(this.#run!.settings, this.#run!.linesOf(kept))
    await this.#perform(lines)
    return this.#summary()
  }

  readonly restore = async (): Promise<Summary> => {
    this.#begun()
    if (this.#dropped === undefined) throw new Error('No operations have been dropped')
    this.#isStopped = false
    await this.#again(this.#dropped.settings, this.#dropped.lines)
    return this.#summary()
  }

  readonly setAside = async (): Promise<void> => {
    const run = this.#begun()
    if (this.#aside?.run === run) return
    await this.#aside?.run.close()
    this.#aside = { run, base: this.#base }
  }

  readonly takeBack = async (): Promise<Summary> => {
    this.#begun()
    if (this.#aside === undefined) throw new Error('No run has been set aside')
    const { run, base } = this.#aside
    this.#dropped = undefined
    this.#base = base
    const summary = await this.#begin(run)
    this.#aside = undefined
    return summary
  }

  readonly replay = async (settings: RunSettings): Promise<Summary> => {
    const { lines, isRecorded } = this.#begun()
    if (isRecorded) throw new Error('A recording cannot be done again: it has no operations, only their events')
    this.#isStopped = false
    await this.#again(settings, lines)
    return this.#summary()
  }

  readonly engineOptions = async (): Promise<Readonly<Record<string, OptionTable>>> => ENGINE_OPTIONS
  readonly checkLane = (lane: LaneSettings, isNew = false): Promise<readonly SettingProblem[]> =>
    checkLane(lane, isNew ? undefined : this.#base)

  readonly words = async (kind: 'key' | 'snapshot' | 'lane', prefix: string): Promise<readonly string[]> => {
    this.#begun()
    return this.#vocabulary.beginning(kind, prefix)
  }

  readonly types = async (): Promise<readonly TypeCount[]> => {
    this.#begun()
    return [...this.#types].map(([type, count]) => ({ type, count })).sort((a, b) => (a.type < b.type ? -1 : 1))
  }

  /** Another run takes the place of the present one, which can be restored. */
  async #again(settings: RunSettings, lines: readonly Line[]): Promise<void> {
    const before = this.#run!
    const dropped = { settings: before.settings, lines: [...before.lines], operations: before.operations.length }
    await this.#open(settings)
    this.#dropped = dropped
    await this.#perform(lines)
  }

  async #perform(lines: readonly Line[]): Promise<void> {
    const run = this.#run!
    this.#isCut = false
    for (const [index, line] of lines.entries()) {
      const hadRoom = await run.add(line, (done, of) => {
        if (run.operations.length % OPERATIONS_PER_FOLDING === 0) this.#fold(run)
        if (run.operations.length % OPERATIONS_PER_PROGRESS === 0) {
          this.#onProgress({ ...this.#summary(), ahead: of - done + lines.length - index - 1 })
        }
        return !this.#isStopped
      })
      this.#isCut = !hadRoom
      if (this.#isStopped || this.#isCut) break
    }
    this.#fold(run)
  }

  /** Ends what performs operations, after its present operation. */
  stop(): void {
    this.#isStopped = true
  }

  readonly look = async ({ position, pictures, around = AROUND }: LookRequest): Promise<Look> => {
    const run = this.#begun()
    const at = Math.max(run.first, Math.min(position, run.last))
    const lanes = this.#looks(run, at, pictures)
    const first = Math.max(run.first + 1, at - around)
    const last = Math.min(run.last, at + around)
    const texts = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({
      position: first + index,
      ...this.#textAt(first + index),
    }))
    return { position: at, ...(at > run.first && { moment: this.#textAt(at) }), around: texts, lanes }
  }

  readonly facts = async (position: number): Promise<Facts> => {
    const run = this.#begun()
    const at = Math.max(run.first, Math.min(position, run.last))
    const { factsAt } = await import('./facts.js')
    return factsAt(run, at, await this.script(at), this.#looks(run, at, ['ledger', 'files', 'levels', 'pages']))
  }

  #looks({ settings }: Run, position: number, pictures?: readonly PictureName[]): readonly LaneLook[] {
    return settings.lanes.map(({ name, engine }, lane): LaneLook => {
      return { name, engine, events: this.#eventsUpTo(position, lane), pictures: this.#picturesAt(lane, position, pictures) }
    })
  }

  readonly seek = async ({ from, direction, at, lane }: SeekRequest): Promise<number | undefined> => {
    const { moments, first, last } = this.#begun()
    const next = Math.max(first - 1, Math.min(from, last + 1)) + direction
    for (let position = next; position >= first && position <= last; position += direction) {
      if (position === first) return at === 'moment' || at === 'operation' ? first : undefined
      const moment = moments[position - 1 - first]
      if ((lane === undefined || moment.lane === lane) && this.#isStop(moment, position, at)) return position
    }
    return undefined
  }

  readonly operations = async (from: number, to: number): Promise<readonly OperationRow[]> => {
    const { operations, starts, moments, settings } = this.#begun()
    return operations.slice(from, to).map((operation, offset) => {
      const index = from + offset
      const start = starts[index]
      const outcomes: OperationRow['outcomes'][number][] = settings.lanes.map(() => undefined)
      const end = starts[index + 1] ?? moments.length
      for (let position = start; position < end; position++) {
        const moment = moments[position]
        if (moment.kind === 'return' && moment.operation === index) outcomes[moment.lane] = moment.outcome
      }
      return { index, text: formatOperation(operation), start: start + 1, outcomes }
    })
  }

  readonly timeline = async (request: TimelineRequest): Promise<Timeline> => {
    this.#begun()
    return this.#timelines.within(request)
  }

  readonly script = async (position: number): Promise<readonly string[]> => {
    const run = this.#begun()
    return run.linesOf(lastAtOrBefore(run.starts, Math.max(0, position - 1)) + 1).map(format)
  }

  readonly digest = async (): Promise<string> => (await import('./exports.js')).digestOf(this.#begun())

  readonly trace = async (lane: number): Promise<string> => (await import('./exports.js')).traceText(this.#begun(), lane)

  readonly program = async (): Promise<string> => {
    const { settings, operations, isRecorded } = this.#begun()
    if (isRecorded) throw new Error('A recording is no program: it has no operations, only their events')
    if (this.#base !== undefined) throw new Error('A run on the files of a store is no program: its files would not be in it')
    return (await import('./exports.js')).programText(settings, operations)
  }

  readonly replayPage = async (position: number): Promise<string> => {
    const run = this.#begun()
    if (this.#loadReplayView === undefined) throw new Error('The script of the replay page is not at hand here')
    const { replayText } = await import('./replay-export.js')
    return replayText(run, position - run.first, await this.#loadReplayView())
  }

  readonly crash = async (lane: number, position: number): Promise<Crashed> =>
    (await import('./crashes.js')).crashAt(this.#begun(), lane, position)

  readonly hex = async ({ lane, position, ...range }: HexRequest): Promise<HexPage | undefined> => {
    const { FileBytes } = await import('./file-bytes.js')
    this.#begun()
    return this.#filesOf(FileBytes, lane).hex({ ...range, count: this.#keptUpTo(position, lane) })
  }

  readonly table = async (lane: number, table: number, position: number): Promise<TableAnatomy | undefined> => {
    const [{ FileBytes }, { anatomyOf }] = await Promise.all([import('./file-bytes.js'), import('./table-anatomy.js')])
    this.#begun()
    return anatomyOf(this.#tracks[lane].lane.events, this.#filesOf(FileBytes, lane), this.#keptUpTo(position, lane), table)
  }

  readonly history = async (selection: Selection, position: number): Promise<History> => {
    const { Histories } = await import('./history.js')
    const run = this.#begun()
    this.#histories ??= new Histories(run)
    return this.#histories.of(selection, position)
  }

  readonly receipt = async (lane: number, operation: number): Promise<LaneReceipt> => {
    const receipts = await this.#book()
    return receipts.of(this.#begun().moments, lane, operation)
  }

  async #book(): Promise<Receipts> {
    const { Receipts } = await import('./receipts.js')
    return (this.#receipts ??= new Receipts())
  }

  readonly compare = async (lanes: readonly [number, number], position: number): Promise<Comparison | undefined> => {
    const { Comparisons } = await import('./comparison.js')
    const receipts = await this.#book()
    const run = this.#begun()
    if (lanes.some(lane => run.settings.lanes[lane] === undefined)) return undefined
    const timelines = this.#timelines
    this.#comparisons ??= new Comparisons(
      run,
      receipts,
      (lane, at) => timelines.counts(lane, at),
      (lane, at, names) => this.#picturesAt(lane, at, names),
    )
    return this.#comparisons.of(lanes, position)
  }

  readonly prediction = async (lane: number, position: number): Promise<PredictionPicture> => {
    const { predictionOf } = await import('../views/prediction.js')
    const { settings, operations, moments, isRecorded } = this.#begun()
    const isOfFiles = this.#base !== undefined
    if (isRecorded || isOfFiles) {
      const notes = [`The formulas are about all puts of a store, and those before this ${isRecorded ? 'recording' : 'run'} are not known.`]
      return { rows: [], notes, marks: {} }
    }
    const ended = moments.findLastIndex((moment, at) => at < position && moment.lane === lane && moment.kind === 'return')
    const last = ended < 0 ? undefined : moments[ended]
    return predictionOf({
      settings: settings.lanes[lane],
      seed: settings.seed,
      operations: last?.kind === 'return' ? operations.slice(0, last.operation + 1) : [],
      events: this.#tracks[lane].lane.events.slice(0, this.#keptUpTo(position, lane)),
      pictures: this.#picturesAt(lane, position, ['ledger', 'levels', 'pages']),
    })
  }

  readonly keyPlaces = async (lane: number, key: string, position: number): Promise<KeyTrace | undefined> => {
    const [{ FileBytes }, { traceKey }] = await Promise.all([import('./file-bytes.js'), import('./key-trace.js')])
    this.#begun()
    const count = this.#eventsUpTo(position, lane)
    const folds = this.#tracks[lane].at(count)
    const {
      first,
      lane: { events },
    } = this.#tracks[lane]
    return traceKey(key, { events, count: count - first, folds, files: this.#filesOf(FileBytes, lane) })
  }

  #filesOf(Files: typeof FileBytes, lane: number): FileBytes {
    return (this.#files[lane] ??= new Files(this.#tracks[lane].lane, this.#before))
  }

  /** The present run. */
  protected get run(): Run {
    return this.#begun()
  }

  #begun(): Run {
    if (this.#run === undefined) throw new Error('No run has begun')
    this.#take(this.#run)
    return this.#run
  }

  /** Takes in the moments that the run has added. */
  #take({ moments, first, operations, found }: Run): void {
    for (; this.#takenOperations < operations.length; this.#takenOperations++) this.#vocabulary.add(operations[this.#takenOperations])
    for (; this.#taken < moments.length; this.#taken++) {
      const moment = moments[this.#taken]
      const track = this.#tracks[moment.lane]
      for (; found[this.#takenFound]?.position === this.#taken; this.#takenFound++) {
        track.lane.found.push({ count: track.count, files: eventsBefore(found[this.#takenFound].fileSystem) })
      }
      if (moment.kind === 'event') track.lane.events.push(moment.event)
      this.#counts.push(track.count)
      this.#timelines.add(moment, first + this.#taken + 1)
      const type = moment.kind === 'event' ? moment.event.type : moment.kind
      this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    }
  }

  /** Pictures of a lane at a position: those of these names that its engine has, or all of them. */
  #picturesAt(lane: number, position: number, names?: readonly PictureName[]): Pictures {
    const folds = this.#tracks[lane].at(this.#eventsUpTo(position, lane))
    const wanted = names?.filter(name => name in folds) ?? Object.keys(folds)
    return Object.fromEntries(wanted.map(name => [name, folds[name].picture()]))
  }

  #fold(run: Run): void {
    this.#take(run)
    for (const track of this.#tracks) track.foldAll()
  }

  /** How many events a lane has had at a position. */
  #eventsUpTo(position: number, lane: number): number {
    const { moments, first } = this.#run!
    for (let index = position - 1 - first; index >= 0; index--) if (moments[index].lane === lane) return this.#counts[index]
    return this.#tracks[lane].first
  }

  /** How many of them are not forgotten. */
  #keptUpTo(position: number, lane: number): number {
    return this.#eventsUpTo(position, lane) - this.#tracks[lane].first
  }

  /** Forgets the oldest moments of a run that goes on without end. */
  #forget(run: Run, most: number): void {
    if (run.moments.length <= most + most / 4) return
    this.#take(run)
    const gone = run.moments.length - most
    for (const [lane, track] of this.#tracks.entries()) track.forget(this.#eventsUpTo(run.first + gone, lane))
    run.forget(gone)
    this.#counts.splice(0, gone)
    this.#taken -= gone
    this.#timelines.forget(run.first)
    this.#files = []
  }

  #summary(): Summary {
    const { settings, first, last, operations } = this.#run!
    const dropped = this.#dropped?.operations
    return {
      settings,
      moments: last,
      ...(first > 0 && { first }),
      operations: operations.length,
      ...(dropped !== undefined && { dropped }),
      ...(this.#base !== undefined && { isOfFiles: true as const }),
      ...(this.#isCut && { isFull: true as const }),
      ...(this.#run!.isRecorded && { isRecorded: true as const }),
      ...(this.#live !== undefined && { live: { lanes: this.#live.lanes, isPaused: this.#live.isPaused } }),
    }
  }

  #isStop(moment: Moment, position: number, at: SeekRequest['at']): boolean {
    if (at === 'moment') return true
    if (at === 'operation') return moment.kind === 'call'
    if (at === 'job') return moment.kind === 'event' && (moment.event.type === 'job.begin' || moment.event.type === 'job.end')
    if ('type' in at) return moment.kind === 'event' ? hasType(moment.event, at.type) : moment.kind === at.type
    return this.#textAt(position).sentence.toLowerCase().includes(at.text.toLowerCase())
  }

  /** The moment before a position, in words. */
  #textAt(position: number): MomentText {
    const { moments, first, operations, starts, settings } = this.#run!
    const moment = moments[position - 1 - first]
    const { lane, kind } = moment
    if (kind === 'event') {
      const { event } = moment
      const operation = lastAtOrBefore(starts, position - 1)
      const job = event.job > 0 ? { job: event.job } : {}
      return { lane, kind, type: event.type, sentence: describe(event), operation, atMs: event.atMs, ...job }
    }
    const { operation } = moment
    const text = operation < 0 ? `open ${settings.lanes[lane].engine}` : formatOperation(operations[operation])
    const sentence = kind === 'call' ? text : [text, outcomeText(moment.outcome)].filter(part => part !== '').join(': ')
    return { lane, kind, type: kind, sentence, operation }
  }
}

function hasType({ type }: TraceEvent, wanted: string): boolean {
  return type === wanted || type.startsWith(`${wanted}.`)
}

/** Index of the last number that is at most `value`, in ascending numbers; -1 if there is none. */
function lastAtOrBefore(numbers: readonly number[], value: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (numbers[middle] <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
