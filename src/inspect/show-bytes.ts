/** Keys and values for display: text in quotes where it is text, hexadecimal digits elsewhere. */
import { printableText, quotedText } from '../codec/shown-text.js'
import { hexOf } from '../codec/text.js'

/** At most `limit` bytes, followed by the total if there are more. */
export function showBytes(bytes: Uint8Array, limit: number): string {
  if (bytes.length <= limit) return whole(bytes)
  let end = limit
  // Not in the middle of a character.
  while (end > 0 && end > limit - 4 && (bytes[end] & 0xc0) === 0x80) end--
  return `${whole(bytes.subarray(0, end))}... (${bytes.length} bytes)`
}

/** An offset as the documents write it. */
export function place(offset: number): string {
  return `0x${offset.toString(16)}`
}

export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`
}

function whole(bytes: Uint8Array): string {
  const text = printableText(bytes)
  return text === undefined ? `0x${hexOf(bytes)}` : quotedText(text)
}
