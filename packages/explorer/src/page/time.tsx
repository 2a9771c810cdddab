/** The moves through the run, where the page stands in it, and what happens there: always in sight. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { isFollowing } from './follow.js'
import { number } from './format.js'
import { isPlaying, speed, SPEEDS, togglePlay } from './play.js'
import { Scrubber } from './scrubber.js'
import { goTo, isAtNewest, last, look, move, position, summary } from './state.js'

export function Time(): JSX.Element {
  const moment = look.value?.moment
  const isGoingAlong = summary.value?.live !== undefined && isAtNewest.value
  const lanes = look.value?.lanes ?? []
  const bar = useRef<HTMLElement>(null)
  useEffect(() => {
    // What stands or stops below it needs its height.
    const observer = new ResizeObserver(() => {
      document.documentElement.style.setProperty('--bar', `${bar.current!.offsetHeight}px`)
    })
    observer.observe(bar.current!)
    return () => observer.disconnect()
  }, [])
  return (
    <section ref={bar} class="time" aria-label="Time">
      <div class="time-inside">
        <Steps />
        <Scrubber />
        <p class="sentence" tabIndex={0} aria-live={isPlaying.value || isGoingAlong ? 'off' : 'polite'} aria-atomic="true">
          {moment === undefined ? 'The beginning: nothing has happened yet.' : `${lanes[moment.lane].name}: ${moment.sentence}`}
        </p>
      </div>
    </section>
  )
}

/** By what a pair of buttons moves. */
const PAIRS = [
  { by: 'moment', back: '‹', on: '›' },
  { by: 'operation', back: '«', on: '»' },
  { by: 'job', back: '⇤', on: '⇥' },
] as const

function Steps(): JSX.Element {
  return (
    <div class="steps" role="group" aria-label="Steps">
      {PAIRS.map(({ by, back, on }) => (
        <span key={by} class="pair">
          <Step name={`Previous ${by}`} sign={back} run={() => void move(-1, by)} />
          <span class="pair-name" aria-hidden="true">
            {by}
          </span>
          <Step name={`Next ${by}`} sign={on} run={() => void move(1, by)} />
        </span>
      ))}
      <span class="pair">
        <Step name="Start" sign="|‹" run={() => void goTo(0)} />
        <Step name="End" sign="›|" run={() => void goTo(last.value)} />
      </span>
      <span class="pair">
        <button type="button" class="step play" onClick={togglePlay}>
          {isPlaying.value ? 'Pause' : 'Play'}
        </button>
        <select class="speed" aria-label="Speed" value={speed.value} onChange={event => (speed.value = Number(event.currentTarget.value))}>
          {SPEEDS.map(each => (
            <option key={each} value={each}>
              {number(each)}/s
            </option>
          ))}
        </select>
      </span>
      <button
        type="button"
        class="step follow"
        aria-pressed={isFollowing.value}
        title="Scroll to the drawing in which each step happens"
        onClick={() => (isFollowing.value = !isFollowing.value)}
      >
        Follow
      </button>
      <span class="place">
        {number(position.value)} <span class="place-of">of {number(last.value)}</span>
      </span>
    </div>
  )
}

interface StepProps {
  readonly name: string
  readonly sign: string
  readonly run: () => void
}

function Step({ name, sign, run }: StepProps): JSX.Element {
  return (
    <button type="button" class="step" aria-label={name} title={name} onClick={run}>
      <span aria-hidden="true">{sign}</span>
    </button>
  )
}
