/**
 * Texts and bytes for display: in sentences, tables, titles, names of files and on terminals. Every character in them can be seen, and none
 * moves others. Keys come from anywhere: a control character would command a terminal, and a mark of direction would turn a line around.
 */
import { hexOf } from './text.js'

/**
 * Control characters, marks of direction and others without a picture of their own, halves of surrogate pairs, characters for private use, and
 * every space that is not the usual one.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Z}/gu
/** What changes a terminal or the order of characters, or is no character. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes decoded as UTF-8; `undefined` if they are not valid. */
export function textOfBytes(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The bytes as text that can be written out as it is, or `undefined`: values have spaces of all kinds, and signs that only join others. */
export function printableText(bytes: Uint8Array): string | undefined {
  const text = textOfBytes(bytes)
  return text === undefined || UNPRINTABLE.test(text) ? undefined : text
}

/** Whether a text has only characters that can be seen, and spaces. */
export function isVisible(text: string): boolean {
  return text.search(UNSEEN) < 0
}

/** The text with an escape of JSON in the place of every character that cannot be seen. In JSON on one line, it is the same JSON. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, character =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}

/** The text in quotes with JSON's escapes; every character in it can be seen. `JSON.parse` gives the text again. */
export function quotedText(text: string): string {
  return visibleText(JSON.stringify(text))
}

/** The text, cut to at most `most` characters with `mark` at its end; never in the middle of a pair of surrogates. */
export function shortText(text: string, most: number, mark = '...'): string {
  if (text.length <= most) return text
  const end = most - mark.length
  const isHalf = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return text.slice(0, isHalf ? end - 1 : end) + mark
}

/** The text in quotes, or the hexadecimal digits of bytes that are none. */
export function shownBytes(bytes: Uint8Array): string {
  const text = textOfBytes(bytes)
  return text === undefined ? `0x${hexOf(bytes)}` : quotedText(text)
}
