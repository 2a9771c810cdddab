/** What the timelines of the page show: a part of the run, fetched for the width at hand. */
import { computed, effect, signal } from '@preact/signals'
import type { Timeline } from '../session/protocol.js'
import { ask, first, last, position, summary } from './state.js'
import { windowAround, type Window } from './timeline-layout.js'

/** Pixels that a mark needs. */
export const MARK_PIXELS = 10

/** Moments that are shown; `undefined` for the whole run. */
export const length = signal<number | undefined>(undefined)
/** Pixels of the timeline that is always in sight. */
export const width = signal(600)
/** The same object while it is the same part of the run: what is drawn of it then stays. */
export const shownWindow = computed<Window>(() => {
  const now = windowAround(position.value, last.value, length.value ?? Infinity, first.value)
  if (now.from !== before.from || now.to !== before.to) before = now
  return before
})
let before: Window = { from: 0, to: 0 }
export const content = signal<Timeline & Window>({ jobs: [], marks: [], from: 0, to: 0 })

const wanted = computed(() => JSON.stringify([shownWindow.value, width.value]))

effect(() => {
  void wanted.value
  void summary.value
  if (last.peek() === 0) return
  const { from, to } = shownWindow.peek()
  void ask('timeline', { from, to, buckets: Math.max(20, Math.round(width.peek() / MARK_PIXELS)) }).then(found => {
    content.value = { ...found, from, to }
  })
})
