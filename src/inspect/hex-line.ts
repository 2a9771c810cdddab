/** A row of annotated hexadecimal digits as a line of text: for the terminal, for transcripts and for pages. */
import type { HexRow } from './annotated-hex.js'

/** Bytes per line. */
export const HEX_WIDTH = 8

/** Offset (at least `offsetDigits` digits), bytes, the same as text, and their meaning. A line without meaning ends in spaces. */
export function hexLine({ depth, offset, bytes, name = '', value, problem }: HexRow, offsetDigits: number): string {
  const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
  const text = Array.from(bytes, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
  const said = [value === undefined || value === '' ? name : `${name}: ${value}`, problem].filter(Boolean).join('; ')
  const left = `${offset.toString(16).padStart(offsetDigits, '0')}  ${digits.padEnd(HEX_WIDTH * 3 - 1)}  ${text.padEnd(HEX_WIDTH)}`
  return `${left}  ${'  '.repeat(depth)}${said}`
}
