/**
 * Keys as texts with one character per byte. Such texts are equal, and compare, as the bytes do, so they serve as keys of a Map and as bounds,
 * and a key of ASCII is its own text.
 */
import { encodeLatin1, encodeUtf8, readLatin1 } from '../../codec/text.js'
import type { Stored } from '../owned-bytes.js'

export type KeyText = string

/** The keys from `lower` (included) to `upper` (excluded); `undefined` leaves the end open. */
export interface TextRange {
  readonly lower: KeyText
  readonly upper: KeyText | undefined
}

export function keyText(key: Stored): KeyText {
  if (typeof key !== 'string') return readLatin1(key, 0, key.length)
  return isAscii(key) ? key : keyText(encodeUtf8(key))
}

export function keyBytes(text: KeyText): Uint8Array {
  return encodeLatin1(text)
}

/** The text of the smallest key after this one. */
export function textAfter(text: KeyText): KeyText {
  return `${text}\0`
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false
  return true
}
