/** Points in a plane, as text. */

export interface Point {
  /** One letter. */
  readonly mark: string
  readonly x: number
  readonly y: number
}

export interface Axis {
  readonly name: string
  /** The end of the axis; it begins at 0. */
  readonly to: number
}

const COLUMNS = 60
const ROWS = 12

/** Draws points on two linear axes that begin at 0. If several points share a place, the first one is drawn. */
export function scatter(points: readonly Point[], x: Axis, y: Axis): string[] {
  const column = (point: Point): number => Math.round((point.x / x.to) * COLUMNS)
  const row = (point: Point): number => Math.round((point.y / y.to) * ROWS)
  const lines = [`       ${y.name}`]
  for (let at = ROWS; at >= 0; at--) {
    const cells = Array.from({ length: COLUMNS + 1 }, (_, i) => points.find(each => row(each) === at && column(each) === i)?.mark ?? ' ')
    const label = at % 4 === 0 ? ((y.to * at) / ROWS).toFixed(1) : ''
    lines.push(`${label.padStart(6)} |${cells.join('')}`.trimEnd())
  }
  const ticks = [0, 1, 2, 3, 4].map(quarter => ((x.to * quarter) / 4).toFixed(1).padEnd(COLUMNS / 4))
  return [...lines, `       +${'-'.repeat(COLUMNS)}`, `        ${ticks.join('')}`.trimEnd(), `        ${x.name}`]
}
