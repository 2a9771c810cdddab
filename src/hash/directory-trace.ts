/**
 * What a trace says about the directory and its files: after every change what is different now, and at level step each place of a value.
 *
 * Invariant: `changed` is called in the step that changes something, so that the events up to any moment between two steps give the shape then.
 */
import { ByteView, KIND_DELETE_RANGE } from '../codec/entry.js'
import type { BatchReader } from '../engine/batch.js'
import type { TracedDataFile } from '../trace/events.js'
import type { Trace } from '../trace/span.js'
import type { DataFile, DataFiles } from './data-file.js'
import type { Entries } from './entries.js'

/** An opening names the places of this many keys at most. */
const MOST_PLACES = 100_000

const FILE_FIELDS = ['from', 'to', 'log', 'obsolete', 'bytes', 'puts', 'live', 'putBytes', 'liveBytes', 'pins'] as const
const TOTALS = ['entries', 'liveBytes', 'entrySequence', 'records', 'bytes', 'orderBytes', 'olderVersions', 'held'] as const

type Totals = { [Name in (typeof TOTALS)[number]]: number }

export class DirectoryTrace {
  readonly #entries: Entries
  readonly #files: DataFiles
  readonly #io: Trace | null
  readonly #step: Trace | null
  readonly #known = new Map<number, TracedDataFile>()
  #totals: Totals | undefined
  readonly #key = new ByteView()

  constructor(entries: Entries, files: DataFiles, trace: Trace | undefined) {
    this.#entries = entries
    this.#files = files
    this.#io = trace?.at('io') ?? null
    this.#step = trace?.at('step') ?? null
  }

  /** Emits what has changed since the last call. */
  changed(): void {
    if (this.#io === null) return
    const totals = this.#totalsNow()
    const before = this.#totals
    const files: TracedDataFile[] = []
    const there = new Set<number>()
    for (const file of shownFiles(this.#files)) {
      there.add(file.number)
      const now = traced(file)
      const known = this.#known.get(file.number)
      if (known !== undefined && FILE_FIELDS.every(field => known[field] === now[field])) continue
      this.#known.set(file.number, now)
      files.push(now)
    }
    const gone = [...this.#known.keys()].filter(number => !there.has(number))
    for (const number of gone) this.#known.delete(number)
    if (files.length === 0 && gone.length === 0 && before !== undefined && TOTALS.every(name => before[name] === totals[name])) return
    this.#totals = totals
    this.#io.emit({ type: 'directory.change', ...totals, files, gone })
  }

  /** Emits the places of all keys, as an opening has found them. */
  opened(): void {
    if (this.#step !== null) {
      const { directory } = this.#entries
      for (let record = 1, left = MOST_PLACES; record <= directory.last && left > 0; record++) {
        if (!directory.isUsed(record) || !directory.isPut(record)) continue
        this.placed(record)
        left--
      }
    }
    this.changed()
  }

  /** Emits what a batch has changed, from its first operation on. */
  written(reader: BatchReader): void {
    if (this.#step === null) return
    const { directory } = this.#entries
    const { key } = reader
    while (reader.next()) {
      if (reader.kind === KIND_DELETE_RANGE) {
        this.#step.emit({ type: 'directory.remove', key: key.copy(), last: reader.value.copy() })
        continue
      }
      if (reader.kind === 0) {
        this.removed(key.copy())
        continue
      }
      const record = this.#entries.recordFor(key)
      if (record !== 0 && directory.isPut(record) && directory.sequenceAt(record) === reader.sequence) this.placed(record)
    }
  }

  /** Emits that a key has no value any more. */
  removed(key: Uint8Array): void {
    this.#step?.emit({ type: 'directory.remove', key })
  }

  /** Emits where the newest value of a record is; `from` is the file that it was copied from. */
  placed(record: number, from?: number): void {
    if (this.#step === null) return
    const { directory } = this.#entries
    directory.setKey(record, this.#key)
    this.#step.emit({
      type: 'directory.place',
      key: this.#key.copy(),
      hash: directory.hashAt(record),
      record,
      file: this.#files.at(directory.fileAt(record)).number,
      offset: directory.offsetAt(record),
      length: directory.lengthAt(record),
      entrySequence: directory.sequenceAt(record),
      ...(from !== undefined && { from }),
    })
  }

  #totalsNow(): Totals {
    const { directory, live, liveBytes, sequence, memoryBytes, orderBytes, moments } = this.#entries
    return {
      entries: live,
      liveBytes,
      entrySequence: sequence,
      records: directory.count,
      bytes: memoryBytes,
      orderBytes,
      olderVersions: directory.older.size,
      held: moments.count,
    }
  }
}

/** Those in force, the oldest first, then those that only held moments need. */
export function shownFiles({ list, all }: DataFiles): DataFile[] {
  return [...list, ...all.filter(file => file.isObsolete).sort((a, b) => a.number - b.number)]
}

function traced({ number, from, to, isLog, isObsolete, bytes, puts, live, putBytes, liveBytes, pins }: DataFile): TracedDataFile {
  return { file: number, from, to, log: isLog, obsolete: isObsolete, bytes, puts, live, putBytes, liveBytes, pins }
}
