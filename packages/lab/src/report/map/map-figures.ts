/** The drawings of a map: write against read amplification, and write against space. */
import { scatterChart, type ScatterPoint } from '../charts/scatter-chart.js'
import type { Axis } from '../charts/frame.js'
import type { Figure, FigureGroup } from '../figure.js'
import { plain, times } from '../numbers.js'
import type { RunReport } from '../run-report.js'
import { AXES, designMap, type AxisName, type DesignMap, type DesignPoint } from './design-map.js'

const LABELS: Readonly<Record<AxisName, string>> = {
  write: 'write amplification: bytes written per byte of the user',
  read: 'bytes read from files per byte asked for',
  space: 'bytes of files per live byte, mean over the run',
}

/** An axis is logarithmic if its largest value is more than this many times the least. */
const WIDE_RANGE = 6
/** Such an axis ends a little beyond its values, not at the next power of ten. */
const MARGIN = 1.15

export function mapFigures(report: RunReport): FigureGroup[] {
  const design = designMap(report)
  if (design === undefined) return []
  return [
    {
      id: 'map-drawings',
      title: 'The map',
      figures: [
        figure(design, 'read', 'space', 'Write and read amplification'),
        figure(design, 'space', 'read', 'Write and space amplification'),
      ],
    },
  ]
}

/** @param third - The amplification that the area of a point shows. */
function figure(design: DesignMap, vertical: AxisName, third: AxisName, title: string): Figure {
  const { frontier, others, families, suggested } = design
  const points = [...others, ...frontier]
  const about = {
    id: `map-write-${vertical}`,
    title,
    description:
      `Less is better on both axes. The area of a point shows its ${third} amplification. Filled points with numbers are on the frontier: no other point beats them ` +
      `in write, read and space at once. A line leads from each to the cross of its prediction. ${suggested.engine.name}, with a ring, is suggested.`,
  }
  const axis = (name: AxisName): Axis => axisFor(name, points)
  return {
    ...about,
    definition: 'designMap',
    drawing: scatterChart({
      ...about,
      x: axis('write'),
      y: axis(vertical),
      families: families.map((name, look) => ({ name, look })),
      points: points.map(point => scatterPoint(point, design, vertical, third)),
    }),
    table: {
      head: ['point', 'on the frontier', ...AXES.flatMap(name => [name, `${name}, predicted`])],
      rows: [...frontier, ...others].map(({ engine, number, measured, predicted }) => [
        engine.name,
        number === undefined ? 'no' : engine.name === suggested.engine.name ? `${number}, suggested` : String(number),
        ...AXES.flatMap(name => {
          const foreseen = predicted[name]
          return [times(measured[name]), foreseen === undefined ? '–' : times(foreseen)]
        }),
      ]),
    },
  }
}

function axisFor(name: AxisName, points: readonly DesignPoint[]): Axis {
  const values = points.flatMap(({ measured, predicted }) => [measured[name], predicted[name] ?? measured[name]])
  const positive = values.filter(value => value > 0)
  const [low, high] = [Math.min(...positive), Math.max(...positive)]
  const isLog = positive.length === values.length && high / low > WIDE_RANGE
  return { label: LABELS[name], format: plain, ...(isLog && { scale: 'log', domain: [low / MARGIN, high * MARGIN] }) }
}

function scatterPoint(
  point: DesignPoint,
  { families, suggested, frontier, others }: DesignMap,
  vertical: AxisName,
  third: AxisName,
): ScatterPoint {
  const { engine, measured, predicted, family, number } = point
  const [x, y] = [predicted.write, predicted[vertical]]
  const most = [...frontier, ...others].reduce((sum, one) => Math.max(sum, one.measured[third]), 0)
  const amounts = AXES.map(axis => `${axis} ${times(measured[axis])}`).join(', ')
  return {
    title: `${engine.name}: ${amounts}`,
    look: families.indexOf(family),
    x: measured.write,
    y: measured[vertical],
    share: most === 0 ? 1 : measured[third] / most,
    ...(number !== undefined && { label: String(number) }),
    ...(number !== undefined && x !== undefined && y !== undefined && { predicted: { x, y } }),
    isRinged: engine.name === suggested.engine.name,
  }
}
