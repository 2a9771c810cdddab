/**
 * UTF-8 in and out of byte arrays in place. Node's Buffer does this several times faster than TextEncoder on short
 * strings; where there is no Buffer (a browser) the standard encoder does the same work.
 */
interface NodeBuffer {
  readonly prototype: {
    utf8Write(this: Uint8Array, text: string, offset: number, length: number): number
    utf8Slice(this: Uint8Array, start: number, end: number): string
    latin1Slice(this: Uint8Array, start: number, end: number): string
    latin1Write(this: Uint8Array, text: string, offset: number, length: number): number
  }
  byteLength(text: string): number
}

const nodeBuffer = (globalThis as { Buffer?: NodeBuffer }).Buffer
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Arguments of one call. */
const LATIN1_PIECE = 4096

/** Length of `text` in UTF-8 bytes; lone surrogates count as U+FFFD, three bytes. */
export function utf8Length(text: string): number {
  return nodeBuffer === undefined ? encoder.encode(text).length : nodeBuffer.byteLength(text)
}

/** ASCII of up to this length is written without a call out of JavaScript, which takes as long as 30 characters here. */
const SHORT_CHARACTERS = 24

/** Writes `text` at `start`; there must be room for `utf8Length(text)` bytes. Returns the number of bytes written. */
export function writeUtf8(bytes: Uint8Array, text: string, start: number): number {
  const { length } = text
  if (length <= SHORT_CHARACTERS) {
    let at = 0
    for (; at < length; at++) {
      const unit = text.charCodeAt(at)
      if (unit >= 0x80) break
      bytes[start + at] = unit
    }
    if (at === length) return length
  }
  if (nodeBuffer !== undefined) return nodeBuffer.prototype.utf8Write.call(bytes, text, start, bytes.length - start)
  return encoder.encodeInto(text, bytes.subarray(start)).written
}

export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (nodeBuffer !== undefined) return nodeBuffer.prototype.utf8Slice.call(bytes, start, end)
  return decoder.decode(bytes.subarray(start, end))
}

/** One character per byte, U+0000 to U+00FF: such texts compare as their bytes do. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (nodeBuffer !== undefined) return nodeBuffer.prototype.latin1Slice.call(bytes, start, end)
  let text = ''
  for (let at = start; at < end; at += LATIN1_PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + LATIN1_PIECE)))
  }
  return text
}

/** The bytes of a text of `readLatin1`. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  if (nodeBuffer !== undefined) nodeBuffer.prototype.latin1Write.call(bytes, text, 0, text.length)
  else for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Two digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
