/** Where the page stands in a timeline: an element of its own, as what lies below it stays as it is when it moves. */
import type { JSX } from 'preact'
import { position } from './state.js'
import { shownWindow } from './timeline-content.js'

/** @param width - Of the timeline, in pixels. */
export function TimelineCursor({ width }: { readonly width: number }): JSX.Element {
  const { from, to } = shownWindow.value
  const part = (position.value - from) / Math.max(1, to - from)
  return <div class="timeline-cursor" style={{ transform: `translateX(${Math.round(part * width)}px)` }} />
}
