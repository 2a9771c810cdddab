/**
 * Things in a drawing move from where they were to where they are: what is new appears, what is gone fades.
 *
 * Invariants:
 * 1. The drawing itself is right at once; only its picture lags, by `MOVE_MS` at most. The next step ends what is under way.
 * 2. Nothing moves where motion is unwanted or the page plays fast. Where most of the drawing is another than before, only what the step
 *    has made moves.
 */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { isPlaying, speed } from '../play.js'

const MOVE_MS = 150
/** Things beyond which a drawing is only shown. */
const MOST_THINGS = 200
/** Moments a second beyond which motion would not be seen. */
const FASTEST = 10
/** Pixels by which nothing visibly moves. */
const LEAST_PIXELS = 1
/** Part of the things that may come or go in a step. */
const MOST_CHANGED = 1 / 3

interface Seen {
  readonly element: Element
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Moves the elements with `data-move`, which names them, and `data-new` where the step has made them, in the element of `around` whenever the component is drawn. */
export function useMoves(around: RefObject<HTMLElement | null>): void {
  const before = useRef<ReadonlyMap<string, Seen>>(new Map())
  const underWay = useRef<(() => void)[]>([])
  useLayoutEffect(() => {
    for (const end of underWay.current) end()
    underWay.current = []
    const element = around.current
    if (element === null || !isWanted()) {
      before.current = new Map()
      return
    }
    const present = seenIn(element)
    if (before.current.size > 0) underWay.current = moveAll(element, before.current, present)
    before.current = present
  })
}

function isWanted(): boolean {
  if (isPlaying.peek() && speed.peek() > FASTEST) return false
  return !matchMedia('(prefers-reduced-motion: reduce)').matches
}

function seenIn(around: HTMLElement): ReadonlyMap<string, Seen> {
  const elements = [...around.querySelectorAll('[data-move]')]
  if (elements.length > MOST_THINGS) return new Map()
  const own = around.getBoundingClientRect()
  return new Map(
    elements.map(element => {
      const { left, top, width, height } = element.getBoundingClientRect()
      // Where it lies in what is scrolled, so that scrolling is no move.
      const { scrollLeft = 0, scrollTop = 0 } = element.parentElement ?? {}
      const seen = {
        element,
        left: left - own.left + around.scrollLeft + scrollLeft,
        top: top - own.top + around.scrollTop + scrollTop,
        width,
        height,
      }
      return [element.getAttribute('data-move')!, seen]
    }),
  )
}

function isAlike(before: ReadonlyMap<string, Seen>, present: ReadonlyMap<string, Seen>): boolean {
  let changed = 0
  for (const key of before.keys()) if (!present.has(key)) changed++
  for (const key of present.keys()) if (!before.has(key)) changed++
  return changed <= Math.max(4, MOST_CHANGED * before.size)
}

/** Answers what ends each of the moves. */
function moveAll(around: HTMLElement, before: ReadonlyMap<string, Seen>, present: ReadonlyMap<string, Seen>): (() => void)[] {
  const ends: (() => void)[] = []
  const animate = (element: Element, frames: Keyframe[]): Animation => {
    const animation = element.animate(frames, { duration: MOVE_MS, easing: 'ease-out' })
    ends.push(() => animation.cancel())
    return animation
  }
  const areAlike = isAlike(before, present)
  for (const [key, now] of present) {
    const old = before.get(key)
    if (!areAlike && (old !== undefined || !now.element.hasAttribute('data-new'))) continue
    if (old === undefined) {
      animate(now.element, [{ opacity: 0, transform: 'translateY(-14px)' }, {}])
      continue
    }
    const [x, y] = [old.left - now.left, old.top - now.top]
    if (Math.abs(x) + Math.abs(y) > LEAST_PIXELS) animate(now.element, [{ transform: `translate(${x}px, ${y}px)` }, {}])
  }
  for (const [key, { element, left, top, width, height }] of before) {
    if (!areAlike || present.has(key) || !(element instanceof HTMLElement)) continue
    const ghost = Object.assign(document.createElement('div'), { className: 'ghost', textContent: element.textContent })
    ghost.ariaHidden = 'true'
    Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` })
    around.append(ghost)
    const fading = animate(ghost, [{}, { opacity: 0, transform: 'scale(0.8)' }])
    fading.onfinish = fading.oncancel = () => ghost.remove()
  }
  return ends
}
