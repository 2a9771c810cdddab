/** The bits of a filter, in rows. */

export interface BitRowsOptions {
  /** Bits in a row. */
  readonly width: number
  /** Positions to mark: a 1 under the first, a 2 under the second. */
  readonly marked?: readonly number[]
}

/** The first `count` bits, the lowest of each byte first, each row with the position of its first bit. */
export function bitRows(bytes: Uint8Array, count: number, { width, marked = [] }: BitRowsOptions): string[] {
  const lines: string[] = []
  for (let from = 0; from < count; from += width) {
    const positions = Array.from({ length: Math.min(width, count - from) }, (_, i) => from + i)
    lines.push(row(from, positions, at => String((bytes[at >>> 3] >>> (at & 7)) & 1)))
    if (positions.some(at => marked.includes(at))) lines.push(row('', positions, at => mark(marked.indexOf(at))))
  }
  return lines
}

function mark(index: number): string {
  return index < 0 ? ' ' : String(index + 1)
}

/** A row in groups of eight. */
function row(label: number | string, positions: readonly number[], cell: (at: number) => string): string {
  const cells = positions.map(at => (at % 8 === 0 ? ` ${cell(at)}` : cell(at))).join('')
  return `${String(label).padStart(4)} ${cells}`.trimEnd()
}
