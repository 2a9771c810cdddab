/** Two columns of paragraphs, for two engines that do the same work. */
import { wrap } from './transcript.js'

const COLUMN = 46

/** `left` and `right` are paragraphs, and begin at the same line. */
export function sideBySide(heads: readonly [string, string], left: readonly string[], right: readonly string[]): string[] {
  const columns = [left, right].map(paragraphs => paragraphs.flatMap(text => wrap(`- ${text}`, '  ', COLUMN).split('\n')))
  const height = Math.max(...columns.map(({ length }) => length))
  const row = (a: string, b: string): string => `${a.padEnd(COLUMN)} | ${b}`.trimEnd()
  const rows = Array.from({ length: height }, (_, line) => row(columns[0][line] ?? '', columns[1][line] ?? ''))
  return [row(...heads), row('-'.repeat(COLUMN), '-'.repeat(COLUMN)), ...rows]
}
