/**
 * Drawings take turns: those in sight are drawn with a look at once, the others in short tasks after it, so that no task of the page is long.
 *
 * Invariants:
 * 1. A drawing that waits comes to be as the newest look has it, however fast looks come: none is drawn twice while another one waits.
 * 2. What waits is drawn within tasks that follow at once, not with the next look.
 */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Draws itself again. */
type Turn = () => void

/** In the order of their turns. */
const waiting = new Set<Turn>()
const inSight = new WeakSet<Element>()

const observer = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) inSight.add(target)
    else inSight.delete(target)
  }
})

/** After which time a task draws no further drawing. */
const TASK_MS = 8

const { port1, port2 } = new MessageChannel()
port1.onmessage = () => void drawWaiting()

async function drawWaiting(): Promise<void> {
  const end = performance.now() + TASK_MS
  for (const turn of waiting) {
    waiting.delete(turn)
    turn()
    // Components are drawn in a microtask, which was queued before this one.
    await Promise.resolve()
    if (performance.now() >= end) break
  }
  if (waiting.size > 0) port2.postMessage(null)
}

/**
 * What the drawing in an element shows now: what it is to show, or what it showed before until it has its turn.
 * @param wanted - The same value while nothing has changed.
 */
export function useTurn<T>(element: RefObject<Element | null>, wanted: T): T | undefined {
  const shown = useRef<T | undefined>(undefined)
  const hasTurn = useRef(false)
  const [, draw] = useState({})
  const turn = useRef<Turn>(() => {
    hasTurn.current = true
    draw({})
  })
  if (hasTurn.current || (element.current !== null && inSight.has(element.current))) shown.current = wanted
  hasTurn.current = false
  const waits = shown.current !== wanted
  useLayoutEffect(() => {
    if (!waits) waiting.delete(turn.current)
    else if (!waiting.has(turn.current)) {
      waiting.add(turn.current)
      if (waiting.size === 1) port2.postMessage(null)
    }
  }, [waits, wanted])
  useLayoutEffect(() => {
    const own = element.current!
    const ownTurn = turn.current
    observer.observe(own)
    return () => {
      observer.unobserve(own)
      waiting.delete(ownTurn)
    }
  }, [])
  return shown.current
}
