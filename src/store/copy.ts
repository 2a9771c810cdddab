/**
 * Copies one database into another, entry by entry, and compares them afterwards.
 *
 * Invariants:
 * 1. What is copied is the source at one moment, where the source has snapshots: writes that come meanwhile are not in the copy.
 * 2. Keys and values are bytes here: encodings do not matter, and sublevels are copied with the rest.
 * 3. A copy that resolves was compared with its source, every key and value.
 */
import { compareKeys } from '../codec/entry.js'
import { AbortError, KvariumError, MisuseError } from '../errors.js'
import { shownBytes } from '../observe/text-of-bytes.js'

const ENTRIES = 1000
const BATCH_BYTES = 256 * 1024

type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Any database of the Level family, or a sublevel, whose keys are copied without its prefix: what a copy uses of abstract-level's interface. */
export interface AnyLevel {
  readonly supports: { readonly explicitSnapshots?: boolean }
  open(): Promise<void>
  snapshot(): Snapshot
  keys(options: object): AsyncIterable<unknown>
  iterator(options: object): { nextv(size: number): Promise<[unknown, unknown][]>; close(): Promise<void> }
  batch(operations: PutOperation[], options: object): Promise<void>
}

interface Snapshot {
  close(): Promise<void>
}

interface PutOperation {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Entries of something that is no Level database, in the order of their keys. It is iterated twice: to copy, and to compare. */
export type EntrySource = () => AsyncIterable<Entry> | Iterable<Entry>

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each batch with the entries and bytes so far, of the phase under way. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
}

export interface CopyProgress {
  readonly phase: 'copy' | 'compare'
  readonly entries: number
  /** Bytes of keys and values. */
  readonly bytes: number
}

export interface CopyReport {
  readonly entries: number
  /** Bytes of keys and values. */
  readonly bytes: number
}

const AS_BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const

/**
 * Copies everything in `source` into `target`, which must be empty, durably where the target has `sync`, and then compares both.
 *
 * Rejects with `LEVEL_TARGET_NOT_EMPTY`, with `LEVEL_COPY_DIFFERS` if the target has something else afterwards than the source had, and
 * with `LEVEL_ABORTED`. After a failure the target may hold a part of the entries.
 */
export async function copyStore(source: AnyLevel | EntrySource, target: AnyLevel, options: CopyOptions = {}): Promise<CopyReport> {
  if (source === target) throw new MisuseError('LEVEL_INVALID_TARGET', 'A database cannot be copied into itself')
  for (const database of [source, target]) if (typeof database !== 'function') await database.open()
  for await (const _ of target.keys({ ...AS_BYTES, limit: 1 })) {
    throw new KvariumError('LEVEL_TARGET_NOT_EMPTY', 'The target of a copy must be empty: copy into a new store, or clear it first')
  }
  const snapshot = typeof source !== 'function' && source.supports.explicitSnapshots === true ? source.snapshot() : undefined
  try {
    const entries: EntrySource = typeof source === 'function' ? source : () => entriesOf(source, options.signal, snapshot)
    const report = await write(entries, target, options)
    await compare(entries, target, options)
    return report
  } finally {
    await snapshot?.close()
  }
}

async function write(source: EntrySource, target: AnyLevel, { signal, onProgress }: CopyOptions): Promise<CopyReport> {
  let operations: PutOperation[] = []
  let batchBytes = 0
  let entries = 0
  let bytes = 0
  const flush = async (sync: boolean): Promise<void> => {
    await target.batch(operations, { ...AS_BYTES, sync })
    operations = []
    batchBytes = 0
    onProgress?.({ phase: 'copy', entries, bytes })
  }
  for await (const [key, value] of source()) {
    throwIfAborted(signal)
    if (operations.length === ENTRIES || batchBytes >= BATCH_BYTES) await flush(false)
    entries++
    bytes += key.length + value.length
    batchBytes += key.length + value.length
    operations.push({ type: 'put', key, value })
  }
  // The sync makes durable what was written before it, too.
  if (operations.length > 0) await flush(true)
  return { entries, bytes }
}

async function compare(source: EntrySource, target: AnyLevel, { signal, onProgress }: CopyOptions): Promise<void> {
  const copies = entriesOf(target, signal)
  let entries = 0
  let bytes = 0
  try {
    for await (const [key, value] of source()) {
      throwIfAborted(signal)
      const { done, value: copy } = await copies.next()
      if (done === true) throw differs(key, 'is missing')
      if (compareKeys(copy[0], key) !== 0) throw differs(compareKeys(copy[0], key) < 0 ? copy[0] : key, 'is there in one of the two alone')
      if (compareKeys(copy[1], value) !== 0) throw differs(key, 'has another value')
      entries++
      bytes += key.length + value.length
      if (entries % ENTRIES === 0) onProgress?.({ phase: 'compare', entries, bytes })
    }
    const { done, value: more } = await copies.next()
    if (done !== true) throw differs(more[0], 'is not in the source')
  } finally {
    await copies.return(undefined)
  }
}

async function* entriesOf(level: AnyLevel, signal?: AbortSignal, snapshot?: Snapshot): AsyncGenerator<Entry, undefined> {
  const iterator = level.iterator({ ...AS_BYTES, ...(snapshot && { snapshot }) })
  try {
    for (;;) {
      throwIfAborted(signal)
      const entries = (await iterator.nextv(ENTRIES)) as Entry[]
      if (entries.length === 0) return undefined
      yield* entries
    }
  } finally {
    await iterator.close()
  }
}

function differs(key: Uint8Array, how: string): KvariumError {
  return new KvariumError('LEVEL_COPY_DIFFERS', `The copy differs from its source: the key ${shownBytes(key)} ${how}`)
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortError()
}
