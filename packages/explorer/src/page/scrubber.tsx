/** The run as a strip for each lane, with its jobs and marks, on which the position is moved. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { number } from './format.js'
import { first, goTo, last, look, position, summary } from './state.js'
import { content, shownWindow, width } from './timeline-content.js'
import { TimelineCursor } from './timeline-cursor.js'
import { Mark } from './timeline-marks.js'

const STRIP_PIXELS = 14
const JOB_PIXELS = 6

export function Scrubber(): JSX.Element {
  const strips = useRef<HTMLDivElement>(null)
  const { from, to } = shownWindow.value
  const lanes = summary.value?.settings.lanes ?? []
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => (width.value = Math.round(contentRect.width)))
    observer.observe(strips.current!)
    return () => observer.disconnect()
  }, [])
  const positionAt = (event: PointerEvent): number => {
    const { left, width: shown } = strips.current!.getBoundingClientRect()
    return Math.round(from + ((event.clientX - left) / shown) * (to - from))
  }
  return (
    <div class="scrubber">
      <div class="scrubber-names" aria-hidden="true">
        {lanes.map(({ name }) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <div
        ref={strips}
        class="scrubber-strips"
        role="slider"
        tabIndex={0}
        aria-label="Position in the run"
        aria-valuemin={first.value}
        aria-valuemax={last.value}
        aria-valuenow={position.value}
        aria-valuetext={`${number(position.value)} of ${number(last.value)}: ${look.value?.moment?.sentence ?? 'the beginning'}`}
        onKeyDown={event => handleKey(event, to - from)}
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId)
          void goTo(positionAt(event))
        }}
        onPointerMove={event => {
          if (event.buttons === 1) void goTo(positionAt(event))
        }}
      >
        <Strips lanes={lanes.length} />
        <TimelineCursor width={width.value} />
      </div>
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

function Strips({ lanes }: { readonly lanes: number }): JSX.Element {
  const { from, to } = shownWindow.value
  const { jobs, marks } = content.value
  const x = (at: number): number => ((Math.max(from, Math.min(to, at)) - from) / Math.max(1, to - from)) * width.value
  const height = Math.max(1, lanes) * (STRIP_PIXELS + 2)
  return (
    <svg width={width.value} height={height} aria-hidden="true">
      {Array.from({ length: lanes }, (_, lane) => (
        <g key={lane} transform={`translate(0 ${lane * (STRIP_PIXELS + 2) + 1})`}>
          <rect class="timeline-band" width={width.value} height={STRIP_PIXELS} />
          {jobs
            .filter(job => job.lane === lane)
            .map(job => (
              <rect
                key={`${job.job} ${job.from}`}
                class={`timeline-job timeline-${job.kind}`}
                x={x(job.from)}
                y={STRIP_PIXELS - JOB_PIXELS}
                width={Math.max(2, x(job.to ?? to) - x(job.from))}
                height={JOB_PIXELS}
              />
            ))}
          {marks
            .filter(mark => mark.lane === lane)
            .map(({ type, position: at }) => (
              <Mark key={`${type} ${at}`} type={type} x={x(at)} y={STRIP_PIXELS / 2} />
            ))}
        </g>
      ))}
    </svg>
  )
}
