/**
 * What the page asks of its worker: a table of calls. Everything that goes over the wire is plain data.
 */
import type { LaneSettings, RunSettings } from '../run/settings.js'
import type { OptionTable } from 'kvarium/engine'
import type { UnsyncedPart } from 'kvarium/vfs'
import type { KnownKind } from '../run/line-reader.js'
import type { CrashImage, Outcome } from '../run/operation.js'
import type { PartFailure } from '../parts/part-settings.js'
import type { Line } from '../run/line.js'
import type { StoredFile } from '../run/stored-files.js'
import type { PictureName, Pictures } from '../views/catalog.js'
import type { PredictionPicture } from '../views/prediction.js'
import type { Comparison } from './comparison.js'
import type { Facts } from './facts.js'
import type { HexPage } from './hex-page.js'
import type { History } from './history.js'
import type { KeyTrace } from './key-place.js'
import type { OpenHere } from './open-here.js'
import type { CheckBegins, Difference } from './part-answers.js'
import type { LaneReceipt } from './receipts.js'
import type { Selection } from './selection.js'
import type { TableAnatomy } from './table-anatomy.js'

/** Sizes of the run. */
export interface Summary {
  readonly settings: RunSettings
  /** The last position. */
  readonly moments: number
  /** The first position: moments up to it are no longer kept. Absent for 0. */
  readonly first?: number
  readonly operations: number
  /** An operation begins a transaction. */
  readonly hasTransactions?: true
  /** The run began with the files of a store: they are no part of a link or a program. */
  readonly isOfFiles?: true
  /** The options that the files of a store fix, with the values that they say, once its first lane is open. */
  readonly fixed?: Readonly<Record<string, unknown>>
  /** The run is a recording: it takes no operations. */
  readonly isRecorded?: true
  /** The run is what running programs do: it grows by itself. */
  readonly live?: { readonly lanes: readonly LiveLane[]; readonly isPaused: boolean }
  /** The operations that were asked for last are not all in the run: its moments take as much memory as they may. */
  readonly isFull?: true
  /** While lines are performed: how many operations are still to come, as far as that is known. */
  readonly ahead?: number
  /** Operations of the run before, which going back and adding there has dropped; `restore` brings them back. */
  readonly dropped?: number
}

/** A store of a running program that becomes a lane. */
export interface WatchedFeed {
  /** The name by which the explorer's server knows it. */
  readonly feed: string
  /** That of the lane. */
  readonly name: string
  readonly engine: string
}

export interface LiveLane {
  readonly feed: string
  /** Events of its store that never came. */
  readonly lost: number
  /** Why nothing more comes. */
  readonly problem?: string
}

/** The moment at a position, in words. */
export interface MomentText {
  readonly lane: number
  readonly kind: 'call' | 'event' | 'return'
  /** Type of the event; `call` or `return` for the two others. */
  readonly type: string
  readonly sentence: string
  /** Index of the operation in which it happened, -1 for the opening. */
  readonly operation: number
  /** By the lane's clock. */
  readonly atMs?: number
  /** Number of the job, if it belongs to one. */
  readonly job?: number
}

export interface LaneLook {
  readonly name: string
  readonly engine: string
  /** Number of its events so far. */
  readonly events: number
  readonly pictures: Pictures
}

export interface Look {
  readonly position: number
  /** Absent at position 0. */
  readonly moment?: MomentText
  /** Moments around the position, this one included. */
  readonly around: readonly (MomentText & { readonly position: number })[]
  readonly lanes: readonly LaneLook[]
}

export interface LookRequest {
  readonly position: number
  /** Default: all of them. */
  readonly pictures?: readonly PictureName[]
  /** Moments before and behind the position that are put into words. Default: 4. */
  readonly around?: number
}

export interface SeekRequest {
  readonly from: number
  readonly direction: 1 | -1
  /** What to stop at; a `type` is one of an event or its first word, `text` is looked for in the sentences. */
  readonly at: 'moment' | 'operation' | 'job' | { readonly type: string } | { readonly text: string }
  /** Only moments of this lane. */
  readonly lane?: number
}

export interface OperationRow {
  readonly index: number
  readonly text: string
  /** Position of its first moment. */
  readonly start: number
  /** By lane. */
  readonly outcomes: readonly (Outcome | undefined)[]
}

/** Something that a store says against settings of a lane. */
export interface SettingProblem {
  /** Absent where the settings do not go together. */
  readonly option?: string
  readonly message: string
}

export interface TypeCount {
  readonly type: string
  readonly count: number
}

export interface TimelineRequest {
  readonly from: number
  readonly to: number
  /** Marks closer together than a bucket are counted as one. */
  readonly buckets: number
}

export interface TimelineJob {
  readonly lane: number
  readonly job: number
  readonly kind: string
  readonly reason?: string
  readonly from: number
  /** Absent if it has not ended. */
  readonly to?: number
  /** Jobs of a kind that are shorter than a bucket are counted as one. */
  readonly count: number
}

export interface TimelineMark {
  readonly lane: number
  readonly type: 'flush' | 'compaction' | 'checkpoint' | 'stall' | 'eviction' | 'sync' | 'conflict' | 'failed'
  readonly position: number
  readonly count: number
}

export interface Timeline {
  readonly jobs: readonly TimelineJob[]
  readonly marks: readonly TimelineMark[]
}

/** One thing that recovery makes of some of the images. */
export interface CrashOutcome {
  /** One of the images. */
  readonly image: CrashImage
  /** How many images lead to it. */
  readonly images: number
  /** Entries of the recovered store; absent if it does not open. */
  readonly entries?: number
  /** Why it does not open. */
  readonly problem?: string
  /** How many of the acknowledged writes are there, the oldest first; -1 if what is there is no state that the store ever had. */
  readonly kept: number
  /** Writes of the operation under way that are there. */
  readonly keptUnderway: number
  /** The first of the acknowledged writes that are not there. */
  readonly lost: readonly { readonly operation: number; readonly text: string }[]
  readonly lostCount: number
  /** Whether it is what the store promises: a state that it had, with every write that was acknowledged as durable. */
  readonly isRight: boolean
}

/** What power loss at a position would do to a lane. */
export interface Crashed {
  readonly position: number
  readonly lane: number
  /** Number of the lane's last event before. */
  readonly event: number
  /** What is not synced. */
  readonly parts: readonly UnsyncedPart[]
  readonly images: number
  /** Whether these are all images that there may be. */
  readonly isComplete: boolean
  /** Acknowledged writes, and how many of them the store must not lose. */
  readonly acknowledged: number
  readonly durable: number
  /** The one that keeps most first. */
  readonly outcomes: readonly CrashOutcome[]
}

export interface HexRequest {
  readonly lane: number
  readonly position: number
  readonly file: string
  /** Offset of the first byte. Default: where the present event of the lane writes, or 0. */
  readonly offset?: number
  readonly rows: number
}

/** The calls of the page, by name. */
export interface ExplorerCalls {
  /** A new run takes the place of the one before. */
  begin(settings: RunSettings): Summary
  /** A new run of one lane, which begins with the files of a store, or is what a recording says. Operations change a copy of a store in memory. */
  openFiles(files: readonly StoredFile[]): Summary
  /** A new run, of what stores of running programs do from now on. It goes on until another run takes its place. */
  watch(feeds: readonly WatchedFeed[]): Summary
  /** Whether what programs send waits, or is added to the run. */
  pause(isPaused: boolean): Summary
  /**
   * Performs lines in all lanes; `stop` ends it between two operations. Behind `position`, only operations that had begun there stay: the run
   * starts again with these, and the others are dropped.
   */
  add(lines: readonly Line[], position?: number): Summary
  /** Starts the run that was dropped last again; the present one is dropped in its place. */
  restore(): Summary
  /** Keeps the present run as it is, until `takeBack`: the next one does not end it. It takes the place of a run that was set aside before. */
  setAside(): void
  /** Goes on with the run that was set aside; the present one ends. */
  takeBack(): Summary
  /** Starts a run of the same lines with other settings. */
  replay(settings: RunSettings): Summary
  /** The options of every engine, by its name. */
  engineOptions(): Readonly<Record<string, OptionTable>>
  /** What a store says against settings; nothing where it opens with them. It begins with the files that the run does, unless `isNew`. */
  checkLane(lane: LaneSettings, isNew?: boolean): readonly SettingProblem[]
  /** Words that begin so and that a line could name, the latest first. */
  words(kind: KnownKind, prefix: string): readonly string[]
  /** The types of moments in the run, and how many there are of each, by name. */
  types(): readonly TypeCount[]
  look(request: LookRequest): Look
  /** Figures of the run up to a position, by which goals can be checked. */
  facts(position: number): Facts
  /** The next position of that kind; `undefined` if there is none. */
  seek(request: SeekRequest): number | undefined
  /** The operations with these indexes, `to` excluded. */
  operations(from: number, to: number): readonly OperationRow[]
  timeline(request: TimelineRequest): Timeline
  /** The transactions that are open at a position. */
  openHere(position: number): OpenHere
  /** Power fails in a lane at a position: what may be left, and what recovery makes of it. The run stays as it is. */
  crash(lane: number, position: number): Crashed
  /** The run up to the operation at a position, as lines that can be typed. */
  script(position: number): readonly string[]
  /** A digest of all moments: equal where every byte is. */
  digest(): string
  /** The trace of a lane as JSON lines. */
  trace(lane: number): string
  /** A module for Node that does the operations so far. */
  program(): string
  /** A page that replays the run and opens at a position: one file of HTML that needs no network. */
  replayPage(position: number): string
  /** Bytes of a file as it is at a position, with their meaning; `undefined` if there is no such file. */
  hex(request: HexRequest): HexPage | undefined
  /** The inside of a table as of a position; `undefined` if nothing names it so far. */
  table(lane: number, table: number, position: number): TableAnatomy | undefined
  /** Every moment of the run that names a thing, seen from a position. */
  history(selection: Selection, position: number): History
  /** Where versions of a key lie at a position; `undefined` for an engine that is not known. */
  keyPlaces(lane: number, key: string, position: number): KeyTrace | undefined
  /** What an operation has cost in a lane: at once, and up to the end of the run. `operation` is its index. */
  receipt(lane: number, operation: number): LaneReceipt
  /** What formulas and a simulation say about a lane's work up to a position, beside what it has measured. */
  prediction(lane: number, position: number): PredictionPicture
  /** What differs between two lanes in the whole run, with figures also at a position; `undefined` if there is no such lane. */
  compare(lanes: readonly [number, number], position: number): Comparison | undefined
}

/** The calls of a page that has a part of a learner's own. Only the worker with parts answers them. */
export interface PartCalls {
  /** Checks a part of an exercise: the first check that fails, `undefined` when all pass. It needs no run. A part may never come to an end. */
  checkPart(exercise: string, source: string, seed: number): PartFailure | undefined
  /** A lane with the reference of the exercise, and one with the part. */
  partLanes(exercise: string, source: string): readonly LaneSettings[]
  /** The operations in which the exercise compares a part with the reference, as lines. */
  partScript(exercise: string, seed: number): readonly string[]
  /** Where the lane with a part first goes another way than the one with the reference; `undefined` if it does not. */
  difference(): Difference | undefined
}

export type CallName = keyof ExplorerCalls

/** All calls that a worker of the page may answer. */
export type AllCalls = ExplorerCalls & PartCalls

/** Calls, answered later. */
export type Answering<Calls extends Partial<AllCalls> = ExplorerCalls> = {
  readonly [Name in keyof Calls]: Calls[Name] extends (...parameters: infer Parameters) => infer Answer
    ? (...parameters: Parameters) => Promise<Answer>
    : never
}

export type ToWorker =
  { readonly id: number; readonly call: keyof AllCalls; readonly parameters: readonly unknown[] } | { readonly stop: true }

export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string; readonly code?: string }
  /** How far an `add`, or a run of running programs, has come. */
  | { readonly progress: Summary }
  /** How far a `checkPart` has come. */
  | { readonly begins: CheckBegins }
