/** The timeline in full: a row for the foreground of every lane, rows for its background jobs, and marks. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { TimelineJob } from '../session/protocol.js'
import type { Selection } from '../session/selection.js'
import { number } from './format.js'
import { goTo, last, position, select, summary } from './state.js'
import { content, length, MARK_PIXELS, shownWindow } from './timeline-content.js'
import { TimelineCursor } from './timeline-cursor.js'
import { marksInWords, packJobs } from './timeline-layout.js'
import { isOfBackground, Mark, MARK_TYPES } from './timeline-marks.js'
import { TableHead } from './table-head.js'

const LENGTHS: readonly (number | undefined)[] = [undefined, 20_000, 2000, 200]
const JOB_ROWS = 3
const JOB_PIXELS = 13
const NAME_PIXELS = 16
/** Rows of the table. */
const MOST_LISTED = 100

const width = signal(360)

export function Timeline(): JSX.Element {
  const drawing = useRef<HTMLDivElement>(null)
  const { from, to } = shownWindow.value
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => (width.value = Math.round(contentRect.width)))
    observer.observe(drawing.current!)
    return () => observer.disconnect()
  }, [])
  return (
    <div class="timeline">
      <div class="settings-row">
        <label>
          Timeline of{' '}
          <select
            value={String(length.value ?? '')}
            onChange={event => (length.value = event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value))}
          >
            {LENGTHS.map(each => (
              <option key={each} value={String(each ?? '')}>
                {each === undefined ? 'the whole run' : `${number(each)} moments around`}
              </option>
            ))}
          </select>
        </label>
        <span class="count">
          position {number(position.value)} of {number(last.value)}
        </span>
      </div>
      <div
        ref={drawing}
        class="timeline-drawing"
        onPointerDown={event => {
          const { left, width: shown } = event.currentTarget.getBoundingClientRect()
          void goTo(Math.round(from + ((event.clientX - left) / shown) * (to - from)))
        }}
      >
        <Drawing />
        <TimelineCursor width={width.value} />
      </div>
      <Legend />
      <Table />
    </div>
  )
}

function Drawing(): JSX.Element {
  const lanes = summary.value?.settings.lanes ?? []
  const { from, to } = shownWindow.value
  const { jobs, marks } = content.value
  const x = (at: number): number => ((at - from) / Math.max(1, to - from)) * width.value
  const laneHeight = NAME_PIXELS + 2 * (MARK_PIXELS + 4) + JOB_ROWS * JOB_PIXELS
  return (
    <svg width={width.value} height={lanes.length * laneHeight} aria-hidden="true">
      {lanes.map(({ name }, lane) => {
        const own = jobs.filter(job => job.lane === lane)
        const rows = packJobs(own, JOB_ROWS)
        const foreground = NAME_PIXELS + MARK_PIXELS / 2 + 2
        const background = foreground + MARK_PIXELS + 4
        const firstJob = background + MARK_PIXELS / 2 + 3
        return (
          <g key={name} transform={`translate(0 ${lane * laneHeight})`}>
            <rect class="timeline-band" y={NAME_PIXELS} width={width.value} height={MARK_PIXELS + 4} />
            <text class="timeline-name" x={2} y={NAME_PIXELS - 4}>
              {name}
            </text>
            {own.map((job, index) => {
              const end = Math.min(job.to ?? to, to)
              const left = Math.max(0, x(job.from))
              const wide = Math.max(2, x(end) - left)
              return (
                <g
                  key={`${job.job} ${job.from}`}
                  onPointerDown={() => select(selectionOf(job))}
                  transform={`translate(${left} ${firstJob + rows[index] * JOB_PIXELS})`}
                >
                  <rect class={`timeline-job timeline-${job.kind}`} width={wide} height={JOB_PIXELS - 2} />
                  {wide > 60 ? (
                    <text class="timeline-label" x={3} y={JOB_PIXELS - 4}>
                      {job.kind}
                    </text>
                  ) : null}
                </g>
              )
            })}
            {marks
              .filter(mark => mark.lane === lane)
              .map(({ type, position: at }) => (
                <Mark key={`${type} ${at}`} type={type} x={x(at)} y={isOfBackground(type) ? background : foreground} />
              ))}
          </g>
        )
      })}
    </svg>
  )
}

function Legend(): JSX.Element {
  const { marks } = content.value
  return (
    <ul class="timeline-legend" aria-label="Marks of the timeline">
      {MARK_TYPES.map(type => (
        <li key={type}>
          <svg width={14} height={14} viewBox="-7 -7 14 14" aria-hidden="true">
            <Mark type={type} x={0} y={0} />
          </svg>{' '}
          {type} {number(marks.reduce((sum, mark) => (mark.type === type ? sum + mark.count : sum), 0))}
        </li>
      ))}
    </ul>
  )
}

/** Of jobs that are drawn as one, the first. */
function selectionOf({ lane, job, from, kind }: TimelineJob): Selection {
  return { lane, kind: 'job', job, from, name: kind }
}

/** The same as text. */
function Table(): JSX.Element {
  const { jobs, marks, from, to } = content.value
  const lanes = summary.value?.settings.lanes ?? []
  const listed = jobs.slice(0, MOST_LISTED)
  return (
    <details>
      <summary>The timeline as a table</summary>
      <p>
        From {number(from)} to {number(to)}: {marksInWords(marks)}.{' '}
        {listed.length < jobs.length ? `The first ${listed.length} of ${number(jobs.length)} jobs:` : `${number(jobs.length)} jobs:`}
      </p>
      <div class="scroll">
        <table>
          <TableHead names={['engine', 'job', 'from', 'to', 'reason']} />
          <tbody>
            {listed.map(job => (
              <tr key={`${job.lane} ${job.job} ${job.from}`}>
                <th scope="row">{lanes[job.lane]?.name}</th>
                <td>
                  <button type="button" class="plain" aria-label={`History of the ${job.kind}`} onClick={() => select(selectionOf(job))}>
                    {job.count > 1 ? `${job.kind}, ${job.count} times` : job.kind}
                  </button>
                </td>
                <td>
                  <button type="button" class="plain" onClick={() => void goTo(job.from)}>
                    {number(job.from)}
                  </button>
                </td>
                <td>{job.to === undefined ? 'still runs' : number(job.to)}</td>
                <td>{job.reason ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
