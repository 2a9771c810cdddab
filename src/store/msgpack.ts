import { Packr as PackrAlone } from 'msgpackr/pack'
import type * as Msgpackr from 'msgpackr'
import type { Transcoder } from 'abstract-level'
import { MisuseError } from '../errors.js'

type Packr = Msgpackr.Packr
// The entry without native code, which has no type declarations of its own.
const Packr = PackrAlone as unknown as typeof Msgpackr.Packr

/** The name of the encoding in `valueEncoding`. */
export const MSGPACK = 'msgpack'

// Plain maps, no record extension: with its shared structures a value is unreadable without the values before it.
const packr = refusingFunctions(new Packr({ useRecords: false, copyBuffers: true }))
/** For objects with more keys than the quicker form of a map can have. */
const widePackr = refusingFunctions(new Packr({ useRecords: false, copyBuffers: true, variableMapSize: true }))
/** Reads maps with every key as it was written; `packr` renames the key `__proto__`. */
const mapPackr = new Packr({ useRecords: false, copyBuffers: true, mapsAsObjects: false })

/** msgpackr would store a function as `undefined`. */
function refusingFunctions(maker: Packr): Packr {
  return Object.assign(maker, {
    writeFunction: () => {
      throw new TypeError('a function')
    },
  })
}

/**
 * Values as MessagePack: `valueEncoding: 'msgpack'` in a Kvarium, or this object in any other abstract-level store.
 * Faster and smaller than JSON, and keeps what JSON loses: binary data, dates, bigints of 64 bits, NaN and infinities.
 *
 * Not kept: a `Map` comes back as an object, a `Set` as an array; `-0` becomes `0`; instances of classes become plain objects, errors
 * and regular expressions arrays, typed arrays bytes. Functions, symbols, bigints of more than 64 bits and objects that contain
 * themselves are refused, with the path to them.
 * Not for keys: packed numbers and strings of different lengths do not sort like the originals.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the store's type parameter says the type of a value
export const msgpack: Transcoder.IEncoding<any, Uint8Array, any> = {
  name: MSGPACK,
  format: 'view',
  encode,
  decode: bytes => (mayNamePrototype(bytes) ? objectsOf(mapPackr.unpack(bytes)) : packr.unpack(bytes)) as unknown,
}

function encode(value: unknown): Uint8Array {
  try {
    return packr.pack(value)
  } catch (error) {
    const problem = problemIn(value, 'the value', [])
    if (problem !== undefined) throw new MisuseError('LEVEL_ENCODING_ERROR', problem)
    if (!/variableMapSize/.test(String(error))) throw error
  }
  return widePackr.pack(value)
}

/** Says which part of a value MessagePack cannot represent, where it is, and what to do; `undefined` if there is none. */
function problemIn(value: unknown, path: string, within: readonly object[]): string | undefined {
  if (typeof value === 'bigint' && (value >= 1n << 64n || value < -(1n << 63n))) {
    return `Cannot encode as msgpack: ${path} is a bigint outside of -(2^63) to 2^64 - 1. Store it as a string`
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    return `Cannot encode as msgpack: ${path} is a ${typeof value}. Leave it out, or store what it stands for`
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  if (within.includes(value)) return `Cannot encode as msgpack: ${path} contains itself. Store a reference to it, such as its key`
  const inside = [...within, value]
  const parts: Iterable<readonly [unknown, unknown]> =
    Array.isArray(value) || value instanceof Set || value instanceof Map ? value.entries() : Object.entries(value)
  for (const [key, part] of parts) {
    const problem = problemIn(part, `${path}[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`, inside)
    if (problem !== undefined) return problem
  }
  return undefined
}

const PROTOTYPE = [...'__proto__'].map(letter => letter.charCodeAt(0))

/** Whether the text `__proto__` is anywhere in the bytes. */
function mayNamePrototype(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(PROTOTYPE[0]); at !== -1; at = bytes.indexOf(PROTOTYPE[0], at + 1)) {
    if (PROTOTYPE.every((letter, i) => bytes[at + i] === letter)) return true
  }
  return false
}

/** The same value with objects in place of maps. A key `__proto__` becomes an own property like any other. */
function objectsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(objectsOf)
  if (!(value instanceof Map)) return value
  const object = {}
  for (const [key, part] of value) {
    Object.defineProperty(object, String(key), { value: objectsOf(part), writable: true, enumerable: true, configurable: true })
  }
  return object
}

interface EncodingOptions {
  readonly keyEncoding?: unknown
  readonly valueEncoding?: unknown
}

/** The same options with the encoding in place of its name: abstract-level knows the name only after it has seen the encoding. */
export function withMsgpack<T extends EncodingOptions>(options: T): T {
  if (options.keyEncoding === MSGPACK || options.keyEncoding === msgpack) {
    throw new MisuseError(
      'LEVEL_ENCODING_NOT_SUPPORTED',
      'The encoding "msgpack" is for values: packed keys do not sort like the originals. Use another keyEncoding',
    )
  }
  return options.valueEncoding === MSGPACK ? { ...options, valueEncoding: msgpack } : options
}
