/** Keys and values on the command line. */
import { Option, type Command } from 'commander'
import { msgpack } from 'kvarium'
import { hexOf, printableText } from 'kvarium/inspect'
import { visibleText } from 'kvarium/observe'
import { UsageError } from './usage-error.js'

export type KeyEncoding = 'utf8' | 'hex' | 'base64'
export type ValueEncoding = KeyEncoding | 'json' | 'msgpack'

const KEY_ENCODINGS: readonly KeyEncoding[] = ['utf8', 'hex', 'base64']
const VALUE_ENCODINGS: readonly ValueEncoding[] = [...KEY_ENCODINGS, 'json', 'msgpack']

export interface EncodingFlags {
  readonly keyEncoding: KeyEncoding
  readonly valueEncoding: ValueEncoding
  readonly hex?: true
}

export function addKeyEncoding(command: Command): Command {
  return command.addOption(new Option('-k, --key-encoding <name>', 'how keys are written').choices(KEY_ENCODINGS).default('utf8'))
}

export function addEncodings(command: Command): Command {
  return addKeyEncoding(command)
    .addOption(
      new Option('-v, --value-encoding <name>', 'how values are written; msgpack is shown as JSON')
        .choices(VALUE_ENCODINGS)
        .default('utf8'),
    )
    .option('-x, --hex', 'short for --key-encoding hex --value-encoding hex')
}

/** The encodings of the flags; `--hex` applies to those not chosen explicitly. */
export function encodingsOf({ keyEncoding, valueEncoding, hex }: EncodingFlags): {
  readonly key: KeyEncoding
  readonly value: ValueEncoding
} {
  if (hex !== true) return { key: keyEncoding, value: valueEncoding }
  return { key: keyEncoding === 'utf8' ? 'hex' : keyEncoding, value: valueEncoding === 'utf8' ? 'hex' : valueEncoding }
}

export function decodeKey(text: string, encoding: KeyEncoding): Uint8Array {
  return fromText(text, encoding, 'key')
}

/** A key as text; one that is not printable becomes hexadecimal digits behind `0x`. */
export function encodeKey(key: Uint8Array, encoding: KeyEncoding): string {
  return encoding === 'utf8' ? (printableText(key) ?? `0x${hexOf(key)}`) : Buffer.from(key).toString(encoding)
}

export function decodeValue(text: string, encoding: ValueEncoding): Uint8Array {
  if (encoding !== 'json' && encoding !== 'msgpack') return fromText(text, encoding, 'value')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`The value is not JSON: ${(error as Error).message}`)
  }
  return encoding === 'json' ? new TextEncoder().encode(JSON.stringify(value)) : msgpack.encode(value)
}

/** A value for a line of text. */
export function encodeValue(value: Uint8Array, encoding: ValueEncoding): string {
  switch (encoding) {
    case 'utf8':
      return printableText(value) ?? `0x${hexOf(value)}`
    case 'json':
    case 'msgpack':
      return visibleText(JSON.stringify(structured(value, encoding), readableBytes))
    case 'hex':
    case 'base64':
      return Buffer.from(value).toString(encoding)
  }
}

/** A value for JSON output: bytes that are not text as `{ "hex": … }`. */
export function valueForJson(value: Uint8Array, encoding: ValueEncoding): unknown {
  if (encoding === 'json' || encoding === 'msgpack') return structured(value, encoding)
  if (encoding !== 'utf8') return Buffer.from(value).toString(encoding)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    return { hex: hexOf(value) }
  }
}

/** Values that JSON cannot represent: bytes become base64, large integers text. */
export function readableBytes(this: unknown, name: string, value: unknown): unknown {
  const original = (this as Readonly<Record<string, unknown>>)[name]
  if (original instanceof Uint8Array) return Buffer.from(original).toString('base64')
  return typeof value === 'bigint' ? String(value) : value
}

function structured(value: Uint8Array, encoding: 'json' | 'msgpack'): unknown {
  try {
    return encoding === 'json' ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)) : (msgpack.decode(value) as unknown)
  } catch {
    throw new UsageError(`A value is not ${encoding === 'json' ? 'JSON' : 'MessagePack'}: ask for it as --value-encoding utf8 or hex`)
  }
}

function fromText(text: string, encoding: KeyEncoding, what: string): Uint8Array {
  if (encoding === 'utf8') return new TextEncoder().encode(text)
  const bytes = Buffer.from(text, encoding)
  const isExact = encoding === 'hex' ? bytes.length * 2 === text.length : /^[A-Za-z0-9+/_-]*=*$/.test(text)
  if (isExact) return new Uint8Array(bytes)
  throw new UsageError(
    `The ${what} "${visibleText(text)}" is not ${encoding === 'hex' ? 'an even number of hexadecimal digits' : 'base64'}`,
  )
}
