/**
 * The expiry of an entry: the moment from which on no read shows it, in milliseconds since the Unix epoch. It stands in front of the value
 * of a `KIND_PUT_EXPIRING`, in 6 bytes, little-endian, wherever that value is stored: logs, memtables, tables and pages.
 */
import { KIND_PUT_EXPIRING, type ByteView, type EntryKind } from './entry.js'

export const EXPIRY_BYTES = 6
/** The last moment that can be written, in the year 10889. */
export const MAX_EXPIRY = 2 ** 48 - 1
/** The time of a reader that sees entries whether or not they have expired. */
export const BEFORE_EVERY_EXPIRY = -Infinity

export function writeExpiry(bytes: Uint8Array, at: number, expiry: number): void {
  const low = expiry >>> 0
  const high = Math.floor(expiry / 0x1_0000_0000)
  bytes[at] = low
  bytes[at + 1] = low >>> 8
  bytes[at + 2] = low >>> 16
  bytes[at + 3] = low >>> 24
  bytes[at + 4] = high
  bytes[at + 5] = high >>> 8
}

export function readExpiry(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
  return low + (bytes[at + 4] | (bytes[at + 5] << 8)) * 0x1_0000_0000
}

/** Whether an entry with this stored value is hidden at `now`. */
export function isExpired(kind: EntryKind, value: ByteView, now: number): boolean {
  return kind === KIND_PUT_EXPIRING && readExpiry(value.bytes, value.start) <= now
}

/** Takes the expiry off a stored value that is not hidden at `now`, and returns it; `undefined` if it is hidden. */
export function takeExpiry(value: ByteView, now: number): number | undefined {
  const expiry = readExpiry(value.bytes, value.start)
  if (expiry <= now) return undefined
  value.start += EXPIRY_BYTES
  return expiry
}

/** A stored value in two parts, each a copy. */
export function splitExpiring(stored: Uint8Array): { readonly value: Uint8Array; readonly expiresAt: number } {
  return { value: new Uint8Array(stored.subarray(EXPIRY_BYTES)), expiresAt: readExpiry(stored, 0) }
}
