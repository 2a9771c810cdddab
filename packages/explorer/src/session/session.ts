/**
 * A run as the page sees it: answers the calls of the page. It needs neither a page nor a worker.
 *
 * Invariants:
 * 1. While operations are performed the event loop has its turns, in which calls that only look are answered (`call-order.ts`).
 * 2. An answer depends on the run and the call alone.
 * 3. Code that a first look needs not is loaded with the first call that does, so that a page has little to load.
 */
import { ExplorerError } from '../run/explorer-error.js'
import type { LaneSettings, RunSettings } from '../run/settings.js'
import type { OptionTable } from 'kvarium/engine'
import type { TraceEvent } from 'kvarium/trace'
import type { MemoryFileSystem } from 'kvarium/vfs'
import { format } from '../run/command.js'
import { ENGINE_OPTIONS, fixedOptions } from '../run/engines.js'
import type { LoadCities } from '../run/generate.js'
import type { Line } from '../run/line.js'
import type { KnownKind } from '../run/line-reader.js'
import { Run } from '../run/run.js'
import { eventsBefore } from '../run/events-before.js'
import type { StoredFile } from '../run/stored-files.js'
import type { PredictionPicture } from '../views/prediction.js'
import type { Comparison, Comparisons } from './comparison.js'
import type { Facts } from './facts.js'
import type { FileBytes } from './file-bytes.js'
import type { Histories, History } from './history.js'
import type { KeyTrace } from './key-place.js'
import type { HexPage } from './hex-page.js'
import type { LiveLanes, OpenFeed } from './live-lanes.js'
import type { OpenHere } from './open-here.js'
import type { Selection } from './selection.js'
import type {
  Answering,
  Crashed,
  HexRequest,
  Look,
  LookRequest,
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
import { RunIndex } from './run-index.js'
import { checkLane } from './settings.js'
import type { TableAnatomy } from './table-anatomy.js'

const AROUND = 4
/** Moments that are kept of running programs, and a quarter more. */
const MOST_LIVE = 100_000
/** What they may take in memory with the bytes of the writes in them, and a quarter more. */
const MOST_LIVE_BYTES = 96 << 20
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
  /** What they may take in memory, in bytes. */
  readonly mostLiveBytes?: number
  /** What the moments of a run may take in memory, in bytes. */
  readonly mostBytes?: number
}

export class Session implements Answering {
  readonly #onProgress: (summary: Summary) => void
  readonly #loadCities: LoadCities | undefined
  readonly #loadReplayView: (() => Promise<string>) | undefined
  readonly #openFeed: OpenFeed | undefined
  readonly #mostLive: number
  readonly #mostLiveBytes: number
  readonly #mostBytes: number | undefined
  #live: LiveLanes | undefined
  #progressTimer: ReturnType<typeof setTimeout> | undefined
  #index: RunIndex | undefined
  /** The files that the lanes begin with, if they are not new. */
  #base: MemoryFileSystem | undefined
  /** By lane, once they have been asked for. */
  #files: (FileBytes | undefined)[] = []
  #histories: Histories | undefined
  #receipts: Receipts | undefined
  #comparisons: Comparisons | undefined
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
    this.#mostLiveBytes = sources.mostLiveBytes ?? MOST_LIVE_BYTES
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
    if (openFeed === undefined)
      throw new ExplorerError(
        'KVARIUM_NOT_AT_HAND',
        'Running programs are seen only in the page of kvarium explore: open the page by that command',
      )
    const { LiveLanes } = await import('./live-lanes.js')
    this.#dropped = undefined
    this.#base = undefined
    const run = Run.live(feeds)
    await this.#begin(run)
    const receive = (lane: number, events: readonly TraceEvent[]): void => {
      for (const event of events) run.record(lane, event)
      if (this.#index!.forget(this.#mostLive, this.#mostLiveBytes)) this.#files = []
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
    const present = this.#index?.run
    if (present !== this.#aside?.run) await present?.close()
    this.#index = new RunIndex(run, this.#base === undefined ? [] : eventsBefore(this.#base))
    this.#isCut = false
    this.#files = []
    this.#histories = undefined
    this.#receipts = undefined
    this.#comparisons = undefined
    return this.#summary()
  }

  readonly add = async (lines: readonly Line[], position = Infinity): Promise<Summary> => {
    const index = this.#begun()
    const { operations, settings } = index.run
    const kept = index.operationsUpTo(position)
    this.#isStopped = false
    if (kept < operations.length) await this.#again(settings, index.run.linesOf(kept))
    await this.#perform(lines)
    return this.#summary()
  }

  readonly restore = async (): Promise<Summary> => {
    this.#begun()
    if (this.#dropped === undefined)
      throw new ExplorerError('KVARIUM_NOTHING_THERE', 'No operations have been dropped: there is nothing to bring back')
    this.#isStopped = false
    await this.#again(this.#dropped.settings, this.#dropped.lines)
    return this.#summary()
  }

  readonly setAside = async (): Promise<void> => {
    const { run } = this.#begun()
    if (this.#aside?.run === run) return
    await this.#aside?.run.close()
    this.#aside = { run, base: this.#base }
  }

  readonly takeBack = async (): Promise<Summary> => {
    this.#begun()
    if (this.#aside === undefined) throw new ExplorerError('KVARIUM_NOTHING_THERE', 'No run has been set aside: begin one')
    const { run, base } = this.#aside
    this.#dropped = undefined
    this.#base = base
    const summary = await this.#begin(run)
    this.#aside = undefined
    return summary
  }

  readonly replay = async (settings: RunSettings): Promise<Summary> => {
    const { lines, isRecorded } = this.#begun().run
    if (isRecorded)
      throw new ExplorerError(
        'KVARIUM_RECORDED',
        'A recording cannot be done again: it has no operations, only their events. Begin a new run',
      )
    this.#isStopped = false
    await this.#again(settings, lines)
    return this.#summary()
  }

  readonly engineOptions = async (): Promise<Readonly<Record<string, OptionTable>>> => ENGINE_OPTIONS
  readonly checkLane = (lane: LaneSettings, isNew = false): Promise<readonly SettingProblem[]> =>
    checkLane(lane, isNew ? undefined : this.#base)

  readonly words = async (kind: KnownKind, prefix: string): Promise<readonly string[]> => this.#begun().vocabulary.beginning(kind, prefix)

  readonly types = async (): Promise<readonly TypeCount[]> => this.#begun().types()

  /** Another run takes the place of the present one, which can be restored. */
  async #again(settings: RunSettings, lines: readonly Line[]): Promise<void> {
    const before = this.#index!.run
    const dropped = { settings: before.settings, lines: [...before.lines], operations: before.operations.length }
    await this.#open(settings)
    this.#dropped = dropped
    await this.#perform(lines)
  }

  async #perform(lines: readonly Line[]): Promise<void> {
    const index = this.#index!
    const { run } = index
    this.#isCut = false
    for (const [at, line] of lines.entries()) {
      const hadRoom = await run.add(line, (done, of) => {
        if (run.operations.length % OPERATIONS_PER_FOLDING === 0) index.fold()
        if (run.operations.length % OPERATIONS_PER_PROGRESS === 0) {
          this.#onProgress({ ...this.#summary(), ahead: of - done + lines.length - at - 1 })
        }
        return !this.#isStopped
      })
      this.#isCut = !hadRoom
      if (this.#isStopped || this.#isCut) break
    }
    index.fold()
  }

  /** Ends what performs operations, after its present operation. */
  stop(): void {
    this.#isStopped = true
  }

  readonly look = async ({ position, pictures, around = AROUND }: LookRequest): Promise<Look> => {
    const index = this.#begun()
    const { run } = index
    const at = index.within(position)
    const lanes = index.looks(at, pictures)
    const first = Math.max(run.first + 1, at - around)
    const last = Math.min(run.last, at + around)
    const texts = Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => ({
      position: first + offset,
      ...index.textAt(first + offset),
    }))
    return { position: at, ...(at > run.first && { moment: index.textAt(at) }), around: texts, lanes }
  }

  readonly facts = async (position: number): Promise<Facts> => {
    const index = this.#begun()
    const at = index.within(position)
    const { factsAt } = await import('./facts.js')
    return factsAt(index.run, at, await this.script(at), index.looks(at, ['ledger', 'files', 'levels', 'pages', 'directory']))
  }

  readonly seek = async (request: SeekRequest): Promise<number | undefined> => this.#begun().seek(request)

  readonly operations = async (from: number, to: number): Promise<readonly OperationRow[]> => this.#begun().rows(from, to)

  readonly timeline = async (request: TimelineRequest): Promise<Timeline> => this.#begun().timelines.within(request)

  readonly openHere = async (position: number): Promise<OpenHere> => {
    const { openAt } = await import('./open-here.js')
    const index = this.#begun()
    return openAt(index.run, index.within(position))
  }

  readonly script = async (position: number): Promise<readonly string[]> => {
    const index = this.#begun()
    return index.run.linesOf(index.operationsUpTo(Math.max(1, position))).map(format)
  }

  readonly digest = async (): Promise<string> => (await import('./exports.js')).digestOf(this.#begun().run)

  readonly trace = async (lane: number): Promise<string> => (await import('./exports.js')).traceText(this.#begun().run, lane)

  readonly program = async (): Promise<string> => {
    const { run } = this.#begun()
    if (run.isRecorded)
      throw new ExplorerError(
        'KVARIUM_NOT_REPEATABLE',
        'A recording is no program: it has no operations, only their events. Save its trace instead',
      )
    if (this.#base !== undefined)
      throw new ExplorerError(
        'KVARIUM_NOT_REPEATABLE',
        'A run on the files of a store is no program: its files would not be in it. Save its trace instead',
      )
    return (await import('./exports.js')).programText(run)
  }

  readonly replayPage = async (position: number): Promise<string> => {
    const { run } = this.#begun()
    if (this.#loadReplayView === undefined)
      throw new ExplorerError('KVARIUM_NOT_AT_HAND', 'The script of the replay page is not at hand here: save the page from a browser')
    const { replayText } = await import('./replay-export.js')
    return replayText(run, position - run.first, await this.#loadReplayView())
  }

  readonly crash = async (lane: number, position: number): Promise<Crashed> =>
    (await import('./crashes.js')).crashAt(this.#begun().run, lane, position)

  readonly hex = async ({ lane, position, ...range }: HexRequest): Promise<HexPage | undefined> => {
    const { FileBytes } = await import('./file-bytes.js')
    const index = this.#begun()
    return this.#filesOf(FileBytes, index, lane).hex({ ...range, count: index.keptUpTo(position, lane) })
  }

  readonly table = async (lane: number, table: number, position: number): Promise<TableAnatomy | undefined> => {
    const [{ FileBytes }, { anatomyOf }] = await Promise.all([import('./file-bytes.js'), import('./table-anatomy.js')])
    const index = this.#begun()
    return anatomyOf(index.tracks[lane].lane.events, this.#filesOf(FileBytes, index, lane), index.keptUpTo(position, lane), table)
  }

  readonly history = async (selection: Selection, position: number): Promise<History> => {
    const { Histories } = await import('./history.js')
    const { run } = this.#begun()
    this.#histories ??= new Histories(run)
    return this.#histories.of(selection, position)
  }

  readonly receipt = async (lane: number, operation: number): Promise<LaneReceipt> => {
    const receipts = await this.#book()
    return receipts.of(this.#begun().run.moments, lane, operation)
  }

  async #book(): Promise<Receipts> {
    const { Receipts } = await import('./receipts.js')
    return (this.#receipts ??= new Receipts())
  }

  readonly compare = async (lanes: readonly [number, number], position: number): Promise<Comparison | undefined> => {
    const { Comparisons } = await import('./comparison.js')
    const receipts = await this.#book()
    const index = this.#begun()
    if (lanes.some(lane => index.run.settings.lanes[lane] === undefined)) return undefined
    this.#comparisons ??= new Comparisons(
      index.run,
      receipts,
      (lane, at) => index.timelines.counts(lane, at),
      (lane, at, names) => index.picturesAt(lane, at, names),
    )
    return this.#comparisons.of(lanes, position)
  }

  readonly prediction = async (lane: number, position: number): Promise<PredictionPicture> => {
    const [{ predictionOf }, { endedOperations }] = await Promise.all([import('../views/prediction.js'), import('./transaction-writes.js')])
    const index = this.#begun()
    const { settings, isRecorded } = index.run
    const isOfFiles = this.#base !== undefined
    if (isRecorded || isOfFiles) {
      const notes = [`The formulas are about all puts of a store, and those before this ${isRecorded ? 'recording' : 'run'} are not known.`]
      return { rows: [], notes, marks: {} }
    }
    return predictionOf({
      settings: settings.lanes[lane],
      seed: settings.seed,
      operations: endedOperations(index.run, lane, position),
      events: index.tracks[lane].lane.events.slice(0, index.keptUpTo(position, lane)),
      pictures: index.picturesAt(lane, position, ['ledger', 'levels', 'pages', 'directory']),
    })
  }

  readonly keyPlaces = async (lane: number, key: string, position: number): Promise<KeyTrace | undefined> => {
    const [{ FileBytes }, { traceKey }] = await Promise.all([import('./file-bytes.js'), import('./key-trace.js')])
    const index = this.#begun()
    const count = index.eventsUpTo(position, lane)
    const track = index.tracks[lane]
    const { events } = track.lane
    return traceKey(key, { events, count: count - track.first, folds: track.at(count), files: this.#filesOf(FileBytes, index, lane) })
  }

  #filesOf(Files: typeof FileBytes, { tracks, before }: RunIndex, lane: number): FileBytes {
    return (this.#files[lane] ??= new Files(tracks[lane].lane, before))
  }

  /** The present run. */
  protected get run(): Run {
    return this.#begun().run
  }

  /** The present run, with all that it has added. */
  #begun(): RunIndex {
    if (this.#index === undefined) throw new ExplorerError('KVARIUM_NOTHING_THERE', 'No run has begun: begin one first')
    this.#index.take()
    return this.#index
  }

  #fixed(): Pick<Summary, 'fixed'> {
    const opened = this.#index!.run.moments.find(moment => moment.kind === 'event' && moment.event.type === 'engine.open')
    return opened?.kind === 'event' && opened.event.type === 'engine.open' ? { fixed: fixedOptions(opened.event) } : {}
  }

  #summary(): Summary {
    const { run, vocabulary } = this.#index!
    const { settings, first, last, operations, isRecorded } = run
    const dropped = this.#dropped?.operations
    return {
      settings,
      moments: last,
      ...(first > 0 && { first }),
      operations: operations.length,
      ...(vocabulary.hasTransactions && { hasTransactions: true as const }),
      ...(dropped !== undefined && { dropped }),
      ...(this.#base !== undefined && { isOfFiles: true as const, ...this.#fixed() }),
      ...(this.#isCut && { isFull: true as const }),
      ...(isRecorded && { isRecorded: true as const }),
      ...(this.#live !== undefined && { live: { lanes: this.#live.lanes, isPaused: this.#live.isPaused } }),
    }
  }
}
