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
import { shownBytes } from '../codec/shown-text.js'

const ENTRIES = 1000
const BATCH_BYTES = 256 * 1024

type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Any database of the Level family, or a sublevel, whose keys are copied without its prefix: what a copy uses of abstract-level's interface. */
export interface AnyLevel {
  readonly supports: Supports
  open(): Promise<void>
  snapshot(): Snapshot
  keys(options: object): AsyncIterable<unknown>
  iterator(options: object): { nextv(size: number): Promise<[unknown, unknown][]>; close(): Promise<void> }
  batch(operations: PutOperation[], options: object): Promise<void>
}

interface Supports {
  readonly explicitSnapshots?: boolean
  readonly permanence?: boolean
  readonly additionalMethods?: { readonly ingest?: boolean }
}

/** A store that takes sorted entries without a log. */
interface IngestingLevel {
  readonly _defaultTtl: number | undefined
  ingest(entries: AsyncIterable<Entry>, options: object): Promise<void>
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

/** See `copyStore`, which loads this file. */
export async function copyEntries(source: AnyLevel | EntrySource, target: AnyLevel, options: CopyOptions): Promise<CopyReport> {
  if (source === target) throw new MisuseError('LEVEL_INVALID_TARGET', 'A database cannot be copied into itself')
  for (const database of [source, target]) if (typeof database !== 'function') await database.open()
  for await (const _ of target.keys({ ...AS_BYTES, limit: 1 })) {
    throw new KvariumError('LEVEL_TARGET_NOT_EMPTY', 'The target of a copy must be empty: copy into a new store, or clear it first')
  }
  const snapshot = typeof source !== 'function' && source.supports.explicitSnapshots === true ? source.snapshot() : undefined
  try {
    const entries: EntrySource = typeof source === 'function' ? source : () => entriesOf(source, options.signal, snapshot)
    const report = (mayIngest(target) ? await ingest(entries, target, options) : undefined) ?? (await write(entries, target, options))
    await compare(entries, target, options)
    return report
  } finally {
    await snapshot?.close()
  }
}

/** A put has the target's `ttl`, and an engine without files keeps what it ingests twice meanwhile: both are for batches. */
function mayIngest(target: AnyLevel): target is AnyLevel & IngestingLevel {
  const { permanence, additionalMethods } = target.supports
  return permanence === true && additionalMethods?.ingest === true && (target as AnyLevel & IngestingLevel)._defaultTtl === undefined
}

/** `undefined`, with nothing read and written, if the engine of the target has no ingest. */
async function ingest(source: EntrySource, target: IngestingLevel, { signal, onProgress }: CopyOptions): Promise<CopyReport | undefined> {
  let entries = 0
  let bytes = 0
  const counted = stepsOf(source, ([key, value]) => {
    entries++
    bytes += key.length + value.length
    if (entries % ENTRIES === 0) onProgress?.({ phase: 'copy', entries, bytes })
  })
  try {
    await target.ingest(counted, { ...AS_BYTES, ...(signal && { signal }) })
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string }
    if (code === 'LEVEL_NOT_SUPPORTED' && entries === 0) return undefined
    if (code !== 'LEVEL_INGEST_ORDER') throw error
    throw new KvariumError('LEVEL_COPY_DIFFERS', `The copy would differ from its source: ${message}`, { cause: error })
  }
  if (entries % ENTRIES !== 0) onProgress?.({ phase: 'copy', entries, bytes })
  return { entries, bytes }
}

/** The entries, each of them seen by `see`. A step that is there at once is no promise: `ingest` goes on without waiting for it. */
function stepsOf(source: EntrySource, see: (entry: Entry) => void): AsyncIterable<Entry> {
  const entries = source()
  const steps = Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]()
  const seen = (step: IteratorResult<Entry>): IteratorResult<Entry> => {
    if (step.done !== true) see(step.value)
    return step
  }
  const next = (): unknown => {
    const step = steps.next()
    return step instanceof Promise ? step.then(seen) : seen(step)
  }
  const iterator = { next, return: () => steps.return?.() } as AsyncIterator<Entry>
  return { [Symbol.asyncIterator]: () => iterator }
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
    await copies.return!()
  }
}

/** The entries of a database, read in chunks: only the first step in a chunk is a promise. */
function entriesOf(level: AnyLevel, signal?: AbortSignal, snapshot?: Snapshot): AsyncIterableIterator<Entry, undefined> {
  /** From the first step on. */
  let iterator: ReturnType<AnyLevel['iterator']> | undefined
  let chunk: Entry[] = []
  let at = 0
  const end = async (): Promise<IteratorResult<Entry, undefined>> => {
    await iterator?.close()
    return { done: true, value: undefined }
  }
  const read = async (): Promise<IteratorResult<Entry, undefined>> => {
    try {
      throwIfAborted(signal)
      iterator ??= level.iterator({ ...AS_BYTES, ...(snapshot && { snapshot }) })
      chunk = (await iterator.nextv(ENTRIES)) as Entry[]
    } catch (error) {
      await end()
      throw error
    }
    at = 0
    return chunk.length > 0 ? { done: false, value: chunk[at++] } : end()
  }
  const steps = {
    next: () => (at < chunk.length ? { done: false, value: chunk[at++] } : read()),
    return: end,
    [Symbol.asyncIterator]: () => steps,
  }
  return steps as AsyncIterableIterator<Entry, undefined>
}

function differs(key: Uint8Array, how: string): KvariumError {
  return new KvariumError('LEVEL_COPY_DIFFERS', `The copy differs from its source: the key ${shownBytes(key)} ${how}`)
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortError()
}
