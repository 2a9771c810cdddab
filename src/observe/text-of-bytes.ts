import { hexOf } from '../codec/text.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes decoded as UTF-8; `undefined` if they are not valid. */
export function textOfBytes(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The text in quotes, or the hexadecimal digits of bytes that are none. */
export function shownBytes(bytes: Uint8Array): string {
  const text = textOfBytes(bytes)
  return text === undefined ? `0x${hexOf(bytes)}` : JSON.stringify(text)
}
