/**
 * Copies of stored bytes that the user owns. Small ones come from Node's buffer pool where there is one: 100 bytes of
 * their own cost 1.2 us in allocation and garbage collection, from the pool 0.1 us. Node marks its pool as not
 * transferable, so detaching one value cannot detach its neighbours.
 */
import { ByteView } from '../codec/entry.js'
import { encodeUtf8, readUtf8, writeUtf8 } from '../codec/text.js'

/** An encoded key or value as abstract-level passes it, in one of the formats that the store declares. */
export type Stored = string | Uint8Array
export type StoredFormat = 'utf8' | 'buffer' | 'view'

interface NodeBuffer {
  allocUnsafe(size: number): Uint8Array
}

const nodeBuffer = (globalThis as { Buffer?: NodeBuffer }).Buffer
/** Without Buffer the store does not declare the format `buffer`, and abstract-level uses `view`. */
export const HAS_BUFFER = nodeBuffer !== undefined
/** Larger values get memory of their own; Node's pool serves less than half of its 8 KiB. */
const POOLED_BYTES = 4095

/** The viewed bytes in a format. */
export function ownedCopy(view: ByteView, format: StoredFormat): Stored {
  if (format === 'utf8') return readUtf8(view.bytes, view.start, view.end)
  const length = view.end - view.start
  // Not `slice`: an engine may hand out a Buffer, whose slice shares memory.
  const isOwn = nodeBuffer === undefined || (format === 'view' && length > POOLED_BYTES)
  const copy = isOwn ? new Uint8Array(length) : nodeBuffer.allocUnsafe(length)
  copy.set(view.bytes.subarray(view.start, view.end))
  if (isOwn) return copy
  return format === 'buffer' ? copy : new Uint8Array(copy.buffer, copy.byteOffset, length)
}

/** A copy of an encoded key or value in a format. */
export function inFormat(stored: Stored, format: StoredFormat): Stored {
  if (typeof stored === 'string' && format === 'utf8') return stored
  const bytes = toBytes(stored)
  const view = new ByteView()
  view.set(bytes, 0, bytes.length)
  return ownedCopy(view, format)
}

export function toBytes(stored: Stored): Uint8Array {
  return typeof stored === 'string' ? encodeUtf8(stored) : stored
}

const SCRATCH_BYTES = 768
/** A UTF-16 unit takes at most three bytes in UTF-8. */
const SCRATCH_CHARACTERS = SCRATCH_BYTES / 3

/** Encodes the keys of look-ups into one scratch without allocating. It keeps one view per length. */
export class KeyScratch {
  readonly #bytes = new Uint8Array(SCRATCH_BYTES)
  readonly #views: (Uint8Array | undefined)[] = new Array<undefined>(SCRATCH_BYTES + 1).fill(undefined)

  /** The bytes of a key; valid until the next call. */
  encode(key: Stored): Uint8Array {
    if (typeof key !== 'string') return key
    if (key.length > SCRATCH_CHARACTERS) return encodeUtf8(key)
    return this.#first(writeUtf8(this.#bytes, key, 0))
  }

  /** `encode` with a copy of bytes, which the caller may change then. */
  copyOf(key: Stored): Uint8Array {
    if (typeof key === 'string') return this.encode(key)
    if (key.length > SCRATCH_BYTES) return Uint8Array.from(key)
    this.#bytes.set(key)
    return this.#first(key.length)
  }

  #first(length: number): Uint8Array {
    return (this.#views[length] ??= this.#bytes.subarray(0, length))
  }
}

/** Keys that a `KeyBatch` takes. */
export const BATCH_KEYS = 32
const BATCH_KEY_BYTES = 192
const BATCH_KEY_CHARACTERS = BATCH_KEY_BYTES / 3

/** Encodes several keys that are needed at the same time, otherwise like `KeyScratch`. */
export class KeyBatch {
  readonly keys: Uint8Array[] = []
  readonly #bytes = new Uint8Array(BATCH_KEYS * BATCH_KEY_BYTES)
  /** One view per length for each place in the batch. */
  readonly #views: Uint8Array[][] = Array.from({ length: BATCH_KEYS }, () => [])

  /** Makes `this.keys` those from `from` on, at most `BATCH_KEYS`; valid until the next call. Returns how many they are. */
  encode(keys: readonly Stored[], from: number): number {
    const count = Math.min(BATCH_KEYS, keys.length - from)
    for (let i = 0; i < count; i++) this.keys[i] = this.#encode(i, keys[from + i])
    return count
  }

  #encode(at: number, key: Stored): Uint8Array {
    if (typeof key !== 'string') return key
    if (key.length > BATCH_KEY_CHARACTERS) return encodeUtf8(key)
    const start = at * BATCH_KEY_BYTES
    const length = writeUtf8(this.#bytes, key, start)
    return (this.#views[at][length] ??= this.#bytes.subarray(start, start + length))
  }
}
