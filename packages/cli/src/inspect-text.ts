/** The results of an inspection as lines for a terminal. */
import type { Fact, HexRow, Outline, Problem, Span } from 'kvarium/inspect'
import { hexLine } from 'kvarium/inspect'
import { count } from 'kvarium-lab/report'
import type { TextStyle } from 'kvarium-lab/report'

/** `!` is wrong, `?` is under a check that failed, `.` is not in use. */
function mark(state: { readonly problem?: string; readonly unverified?: boolean; readonly unused?: boolean }): string {
  if (state.problem !== undefined) return '!'
  return state.unverified === true ? '?' : state.unused === true ? '.' : ' '
}

function coloured(marked: string, text: string, style: TextStyle): string {
  if (marked === '!') return style.bad(text)
  return marked === ' ' ? text : style.dim(text)
}

export const PART_HEADING = '  offset          bytes  part'

export function partLine(span: Span, style: TextStyle): string {
  const { offset, length, name, value, problem } = span
  const marked = mark(span)
  const said = [value, problem].filter(text => text !== undefined && text !== '').join('; ')
  const line = `${marked} ${`0x${offset.toString(16)}`.padEnd(12)} ${count(length).padStart(8)}  ${name.padEnd(18)}  ${said}`.trimEnd()
  return coloured(marked, line, style)
}

/** The lines of the entries in a part; `+` marks offsets in decompressed contents. */
export function* entryLines(span: Span, style: TextStyle, isDecompressed = false): Generator<string> {
  if (span.entry === true) {
    const marked = mark(span)
    const where = `${isDecompressed ? '+' : ' '}0x${span.offset.toString(16)}`.padEnd(13)
    const said = [span.value, span.problem].filter(text => text !== undefined && text !== '').join('; ')
    yield coloured(marked, `${marked}  ${where} ${span.name.padEnd(12)}  ${said}`.trimEnd(), style)
    return
  }
  for (const child of span.children ?? []) yield* entryLines(child, style, isDecompressed)
  for (const child of span.decompressed?.spans ?? []) yield* entryLines(child, style, true)
}

export function hexLines(row: HexRow, style: TextStyle): string {
  const { problem, state, omitted, decompressed } = row
  const marked = mark({ ...(problem !== undefined && { problem }), unverified: state === 'unverified', unused: state === 'unused' })
  const line = coloured(marked, `${marked} ${decompressed === true ? '+' : ' '}${hexLine(row, 8)}`.trimEnd(), style)
  return omitted === undefined ? line : `${line}\n${' '.repeat(12)}... ${count(omitted)} more bytes`
}

export function factLines(facts: readonly Fact[], style: TextStyle): string[] {
  const width = Math.max(0, ...facts.map(({ name }) => name.length))
  return facts.map(({ name, value }) => `  ${style.dim(name.padEnd(width))}  ${typeof value === 'number' ? count(value) : value}`)
}

export function* outlineLines(outline: Outline, style: TextStyle, depth = 1): Generator<string> {
  const { label, problem, children = [] } = outline
  const line = '  '.repeat(depth) + label
  yield problem === undefined ? line : style.bad(`${line}; ${problem}`)
  for (const child of children) yield* outlineLines(child, style, depth + 1)
}

export function problemLine(problem: Problem, style: TextStyle): string {
  const { file, message, offset, length, expected, found } = problem
  const where =
    offset === undefined ? '' : ` at byte ${offset} (0x${offset.toString(16)})${length === undefined ? '' : `, ${count(length)} bytes`}`
  const checks = expected === undefined ? '' : `: the checksum of what is there is ${expected}, stored is ${found ?? 'none'}`
  return style.bad(`! ${file}${where}: ${message}${checks}`)
}
