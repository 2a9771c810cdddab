import type { HexRow } from '../../src/inspect/annotated-hex.js'

/** Bytes on one line. */
export const HEX_WIDTH = 8

/** A row of annotated hex: offset, bytes, the same as text, what they are. */
export function hexLine({ depth, offset, bytes, name = '', value, problem, omitted }: HexRow): string {
  const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
  const text = Array.from(bytes, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
  const said = [value === undefined || value === '' ? name : `${name}: ${value}`, problem].filter(Boolean).join('; ')
  const more = omitted === undefined ? '' : ` ... ${omitted} more bytes`
  const left = `${offset.toString(16).padStart(6, '0')}  ${digits.padEnd(HEX_WIDTH * 3 - 1)}  ${text.padEnd(HEX_WIDTH)}`
  return `${left}  ${'  '.repeat(depth)}${said}${more}`.trimEnd()
}
