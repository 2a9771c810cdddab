/** The three amplifications over time: bytes written per user byte by part, blocks per get, and file bytes per live byte. */
import type { JSX } from 'preact'
import type { LedgerPicture, LedgerSample } from '../../views/ledger-fold.js'
import { bytes, number } from '../format.js'
import { PredictionPlace, usePrediction } from './prediction-place.js'
import type { DrawingProps } from './drawing.js'
import { TableHead } from '../table-head.js'

type WrittenPart = keyof LedgerSample['written']

/** From the bottom up. */
const PARTS: readonly { readonly part: WrittenPart; readonly name: string }[] = [
  { part: 'log', name: 'log' },
  { part: 'flush', name: 'flush' },
  { part: 'compaction', name: 'compaction' },
  { part: 'page', name: 'pages' },
  { part: 'meta', name: 'meta' },
  { part: 'backup', name: 'backup' },
]
const READ_NAMES = { open: 'opening', get: 'gets', scan: 'scans', compaction: 'compaction', changes: 'changes', backup: 'backup' }

const WIDTH = 420
const LEFT = 38
const RIGHT = 6
const TABLE_ROWS = 12
/** Length of the line of what is predicted. */
const MARK = 90

export function Ledger({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.ledger
  const prediction = usePrediction(index)
  if (picture === undefined) return null
  const { now } = picture
  const { marks } = prediction.answer ?? {}
  if (now.operations === 0) return <p>No operation has ended yet.</p>
  const rows = [...picture.samples, now]
  const parts = PARTS.filter(({ part }) => now.written[part] > 0)
  const id = `ledger-${index}`
  return (
    <div class="ledger">
      <p>
        After {number(now.operations)} operations: {written(now).toFixed(2)} bytes written per user byte
        {now.gets === 0
          ? ''
          : `, ${(now.blocks / now.gets).toFixed(2)} blocks per get (${(now.blocksFromDisk / now.gets).toFixed(2)} from disk)`}
        ,{' '}
        {now.liveBytes === 0
          ? 'nothing live'
          : `${space(now).toFixed(2)} bytes of files per live byte${picture.areLiveBytesEstimated ? ' (estimated)' : ''}`}
        .
      </p>
      <Chart
        title="Bytes written per user byte, by part, summed from the beginning"
        id={id}
        height={130}
        rows={rows}
        valueOf={written}
        mark={marks?.written}
      >
        {scale => (
          <>
            <Patterns id={id} />
            {parts.map(({ part }, at) => (
              <path
                key={part}
                class="layer"
                fill={`url(#${id}-${PARTS.findIndex(each => each.part === part)})`}
                d={areaOf(rows, scale, parts.slice(0, at), part)}
              />
            ))}
          </>
        )}
      </Chart>
      <ul class="legend" aria-label="Bytes written per user byte now, by part">
        {parts.map(({ part, name }) => (
          <li key={part}>
            <svg width="16" height="12" aria-hidden="true">
              <rect class="layer" width="16" height="12" fill={`url(#${id}-${PARTS.findIndex(each => each.part === part)})`} />
            </svg>{' '}
            {name} {ratio(now.written[part], now.userBytes).toFixed(2)}
          </li>
        ))}
      </ul>
      {now.gets === 0 ? null : (
        <Chart
          title="Blocks or pages per get, summed from the beginning"
          id={`${id}-gets`}
          height={70}
          rows={rows}
          valueOf={blocks}
          mark={marks?.blocks}
        >
          {scale => <path class="line c1" d={lineOf(rows, scale, blocks)} />}
        </Chart>
      )}
      <Chart
        title={`Bytes of files per live byte${picture.areLiveBytesEstimated ? ', estimated' : ''}`}
        id={`${id}-space`}
        height={70}
        rows={rows}
        valueOf={space}
        mark={marks?.space}
      >
        {scale => <path class="line c4" d={lineOf(rows, scale, space)} />}
      </Chart>
      <PredictionPlace asked={prediction} name={lane.name} />
      <Figures picture={picture} />
    </div>
  )
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b
}

function written(sample: LedgerSample): number {
  return ratio(
    PARTS.reduce((sum, { part }) => sum + sample.written[part], 0),
    sample.userBytes,
  )
}

function blocks({ blocks: touched, gets }: LedgerSample): number {
  return ratio(touched, gets)
}

function space({ fileBytes, liveBytes }: LedgerSample): number {
  return ratio(fileBytes, liveBytes)
}

interface Scale {
  readonly x: (operations: number) => number
  readonly y: (value: number) => number
}

interface ChartProps {
  readonly title: string
  readonly id: string
  readonly height: number
  readonly rows: readonly LedgerSample[]
  readonly valueOf: (sample: LedgerSample) => number
  /** What is predicted for now. */
  readonly mark: number | undefined
  readonly children: (scale: Scale) => JSX.Element
}

function Chart({ title, id, height, rows, valueOf, mark, children }: ChartProps): JSX.Element {
  const [top, bottom] = [6, height - 16]
  const from = rows[0].operations
  const to = Math.max(from + 1, rows.at(-1)!.operations)
  // The first operations pay for all that opening has written: a peak that would press the rest flat.
  const settled = rows.slice(Math.floor(rows.length / 5))
  const most = niceAbove(1.15 * Math.max(mark ?? 0, ...settled.map(valueOf)))
  const isCut = Math.max(...rows.map(valueOf)) > most
  const scale: Scale = {
    x: operations => round(LEFT + ((WIDTH - LEFT - RIGHT) * (operations - from)) / (to - from)),
    y: value => round(bottom - ((bottom - top) * value) / most),
  }
  return (
    <>
      <h4>
        {title}
        {isCut ? ' (the peak at the beginning is cut off)' : ''}
      </h4>
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={chartText(title, rows, valueOf, mark)}>
        <clipPath id={`${id}-clip`}>
          <rect x={LEFT} y={top} width={WIDTH - LEFT - RIGHT} height={bottom - top} />
        </clipPath>
        {[0, most / 2, most].map(value => (
          <g key={value}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={scale.y(value)} y2={scale.y(value)} />
            <text class="tick" x={LEFT - 4} y={scale.y(value) + 4} text-anchor="end">
              {Number(value.toPrecision(3))}
            </text>
          </g>
        ))}
        <g clip-path={`url(#${id}-clip)`}>{children(scale)}</g>
        {mark === undefined ? null : (
          <g class="predicted">
            <path d={`M${WIDTH - RIGHT - MARK} ${scale.y(mark)}H${WIDTH - RIGHT}`} />
            <text class="tick" x={WIDTH - RIGHT} y={scale.y(mark) - 4} text-anchor="end">
              predicted {mark.toFixed(2)}
            </text>
          </g>
        )}
        <line class="axis-line" x1={LEFT} x2={WIDTH - RIGHT} y1={bottom} y2={bottom} />
        <text class="tick" x={LEFT} y={height - 3}>
          {number(from)}
        </text>
        <text class="tick" x={WIDTH - RIGHT} y={height - 3} text-anchor="end">
          {number(to)} operations
        </text>
      </svg>
    </>
  )
}

/** What the line of a chart says: where it begins and ends, and between which values it runs. */
function chartText(
  title: string,
  rows: readonly LedgerSample[],
  valueOf: (sample: LedgerSample) => number,
  mark: number | undefined,
): string {
  const [first, now] = [rows[0], rows.at(-1)!]
  const values = rows.map(valueOf)
  const range = `between ${Math.min(...values).toFixed(2)} and ${Math.max(...values).toFixed(2)}`
  const predicted = mark === undefined ? '' : `, predicted ${mark.toFixed(2)}`
  return (
    `${title}: from ${valueOf(first).toFixed(2)} after ${number(first.operations)} operations to ${valueOf(now).toFixed(2)} ` +
    `after ${number(now.operations)}, ${range}${predicted}; the figures are in the table below`
  )
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The next of 1, 2, 4, 5 or 10 times a power of ten. */
function niceAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return power * [1, 2, 4, 5, 10].find(step => step * power >= value)!
}

function lineOf(rows: readonly LedgerSample[], { x, y }: Scale, valueOf: (sample: LedgerSample) => number): string {
  return rows.map((row, at) => `${at === 0 ? 'M' : 'L'}${x(row.operations)},${y(valueOf(row))}`).join('')
}

function areaOf(rows: readonly LedgerSample[], scale: Scale, below: readonly { readonly part: WrittenPart }[], part: WrittenPart): string {
  const low = (row: LedgerSample): number =>
    ratio(
      below.reduce((sum, each) => sum + row.written[each.part], 0),
      row.userBytes,
    )
  const high = (row: LedgerSample): number => low(row) + ratio(row.written[part], row.userBytes)
  return `${lineOf(rows, scale, high)}${lineOf([...rows].reverse(), scale, low).replace('M', 'L')}Z`
}

/** Angle, distance and width of the lines that tell the parts apart without their colours. */
const HATCHES: readonly (readonly [angle: number, gap: number, width: number])[] = [
  [0, 8, 0],
  [45, 6, 1.5],
  [-45, 6, 1.5],
  [90, 5, 1.5],
  [0, 5, 1.5],
  [30, 4, 1],
]

function Patterns({ id }: { readonly id: string }): JSX.Element {
  return (
    <defs>
      {HATCHES.map(([angle, gap, width], at) => (
        <pattern key={at} id={`${id}-${at}`} width={gap} height={gap} patternUnits="userSpaceOnUse" patternTransform={`rotate(${angle})`}>
          <rect class={`area c${at}`} width={gap} height={gap} />
          {width === 0 ? null : <rect class="hatch" width={width} height={gap} />}
        </pattern>
      ))}
    </defs>
  )
}

function Figures({ picture: { samples, now, read, areLiveBytesEstimated } }: { readonly picture: LedgerPicture }): JSX.Element {
  const step = Math.max(1, Math.ceil(samples.length / TABLE_ROWS))
  const rows = [...samples.filter((_, at) => at % step === step - 1), now]
  const parts = PARTS.filter(({ part }) => now.written[part] > 0)
  return (
    <details>
      <summary>Figures</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Figures of the ledger">
        <table>
          <caption>Bytes written by part, and the amplifications, by the number of operations</caption>
          <TableHead
            names={[
              'operations',
              'user bytes',
              ...parts.map(({ name }) => name),
              'per user byte',
              'blocks per get',
              areLiveBytesEstimated ? 'files per live byte, estimated' : 'files per live byte',
            ]}
          />
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                <th scope="row">{at === rows.length - 1 ? `${number(row.operations)} (now)` : number(row.operations)}</th>
                <td>{bytes(row.userBytes)}</td>
                {parts.map(({ part }) => (
                  <td key={part}>{bytes(row.written[part])}</td>
                ))}
                <td>{written(row).toFixed(2)}</td>
                <td>{row.gets === 0 ? '–' : blocks(row).toFixed(2)}</td>
                <td>{space(row).toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        Read so far:{' '}
        {(Object.keys(read) as (keyof typeof read)[])
          .filter(part => read[part] > 0)
          .map(part => `${READ_NAMES[part]} ${bytes(read[part])}`)
          .join(', ') || 'nothing'}
        . Files take {bytes(now.fileBytes)}; {bytes(now.liveBytes)} are live, as the engine{' '}
        {areLiveBytesEstimated ? 'estimates from its tables: it does not know which versions a reader would find' : 'counts'}.
      </p>
    </details>
  )
}
