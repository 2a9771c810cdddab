/** The run as a drawing to scrub: a row for the foreground of every lane, rows for its background jobs, and marks. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Timeline as Content, TimelineMark } from '../session/protocol.js'
import { number } from './format.js'
import { ask, goTo, isBusy, last, look, position, summary } from './state.js'
import { marksInWords, packJobs, windowAround, type Window } from './timeline-layout.js'

const LENGTHS: readonly (number | undefined)[] = [undefined, 20_000, 2000, 200]
const JOB_ROWS = 3
const MARK_PIXELS = 10
const JOB_PIXELS = 13
const NAME_PIXELS = 16
/** Rows of the table. */
const MOST_LISTED = 100

/** Shapes tell marks apart, not colours. */
const SHAPES: Readonly<
  Record<TimelineMark['type'], { readonly path: string; readonly row: 'foreground' | 'background'; readonly isHollow?: true }>
> = {
  sync: { path: 'M0,-5V5', row: 'foreground', isHollow: true },
  eviction: { path: 'M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0', row: 'foreground', isHollow: true },
  stall: { path: 'M-4,-5H4L-4,5H4Z', row: 'foreground' },
  failed: { path: 'M-4,-4L4,4M4,-4L-4,4', row: 'foreground', isHollow: true },
  flush: { path: 'M-5,-4H5L0,5Z', row: 'background' },
  compaction: { path: 'M0,-5L5,0L0,5L-5,0Z', row: 'background' },
  checkpoint: { path: 'M-4,-4H4V4H-4Z', row: 'background' },
}
const MARK_TYPES = Object.keys(SHAPES) as readonly TimelineMark['type'][]

const length = signal<number | undefined>(undefined)
const content = signal<Content & Window>({ jobs: [], marks: [], from: 0, to: 0 })
const width = signal(600)

export function Timeline(): JSX.Element {
  const drawing = useRef<HTMLDivElement>(null)
  const { from, to } = windowAround(position.value, last.value, length.value ?? Infinity)
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => (width.value = Math.round(contentRect.width)))
    observer.observe(drawing.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    if (isBusy.value || last.value === 0) return
    void ask('timeline', { from, to, buckets: Math.max(20, Math.round(width.value / MARK_PIXELS)) }).then(found => {
      content.value = { ...found, from, to }
    })
  }, [from, to, width.value, summary.value, isBusy.value])

  const positionAt = (event: PointerEvent): number => {
    const { left, width: shown } = drawing.current!.getBoundingClientRect()
    return Math.round(from + ((event.clientX - left) / shown) * (to - from))
  }
  const text = look.value?.moment?.sentence ?? 'the beginning'
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
        role="slider"
        tabIndex={0}
        aria-label="Position in the run"
        aria-valuemin={0}
        aria-valuemax={last.value}
        aria-valuenow={position.value}
        aria-valuetext={`${number(position.value)} of ${number(last.value)}: ${text}`}
        onKeyDown={event => handleKey(event, to - from)}
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId)
          void goTo(positionAt(event))
        }}
        onPointerMove={event => {
          if (event.buttons === 1) void goTo(positionAt(event))
        }}
      >
        <Drawing from={from} to={to} />
      </div>
      <Legend />
      <Table />
    </div>
  )
}

function handleKey(event: KeyboardEvent, shown: number): void {
  const page = Math.max(1, Math.round(shown / 20))
  const moves: Readonly<Record<string, number>> = {
    ArrowRight: 1,
    ArrowUp: 1,
    ArrowLeft: -1,
    ArrowDown: -1,
    PageUp: page,
    PageDown: -page,
    Home: -Infinity,
    End: Infinity,
  }
  const by = moves[event.key]
  if (by === undefined || event.shiftKey) return
  event.preventDefault()
  event.stopPropagation()
  void goTo(position.value + by)
}

function Drawing({ from, to }: Window): JSX.Element {
  const lanes = summary.value?.settings.lanes ?? []
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
                <g key={`${job.job} ${job.from}`} transform={`translate(${left} ${firstJob + rows[index] * JOB_PIXELS})`}>
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
                <path
                  key={`${type} ${at}`}
                  class={SHAPES[type].isHollow === true ? 'timeline-mark timeline-hollow' : 'timeline-mark'}
                  d={SHAPES[type].path}
                  transform={`translate(${x(at)} ${SHAPES[type].row === 'foreground' ? foreground : background})`}
                />
              ))}
          </g>
        )
      })}
      <line class="timeline-position" x1={x(position.value)} x2={x(position.value)} y1={0} y2={lanes.length * laneHeight} />
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
            <path class={SHAPES[type].isHollow === true ? 'timeline-mark timeline-hollow' : 'timeline-mark'} d={SHAPES[type].path} />
          </svg>{' '}
          {type} {number(marks.reduce((sum, mark) => (mark.type === type ? sum + mark.count : sum), 0))}
        </li>
      ))}
    </ul>
  )
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
          <thead>
            <tr>
              <th scope="col">engine</th>
              <th scope="col">job</th>
              <th scope="col">from</th>
              <th scope="col">to</th>
              <th scope="col">reason</th>
            </tr>
          </thead>
          <tbody>
            {listed.map(job => (
              <tr key={`${job.lane} ${job.job} ${job.from}`}>
                <th scope="row">{lanes[job.lane]?.name}</th>
                <td>{job.count > 1 ? `${job.kind}, ${job.count} times` : job.kind}</td>
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
