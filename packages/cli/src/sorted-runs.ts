/**
 * Sorts records by their keys in bounded memory: what does not fit goes, sorted, into files of a scratch directory, which are merged in the end.
 * Records with the same key keep the order in which they came.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SortedRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Where the record was. */
  readonly line: number
}

/** What a record takes in memory besides its bytes, about. */
const OVERHEAD_BYTES = 240
/** More runs than this are merged into one, so that the files that are open stay few. */
const MOST_RUNS = 64
const CHUNK_BYTES = 256 * 1024
/** Lengths of key and value, and the line. */
const HEAD_BYTES = 16

export class SortedRuns implements Disposable {
  readonly #parent: string
  readonly #memoryBytes: number
  #directory: string | undefined
  #files = 0
  #runs: string[] = []
  #records: SortedRecord[] = []
  #bytes = 0
  #isSorted = true

  /** @param parent where the scratch directory is made, once it is needed. */
  constructor(parent: string, memoryBytes: number) {
    this.#parent = parent
    this.#memoryBytes = memoryBytes
  }

  /** Whether files had to be written. */
  get isExternal(): boolean {
    return this.#directory !== undefined
  }

  add(record: SortedRecord): void {
    const records = this.#records
    this.#isSorted &&= records.length === 0 || Buffer.compare(records.at(-1)!.key, record.key) <= 0
    records.push(record)
    this.#bytes += record.key.length + record.value.length + OVERHEAD_BYTES
    if (this.#bytes > this.#memoryBytes) this.#spill()
  }

  /** All records in the order of their keys. */
  *sorted(): Generator<SortedRecord> {
    this.#sort()
    const records = this.#records
    yield* this.#runs.length === 0 ? records : merged([...this.#runs.map(runRecords), records[Symbol.iterator]()])
  }

  [Symbol.dispose](): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }

  #sort(): void {
    if (!this.#isSorted) this.#records.sort((a, b) => Buffer.compare(a.key, b.key))
    this.#isSorted = true
  }

  #spill(): void {
    this.#sort()
    this.#runs.push(this.#write(this.#records))
    this.#records = []
    this.#bytes = 0
    if (this.#runs.length < MOST_RUNS) return
    const runs = this.#runs
    this.#runs = [this.#write(merged(runs.map(runRecords)))]
    for (const run of runs) rmSync(run)
  }

  #write(records: Iterable<SortedRecord>): string {
    this.#directory ??= mkdtempSync(join(this.#parent, 'kvarium-load-'))
    const file = join(this.#directory, `${++this.#files}.run`)
    const handle = openSync(file, 'wx')
    try {
      let chunk: Uint8Array[] = []
      let bytes = 0
      const flush = (): void => {
        const joined = Buffer.concat(chunk, bytes)
        for (let at = 0; at < joined.length;) at += writeSync(handle, joined, at)
        chunk = []
        bytes = 0
      }
      for (const { key, value, line } of records) {
        const head = Buffer.allocUnsafe(HEAD_BYTES)
        head.writeUInt32LE(key.length, 0)
        head.writeUInt32LE(value.length, 4)
        head.writeDoubleLE(line, 8)
        chunk.push(head, key, value)
        bytes += HEAD_BYTES + key.length + value.length
        if (bytes >= CHUNK_BYTES) flush()
      }
      flush()
    } finally {
      closeSync(handle)
    }
    return file
  }
}

/** The records of a run. Their bytes stay as they are. */
function* runRecords(file: string): Generator<SortedRecord, undefined> {
  const handle = openSync(file, 'r')
  try {
    let buffer: Buffer = Buffer.alloc(0)
    let at = 0
    /** Whether this number of bytes is there from `at` on. */
    const has = (bytes: number): boolean => {
      if (buffer.length - at >= bytes) return true
      const rest = buffer.subarray(at)
      // A new buffer each time: records that are still in use point into the one before.
      const next = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes))
      rest.copy(next)
      let end = rest.length
      for (let read = 1; read > 0 && end < next.length; end += read) read = readSync(handle, next, end, next.length - end, null)
      buffer = next.subarray(0, end)
      at = 0
      return end >= bytes
    }
    while (has(HEAD_BYTES)) {
      const keyLength = buffer.readUInt32LE(at)
      const valueLength = buffer.readUInt32LE(at + 4)
      const line = buffer.readDoubleLE(at + 8)
      if (!has(HEAD_BYTES + keyLength + valueLength)) throw new Error(`${file} was cut off while it was in use`)
      const keyEnd = at + HEAD_BYTES + keyLength
      yield { key: buffer.subarray(at + HEAD_BYTES, keyEnd), value: buffer.subarray(keyEnd, keyEnd + valueLength), line }
      at = keyEnd + valueLength
    }
  } finally {
    closeSync(handle)
  }
}

/** Merges sorted runs, of which each has older records than the next one. */
function* merged(runs: readonly Iterator<SortedRecord>[]): Generator<SortedRecord, undefined> {
  const heads = runs.map((run, order) => ({ run, order, record: step(run) })).filter(({ record }) => record !== undefined)
  try {
    while (heads.length > 0) {
      let least = heads[0]
      for (const head of heads) {
        const order = Buffer.compare(head.record!.key, least.record!.key)
        if (order < 0 || (order === 0 && head.order < least.order)) least = head
      }
      yield least.record!
      least.record = step(least.run)
      if (least.record === undefined) heads.splice(heads.indexOf(least), 1)
    }
  } finally {
    for (const run of runs) run.return?.()
  }
}

function step(run: Iterator<SortedRecord>): SortedRecord | undefined {
  const next = run.next()
  return next.done === true ? undefined : next.value
}
