/** Little-endian unsigned numbers of 1 to 7 bytes, exact up to 2^53 - 1. */

export function readNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]
  return value
}

export function writeNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let i = 0; i < length; i++) {
    bytes[at + i] = value
    value = Math.floor(value / 256)
  }
}
