/** Running programs: which of their stores become lanes, and how the page goes along with them. */
import { shortText, visibleText } from 'kvarium/observe'
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { MOST_LANES } from '../run/settings.js'
import type { LiveLane, WatchedFeed } from '../session/protocol.js'
import { counted, number } from './format.js'
import { feeds, isServed, pollFeeds, type FeedState } from './live-feeds.js'
import { goTo, isAtNewest, isBusy, last, pauseLive, summary, watch } from './state.js'

/** Characters of the name of a program's store. */
const LONGEST_SHOWN = 80

/** Stores that the reader has chosen or left out; the others are chosen while their program runs. */
const chosen = signal<Readonly<Record<string, boolean>>>({})

export function Live(): JSX.Element | null {
  useEffect(pollFeeds, [])
  const watched = summary.value?.live?.lanes.map(({ feed }) => feed) ?? []
  const others = feeds.value.filter(({ feed }) => !watched.includes(feed))
  if (watched.length === 0 && others.length === 0) return null
  return (
    <section class="live" aria-labelledby="live-h">
      <h2 id="live-h">Running programs</h2>
      {watched.length === 0 ? null : <Watched />}
      {others.length === 0 ? null : <Choice others={others} />}
    </section>
  )
}

function Watched(): JSX.Element {
  const { live, first, settings } = summary.value!
  const { lanes, isPaused } = live!
  return (
    <>
      <ul class="live-lanes">
        {lanes.map((lane, index) => (
          <li key={lane.feed}>
            <b>{settings.lanes[index].name}</b> ({settings.lanes[index].engine}): {stateOf(lane)}
          </li>
        ))}
      </ul>
      <div class="buttons" role="group" aria-label="Going along">
        <button
          type="button"
          aria-pressed={isAtNewest.value}
          onClick={() => {
            if (isAtNewest.value) isAtNewest.value = false
            else void goTo(last.value)
          }}
        >
          At the newest
        </button>
        <button type="button" aria-pressed={isPaused} onClick={() => void pauseLive(!isPaused)}>
          Pause
        </button>
      </div>
      <p class="about">
        {isPaused ? 'What the programs do meanwhile waits in the command, which keeps the newest of it. ' : ''}
        {first === undefined ? '' : `Moments up to ${number(first)} are no longer kept: drawings go on from what they had led to. `}
        Bytes of files are here only if the trace of the program has payloads.
      </p>
    </>
  )
}

function stateOf({ feed, lost, problem }: LiveLane): string {
  if (problem !== undefined) return problem
  const state = feeds.value.find(each => each.feed === feed)
  const runs = !isServed.value ? 'kvarium explore has ended' : state?.isConnected === true ? 'running' : 'ended'
  return lost === 0 ? runs : `${runs}; ${counted(lost, 'event')} never came, so drawings know only what came later`
}

function Choice({ others }: { readonly others: readonly FeedState[] }): JSX.Element {
  const isChosen = ({ feed, engine, isConnected }: FeedState): boolean => engine !== undefined && (chosen.value[feed] ?? isConnected)
  const taken = others.filter(isChosen).slice(0, MOST_LANES)
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (taken.length > 0) void watch(taken.map((feed, index) => watchedFeed(feed, taken.slice(0, index))))
      }}
    >
      <ul class="live-lanes">
        {others.map(each => (
          <li key={each.feed}>
            <label>
              <input
                type="checkbox"
                checked={taken.includes(each)}
                disabled={each.engine === undefined || (taken.length >= MOST_LANES && !taken.includes(each))}
                onChange={event => (chosen.value = { ...chosen.value, [each.feed]: event.currentTarget.checked })}
              />{' '}
              <b>{visibleText(each.name)}</b>, process {each.pid}
              {each.engine === undefined ? ': its store is not open yet' : ` (${each.engine}): ${each.isConnected ? 'running' : 'ended'}`}
            </label>
          </li>
        ))}
      </ul>
      <button type="submit" disabled={isBusy.value || taken.length === 0}>
        Watch {taken.length > 1 ? `these ${taken.length} stores` : 'this store'}
      </button>{' '}
      <span class="about">At most {MOST_LANES} at a time. They take the place of the present run.</span>
    </form>
  )
}

/** The store with a name that no lane before has. */
function watchedFeed({ feed, name, engine }: FeedState, before: readonly FeedState[]): WatchedFeed {
  const same = before.filter(other => other.name === name).length
  const shown = shortText(visibleText(name), LONGEST_SHOWN)
  return { feed, name: same === 0 ? shown : `${shown} (${same + 1})`, engine: engine! }
}
