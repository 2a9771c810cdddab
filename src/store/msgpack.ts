import { Packr } from 'msgpackr/pack'
import type { Transcoder } from 'abstract-level'
import { MisuseError } from '../errors.js'

/** The name of the encoding in `valueEncoding`. */
export const MSGPACK = 'msgpack'

// Plain maps, no record extension: its shared structures would make a value unreadable without the ones before it.
const packr = new Packr({ useRecords: false, copyBuffers: true })

/**
 * Values as MessagePack: `valueEncoding: 'msgpack'` in a Kvarium, or this object in any other abstract-level store.
 * Faster and smaller than JSON, and keeps what JSON loses: binary data, dates, bigints of 64 bits, NaN and infinities.
 *
 * Not kept: a `Map` comes back as an object, a `Set` as an array, a function as `undefined`; `-0` becomes `0`; instances
 * of classes become plain objects, errors and regular expressions arrays, typed arrays bytes.
 * Not for keys: packed numbers and strings of different lengths do not sort like the originals.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the type of a value is the user's to say, on the store
export const msgpack: Transcoder.IEncoding<any, Uint8Array, any> = {
  name: MSGPACK,
  format: 'view',
  encode: value => packr.pack(value),
  decode: bytes => packr.unpack(bytes) as unknown,
}

interface EncodingOptions {
  readonly keyEncoding?: unknown
  readonly valueEncoding?: unknown
}

/** The same options with the encoding in place of its name, which abstract-level does not know before it has seen it. */
export function withMsgpack<T extends EncodingOptions>(options: T): T {
  if (options.keyEncoding === MSGPACK || options.keyEncoding === msgpack) {
    throw new MisuseError(
      'LEVEL_ENCODING_NOT_SUPPORTED',
      'The encoding "msgpack" is for values: packed keys do not sort like the originals. Use another keyEncoding',
    )
  }
  return options.valueEncoding === MSGPACK ? { ...options, valueEncoding: msgpack } : options
}
