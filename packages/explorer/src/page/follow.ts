/** The page goes along with the steps: it scrolls to the drawing in which the present event happens, unless the reader has scrolled away. */
import { ROWS } from './drawings/catalog.js'
import type { Drawing } from './drawings/drawing.js'
import type { MomentText } from '../session/protocol.js'
import { remembered } from './remembered.js'
import { isPlaying, speed } from './play.js'

/** Pixels of a drawing that have to be in sight. */
const LEAST_PIXELS = 60
/** Moments a second from which scrolling would only confuse. */
const TOO_FAST = 10
/** Keys that scroll. */
const SCROLL_KEYS: ReadonlySet<string> = new Set(['PageUp', 'PageDown', 'ArrowUp', 'ArrowDown', ' '])

export const isFollowing = remembered<boolean>('follows', true, value => typeof value === 'boolean')

/** Whether an event happens in what a drawing draws. */
export function happensIn({ events }: Drawing, { kind, type }: MomentText): boolean {
  return kind === 'event' && events.some(each => type === each || type.startsWith(`${each}.`))
}

const FOLLOWED = ROWS.filter(({ isBeside }) => isBeside !== true).map(({ row }) => `.of-${row}.here`)

/** Brings the drawing of the present event into view, if none is that it happens in. */
export function follow(): void {
  if (!isFollowing.value || (isPlaying.value && speed.value > TOO_FAST)) return
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
  const marked = [...document.querySelectorAll(FOLLOWED.join())]
  if (marked.length === 0 || marked.some(isInSight)) return
  marked[0].scrollIntoView({ block: 'start' })
}

function isInSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const bar = document.querySelector('.time')?.getBoundingClientRect().bottom ?? 0
  return Math.min(bottom, innerHeight) - Math.max(top, bar) >= Math.min(LEAST_PIXELS, bottom - top)
}

/** Ends the following when the reader scrolls the page. Answers what ends it. */
export function heedScrolling(): () => void {
  const away = ({ target }: Event): void => {
    if (target instanceof Element && target.closest('.side, dialog') !== null) return
    isFollowing.value = false
  }
  const awayByKey = (event: KeyboardEvent): void => {
    if (SCROLL_KEYS.has(event.key) && event.target === document.body) away(event)
  }
  document.addEventListener('wheel', away, { passive: true })
  document.addEventListener('touchmove', away, { passive: true })
  document.addEventListener('keydown', awayByKey)
  return () => {
    document.removeEventListener('wheel', away)
    document.removeEventListener('touchmove', away)
    document.removeEventListener('keydown', awayByKey)
  }
}
