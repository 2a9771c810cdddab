/**
 * A recorded run: a list of items, in order. The transcript of an example, the stepper, the JSON and the replay page all show the same
 * list, so each shows what the engine did.
 */
import type { TraceEvent } from 'kvarium/trace'

export type Item = HeadingItem | SayItem | PredictItem | RevealItem | CallItem | EventItem | TableItem | LinesItem

export interface HeadingItem {
  readonly kind: 'heading'
  readonly text: string
}

/** A paragraph. */
export interface SayItem {
  readonly kind: 'say'
  readonly text: string
}

/** A question to answer before reading on. */
export interface PredictItem {
  readonly kind: 'predict'
  readonly question: string
}

/** The answer to the question before, after the engine has run. */
export interface RevealItem {
  readonly kind: 'reveal'
  readonly question: string
  readonly answer: string
  /** The reason, in a sentence. */
  readonly because: string
}

/** A call of the store begins; its events follow, up to the `CallItem` that ends it. */
export interface CallItem {
  readonly kind: 'call' | 'return'
  /** Counts from 1; the same for `call` and `return`. */
  readonly call: number
  readonly store: string
  /** `call`: the call; `return`: its result, if that is worth a line. */
  readonly text: string
}

export interface EventItem {
  readonly kind: 'event'
  readonly store: string
  readonly event: TraceEvent
  /** One sentence. */
  readonly text: string
  /** Whether the transcript shows it, too; otherwise it appears only where all events are shown. */
  readonly shown: boolean
}

export interface TableItem {
  readonly kind: 'table'
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/** Preformatted lines: hex, a drawing of a structure. */
export interface LinesItem {
  readonly kind: 'lines'
  readonly title: string
  readonly lines: readonly string[]
}

/** The complete recording of a run of an example. */
export interface Recording {
  readonly number: number
  readonly name: string
  readonly question: string
  readonly items: readonly Item[]
  /** The measured numbers by name: the guide quotes these. */
  readonly numbers: Readonly<Record<string, number | string>>
}

/** A run as the replay page needs it. */
export interface ReplayedRun {
  readonly title: string
  /** At least one. */
  readonly items: readonly Item[]
  /** Index of the item that the page opens at; default: the first. */
  readonly position?: number
  /** Files that events of the stores did not make, in the order of the positions. */
  readonly found?: readonly FoundFiles[]
}

/** The files that a store finds at a position, in place of those that it had: it begins on files, or on those that a crash has left. */
export interface FoundFiles {
  readonly store: string
  /** Index of an item: the first event of the store from there on is the first after it found them. */
  readonly position: number
  /** They stand for the files: as if these had been written before. */
  readonly events: readonly TraceEvent[]
}
