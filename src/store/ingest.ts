/**
 * Bulk load: encodes the entries of an iterable into batches for the engine, in order, and takes turns of the event loop in between.
 *
 * Invariants:
 * 1. The engine gets keys in strictly ascending order of their bytes, or an error.
 * 2. The iterable is closed whenever it is left before its end.
 */
import type { AbstractSublevel, Transcoder } from 'abstract-level'
import { compareKeys } from '../codec/entry.js'
import { quotedText, shortText } from '../codec/shown-text.js'
import { hexOf } from '../codec/text.js'
import { WriteBatch } from '../engine/batch.js'
import { AbortError, KvariumError, MisuseError } from '../errors.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { EncodingLevel, KeyEncodingOption } from './level-types.js'
import { KeyScratch } from './owned-bytes.js'

export type IngestEntries<K, V> = Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>

export interface IngestOptions<K, V> extends KeyEncodingOption<K> {
  readonly valueEncoding?: string | Transcoder.PartialEncoder<V> | undefined
  /** Ends the ingest, which then changes nothing. */
  readonly signal?: AbortSignal | undefined
  /** A sublevel of this store that gets the entries: its prefix and encodings apply. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a sublevel of any types
  readonly sublevel?: AbstractSublevel<any, any, any, any> | undefined
}

/** What of an ingest is in the store's hands. */
export interface IngestSource<K, V> {
  readonly entries: IngestEntries<K, V>
  readonly options: IngestOptions<K, V>
  /** The store, or the sublevel that gets the entries. */
  readonly level: EncodingLevel
  /** Aborted when the store closes. */
  readonly closing: AbortSignal
  readonly turns: Pick<EventLoopTurns, 'isDue' | 'turn'>
}

/** A batch goes to the engine when it has this many entries or bytes. */
const BATCH_ENTRIES = 256
const BATCH_BYTES = 64 * 1024
const LONGEST_KEY_SHOWN = 64

/** The batch is the same object each time. */
export async function* ingestBatches<K, V>(source: IngestSource<K, V>): AsyncGenerator<WriteBatch> {
  const { entries, options, level, turns } = source
  const keyEncoding = level.keyEncoding(options.keyEncoding)
  const valueEncoding = level.valueEncoding(options.valueEncoding)
  const iterator = iteratorOf(entries)
  const batch = new WriteBatch()
  const scratches = [new KeyScratch(), new KeyScratch()]
  const interruption = interruptionOf(source)
  interruption.check()
  let isOver = false
  let last: Uint8Array | undefined
  try {
    for (let position = 0; ; position++) {
      const next = iterator.next()
      const step = next instanceof Promise ? await interruption.race(next) : next
      if (step.done === true) break
      const entry: unknown = step.value
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw new MisuseError('LEVEL_INVALID_ENTRY', `Entry ${position} of the ingest is not an array of a key and a value`)
      }
      const givenKey = entry[0] as K
      const givenValue = entry[1] as V
      requirePresent(givenKey, 'key', position)
      requirePresent(givenValue, 'value', position)
      // A copy: the iterable may change its bytes after the next step.
      const key = scratches[position & 1].copyOf(level.prefixKey(keyEncoding.encode(givenKey), keyEncoding.format, false))
      if (last !== undefined) requireAscending(last, key, givenKey, position)
      last = key
      batch.put(key, valueEncoding.encode(givenValue))
      if (batch.count < BATCH_ENTRIES && batch.userBytes < BATCH_BYTES) continue
      const { count, userBytes } = batch
      interruption.check()
      yield sealed(batch)
      batch.clear()
      if (turns.isDue(count, userBytes)) await turns.turn()
    }
    isOver = true
    if (batch.count > 0) yield sealed(batch)
    interruption.check()
  } finally {
    interruption.end()
    if (!isOver) await closed(iterator)
  }
}

/** The engine gives the entries their sequence number; a reader needs the count in the header. */
function sealed(batch: WriteBatch): WriteBatch {
  batch.seal(0)
  return batch
}

function iteratorOf<T>(entries: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof entries === 'object' && entries !== null) {
    if (Symbol.asyncIterator in entries) return entries[Symbol.asyncIterator]()
    if (Symbol.iterator in entries) return entries[Symbol.iterator]()
  }
  throw new MisuseError('LEVEL_INVALID_ENTRY', "The first argument 'entries' must be an iterable or an async iterable of [key, value]")
}

/** A failure of the iterable's own end must not hide why it was left. An iterable that never answers must not hold up the store. */
async function closed(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    const end = iterator.return?.()
    if (end instanceof Promise) end.catch(() => undefined)
  } catch {
    // The caller gets the reason why it was left.
  }
}

function requirePresent(given: unknown, what: 'key' | 'value', position: number): void {
  if (given !== null && given !== undefined) return
  throw new MisuseError(
    what === 'key' ? 'LEVEL_INVALID_KEY' : 'LEVEL_INVALID_VALUE',
    `The ${what} of entry ${position} is ${String(given)}`,
  )
}

function requireAscending(last: Uint8Array, key: Uint8Array, given: unknown, position: number): void {
  const order = compareKeys(last, key)
  if (order < 0) return
  const fault = order === 0 ? 'repeats the key of the entry before' : 'comes after a larger one'
  throw new KvariumError(
    'LEVEL_INGEST_ORDER',
    `Key ${shown(given, key)} of entry ${position} ${fault}: the entries of an ingest ascend by the bytes of their keys. Nothing was ingested`,
  )
}

function shown(given: unknown, key: Uint8Array): string {
  if (typeof given === 'string') return quotedText(shortText(given, LONGEST_KEY_SHOWN + 1, '…'))
  const hex = hexOf(key.subarray(0, LONGEST_KEY_SHOWN / 2))
  return `0x${hex}${key.length > LONGEST_KEY_SHOWN / 2 ? '…' : ''}`
}

interface Interruption {
  /** Throws if the ingest is to end. */
  check(): void
  /** The step, unless the ingest is to end first. */
  race<T>(step: Promise<T>): Promise<T>
  end(): void
}

function interruptionOf({ options: { signal }, closing }: Pick<IngestSource<never, never>, 'options' | 'closing'>): Interruption {
  const check = (): void => {
    if (signal?.aborted === true) throw new AbortError()
    if (closing.aborted) throw new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'The store was closed during the ingest. Nothing was ingested')
  }
  let interrupt = (): void => undefined
  const onAbort = (): void => interrupt()
  signal?.addEventListener('abort', onAbort)
  closing.addEventListener('abort', onAbort)
  return {
    check,
    race: step =>
      new Promise((resolve, reject) => {
        interrupt = () => {
          try {
            check()
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        step.then(resolve, reject)
      }),
    end: () => {
      signal?.removeEventListener('abort', onAbort)
      closing.removeEventListener('abort', onAbort)
    },
  }
}
