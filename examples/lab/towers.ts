/** A skiplist as drawn in the papers: a line for every level, a column for every tower. */
import type { SearchStep } from '../../src/trace/events.js'

export interface Tower {
  readonly key: string
  /** At least 1. */
  readonly height: number
}

/**
 * The towers in the order of their keys. With the path of a search, the nodes where it stood are `#` on that level, and those
 * that it only compared with the key are `?`.
 */
export function drawTowers(towers: readonly Tower[], path: readonly SearchStep[] = []): string[] {
  const widths = towers.map(({ key }) => key.length + 2)
  const highest = Math.max(...towers.map(({ height }) => height))
  const lines: string[] = []
  // Column 0 is the head, in front of all towers.
  let column = -1
  for (let level = highest - 1; level >= 0; level--) {
    const step = path.find(each => each.level === level)
    const marks = new Map<number, string>()
    if (step !== undefined) {
      marks.set(column, '#')
      for (let compared = 0; compared < step.comparisons; compared++) {
        const next = nextOn(towers, level, column)
        marks.set(next, compared < step.forward ? '#' : '?')
        if (compared < step.forward) column = next
      }
    }
    const cells = towers.map(({ height }, i) => (height > level ? (marks.get(i) ?? 'o') : '-').padEnd(widths[i], '-'))
    lines.push(`level ${level}  ${marks.get(-1) ?? 'o'}----${cells.join('')}|`)
  }
  return [...lines, `         head ${towers.map(({ key }, i) => key.padEnd(widths[i])).join('')}`.trimEnd()]
}

function nextOn(towers: readonly Tower[], level: number, from: number): number {
  return towers.findIndex(({ height }, i) => i > from && height > level)
}
