/**
 * The changes of a store, in its encodings: an async iterator over a feed of the engine.
 *
 * Invariants:
 * 1. The present, at which a feed that is not live ends, is that of the call of `changes()`; of a store that is opening, that of the open.
 * 2. The feed is closed at the end, on an error, when the loop is left, and with the store.
 */
import type { AbstractResource, AbstractSublevel, Transcoder } from 'abstract-level'
import { ByteView, compareBytes, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import { encodeUtf8 } from '../codec/text.js'
import type { BatchReader } from '../engine/batch.js'
import type { BatchFeed, FeedOptions } from '../engine/contract.js'
import { AbortError, KvariumError, MisuseError } from '../errors.js'
import { typedError } from '../vfs/vfs-error.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import { ownedCopy, type Stored, type StoredFormat } from './owned-bytes.js'

export interface ChangesOptions<K, V> {
  /**
   * The `sequence` of the last change, or of the snapshot, that the caller has: the changes after it follow. 0 is the position of an empty store:
   * every change since then follows, or `LEVEL_CHANGES_GONE`. Without it all that are kept follow.
   */
  readonly since?: number | undefined
  /**
   * Wait for further changes at the present, instead of ending there.
   * @defaultValue `false`
   */
  readonly live?: boolean | undefined
  /** Ends the iteration with an `AbortError` (`LEVEL_ABORTED`), also while it waits. */
  readonly signal?: AbortSignal | null | undefined
  /** Only the changes of a sublevel of this store, with its keys and in its encodings. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly sublevel?: AbstractSublevel<any, any, K, V> | undefined
  /** How to decode keys, instead of the encoding of the store or the sublevel. */
  readonly keyEncoding?: string | Transcoder.PartialDecoder<K> | undefined
  /** How to decode values, instead of the encoding of the store or the sublevel. */
  readonly valueEncoding?: string | Transcoder.PartialDecoder<V> | undefined
}

/** A batch that was committed: all of its operations took effect at once. */
export interface Change<K, V> {
  /** Sequence number of its last operation; `since` the next time. */
  readonly sequence: number
  /** In the order in which they took effect. */
  readonly operations: readonly ChangeOperation<K, V>[]
}

export type ChangeOperation<K, V> =
  /** `expiresAt`, in milliseconds since the Unix epoch, is there where the entry expires. */
  | { readonly type: 'put'; readonly key: K; readonly value: V; readonly expiresAt?: number }
  | { readonly type: 'del'; readonly key: K }
  /** Deletes every key from `gte` to `lte`, both included. A bound that is missing is that of the sublevel. */
  | { readonly type: 'clear'; readonly gte?: K; readonly lte?: K }

/** What decodes the keys or values of a change. */
interface Decoder<T> {
  readonly format: StoredFormat
  decode(stored: Stored): T
}

interface Encoded {
  readonly prefix?: string
  keyEncoding(encoding: unknown): unknown
  valueEncoding(encoding: unknown): unknown
}

/** The store's side of an iteration. */
export interface ChangesHost {
  readonly turns: Pick<EventLoopTurns, 'isDue' | 'turn'>
  /** Begins the feed of the engine; a promise while the store is opening. */
  begin(options: FeedOptions): BatchFeed | Promise<BatchFeed>
  attachResource(resource: AbstractResource): void
  detachResource(resource: AbstractResource): void
}

/** The changes of a store, oldest first. */
export class Changes<K, V> implements AsyncIterableIterator<Change<K, V>, undefined> {
  readonly #host: ChangesHost
  readonly #keys: Decoder<K>
  readonly #values: Decoder<V>
  /** What the keys of the sublevel begin with. */
  readonly #prefix: Uint8Array
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.#feed?.close()
  /** `undefined` while the store is opening. */
  #feed: BatchFeed | undefined
  readonly #beginning: Promise<BatchFeed> | undefined
  #isBusy = false
  #isClosed = false

  /** Throws a MisuseError for an invalid option. */
  constructor(host: ChangesHost, store: Encoded, options: ChangesOptions<K, V>) {
    const { since, live = false, signal, sublevel } = options
    checkOptions(options)
    const encoded = (sublevel as Encoded | undefined) ?? store
    this.#host = host
    this.#keys = encoded.keyEncoding(options.keyEncoding) as Decoder<K>
    this.#values = encoded.valueEncoding(options.valueEncoding) as Decoder<V>
    this.#prefix = encodeUtf8(sublevel?.prefix ?? '')
    this.#signal = signal ?? undefined
    this.#beginning = this.#begin({ since, live })
    // The first step reports it.
    this.#beginning?.catch(() => undefined)
    host.attachResource(this)
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async next(): Promise<IteratorResult<Change<K, V>, undefined>> {
    if (this.#isClosed) throw notOpen()
    if (this.#isBusy) {
      throw new KvariumError('LEVEL_ITERATOR_BUSY', 'The feed of changes is busy: cannot read until the previous read has completed')
    }
    this.#isBusy = true
    try {
      const value = await this.#next()
      if (value !== undefined) return { done: false, value }
      await this.close()
      return { done: true, value: undefined }
    } catch (error) {
      const wasClosed = this.#isClosed
      await this.close()
      throw this.#signal?.aborted === true ? new AbortError() : wasClosed ? notOpen() : typedError(error)
    } finally {
      this.#isBusy = false
    }
  }

  async return(): Promise<IteratorResult<Change<K, V>, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  /** Ends the iteration. A `next()` that waits rejects with `LEVEL_ITERATOR_NOT_OPEN`. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#feed?.close()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#host.detachResource(this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #begin(options: FeedOptions): Promise<BatchFeed> | undefined {
    try {
      const feed = this.#host.begin(options)
      if (feed instanceof Promise) return feed
      this.#feed = feed
      return undefined
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #next(): Promise<Change<K, V> | undefined> {
    const { turns } = this.#host
    this.#requireOpen()
    this.#feed ??= await this.#beginning!
    for (;;) {
      this.#requireOpen()
      const found = this.#feed.next()
      const batch = found instanceof Promise ? await found : found
      if (batch === undefined) return undefined
      const { lastSequence: sequence, count } = batch
      const { operations, bytes } = this.#operationsOf(batch)
      if (turns.isDue(count, bytes)) await turns.turn()
      if (operations.length > 0) return { sequence, operations }
    }
  }

  #requireOpen(): void {
    if (this.#signal?.aborted === true) throw new AbortError()
    if (this.#isClosed) {
      this.#feed?.close()
      throw notOpen()
    }
  }

  #operationsOf(batch: BatchReader): { readonly operations: ChangeOperation<K, V>[]; readonly bytes: number } {
    const operations: ChangeOperation<K, V>[] = []
    const { key, value } = batch
    let bytes = 0
    while (batch.next()) {
      bytes += key.length + value.length
      if (batch.kind === KIND_DELETE_RANGE) {
        const operation = this.#clear(key, value)
        if (operation !== undefined) operations.push(operation)
      } else if (this.#isInside(key)) {
        const operation = { key: this.#key(key) }
        if (batch.kind === KIND_DELETE) operations.push({ type: 'del', ...operation })
        else operations.push({ type: 'put', ...operation, ...this.#value(batch) })
      }
    }
    return { operations, bytes }
  }

  /** The part of a cleared range that is in the sublevel. */
  #clear(first: ByteView, last: ByteView): ChangeOperation<K, V> | undefined {
    const isFirstInside = this.#isInside(first)
    const isLastInside = this.#isInside(last)
    if ((!isFirstInside && !this.#isBefore(first)) || (!isLastInside && this.#isBefore(last))) return undefined
    return {
      type: 'clear',
      ...(isFirstInside && { gte: this.#key(first) }),
      ...(isLastInside && { lte: this.#key(last) }),
    }
  }

  #isInside({ bytes, start, end }: ByteView): boolean {
    const prefix = this.#prefix
    return end - start >= prefix.length && compareBytes(bytes, start, start + prefix.length, prefix, 0, prefix.length) === 0
  }

  /** Whether the key comes before those of the sublevel. */
  #isBefore({ bytes, start, end }: ByteView): boolean {
    const prefix = this.#prefix
    return compareBytes(bytes, start, end, prefix, 0, prefix.length) < 0
  }

  #value({ kind, value }: BatchReader): { readonly value: V; readonly expiresAt?: number } {
    if (kind !== KIND_PUT_EXPIRING) return { value: decode(this.#values, value) }
    const { bytes, start, end } = value
    const rest = new ByteView()
    rest.set(bytes, start + EXPIRY_BYTES, end)
    return { value: decode(this.#values, rest), expiresAt: readExpiry(bytes, start) }
  }

  #key({ bytes, start, end }: ByteView): K {
    const local = new ByteView()
    local.set(bytes, start + this.#prefix.length, end)
    return decode(this.#keys, local)
  }
}

function decode<T>(decoder: Decoder<T>, view: ByteView): T {
  try {
    return decoder.decode(ownedCopy(view, decoder.format))
  } catch (cause) {
    throw new KvariumError('LEVEL_DECODE_ERROR', 'A change could not be decoded', { cause })
  }
}

function notOpen(): KvariumError {
  return new KvariumError('LEVEL_ITERATOR_NOT_OPEN', 'The feed of changes is not open: cannot read after close()')
}

function checkOptions<K, V>({ since = 0, live = false, sublevel }: ChangesOptions<K, V>): void {
  if (!Number.isSafeInteger(since) || since < 0) {
    throw new MisuseError(
      'LEVEL_INVALID_OPTION',
      `Option "since" is ${String(since)}, but must be 0 or the sequence of a change or a snapshot`,
    )
  }
  if (typeof live !== 'boolean') throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "live" must be true or false')
  if (sublevel !== undefined && typeof sublevel.prefix !== 'string') {
    throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "sublevel" must be a sublevel of the store')
  }
}
