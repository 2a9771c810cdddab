/** A place where a version of a key lies, and the trace of a key. */
import type { TraceEvent } from 'kvarium/trace'
import type { Folds } from '../views/track.js'
import type { FileBytes } from './file-bytes.js'

export interface KeyPlace {
  readonly in: 'memtable' | 'immutable memtable' | 'table' | 'leaf in memory' | 'leaf' | 'log' | 'data file'
  /** What and where it is, in words. */
  readonly name: string
  /** Leaves on disk say none. */
  readonly sequence?: number
  /** `unknown`: no event says what the page has of it. */
  readonly kind: 'value' | 'tombstone' | 'range tombstone' | 'expiring value' | 'unknown'
  readonly valueBytes: number
  /** The value, where its bytes are known: in quotes, or in hexadecimal digits where it is no text. A long one is cut, and its length follows. */
  readonly value?: string
  /** Where its bytes lie in a file. */
  readonly bytes?: { readonly file: string; readonly offset: number; readonly length: number }
  readonly table?: number
  readonly page?: number
  /** It is what a get returns, or why there is nothing. */
  readonly answers?: true
  /** Why it answers, or does not count. */
  readonly why: string
}

export interface KeyTrace {
  readonly key: string
  /** What a get finds, in a sentence. */
  readonly answer: string
  /** Those that a get could look at, in its order: the newest first. */
  readonly places: readonly KeyPlace[]
  /** Those that no get looks at: logs, tables and pages that are no part of the present tree, free space. The newest first, as far as is known. */
  readonly others: readonly KeyPlace[]
  /** Tables whose range of keys holds the key and that have no version of it. */
  readonly without: readonly number[]
  /** Files of which the recording has not all bytes, so that what is in them is not known. */
  readonly unknown: readonly string[]
}

/** What is known of a lane at a position. */
export interface TracedLane {
  readonly events: readonly TraceEvent[]
  readonly count: number
  readonly folds: Folds
  readonly files: FileBytes
}
