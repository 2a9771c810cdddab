/**
 * Many things in a drawing are one stop for the tab key; the arrow keys go on among them, in reading order or to the row above and below.
 *
 * Invariants:
 * 1. Exactly one of the things can be reached by the tab key: the one that had the focus last, while it is there.
 * 2. When a step takes away what has the focus, the focus goes to the one that can be reached.
 */
import type { RefObject, TargetedKeyboardEvent } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Pixels by which things on one line may differ in height. */
const SAME_LINE = 4

interface ItemProps {
  readonly 'data-item': string
  readonly tabIndex: 0 | -1
  readonly onFocus: () => void
}

export interface Roving {
  /** For the element around the things. */
  readonly around: {
    readonly ref: RefObject<HTMLDivElement | null>
    readonly onKeyDown: (event: TargetedKeyboardEvent<HTMLDivElement>) => void
  }
  /** For the thing with a key. */
  readonly item: (key: string) => ItemProps
}

/** @param keys - Of the things that are there, in reading order. `preferred` is the one to begin with; default: the first. */
export function useRoving(keys: readonly string[], preferred?: string): Roving {
  const [visited, visit] = useState<string | undefined>(undefined)
  const ref = useRef<HTMLDivElement>(null)
  const hadFocus = ref.current?.contains(document.activeElement) === true
  const present = new Set(keys)
  const reachable = [visited, preferred].find(key => key !== undefined && present.has(key)) ?? keys[0]
  useLayoutEffect(() => {
    if (!hadFocus || ref.current === null || ref.current.contains(document.activeElement)) return
    ref.current.querySelector<HTMLElement>('[data-item][tabindex="0"]')?.focus({ preventScroll: true })
  })
  return {
    around: { ref, onKeyDown: move },
    item: key => ({ 'data-item': key, tabIndex: key === reachable ? 0 : -1, onFocus: () => visit(key) }),
  }
}

function move(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  const { key, target, currentTarget } = event
  if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return
  if (!(target instanceof Element) || !target.matches('[data-item]')) return
  if ((key === 'Enter' || key === ' ') && !target.matches('button')) {
    // Only buttons do so by themselves.
    event.preventDefault()
    target.dispatchEvent(new MouseEvent('click', { bubbles: true }))
    return
  }
  const items = [...currentTarget.querySelectorAll<HTMLElement | SVGElement>('[data-item]')]
  const to = targetOf(key, items, items.indexOf(target as HTMLElement))
  if (to === undefined) return
  // The page has moves through time on these keys.
  event.preventDefault()
  event.stopPropagation()
  to?.focus()
}

/** Where a key leads; `null` if there is nothing that way, `undefined` if it leads nowhere. */
function targetOf<T extends Element>(key: string, items: readonly T[], at: number): T | null | undefined {
  switch (key) {
    case 'ArrowRight':
      return items[at + 1] ?? null
    case 'ArrowLeft':
      return items[at - 1] ?? null
    case 'Home':
      return items[0]
    case 'End':
      return items.at(-1)
    case 'ArrowDown':
      return nearestLine(items, items[at], 1)
    case 'ArrowUp':
      return nearestLine(items, items[at], -1)
    default:
      return undefined
  }
}

function nearestLine<T extends Element>(items: readonly T[], from: T, direction: 1 | -1): T | null {
  const own = from.getBoundingClientRect()
  const beyond = items
    .map(item => {
      const rect = item.getBoundingClientRect()
      return { item, down: direction * (rect.top - own.top), aside: Math.abs(rect.left + rect.width / 2 - own.left - own.width / 2) }
    })
    .filter(({ down }) => down > SAME_LINE)
  const line = Math.min(...beyond.map(({ down }) => down))
  const onLine = beyond.filter(({ down }) => down < line + SAME_LINE)
  return (
    onLine.reduce<(typeof onLine)[number] | undefined>(
      (best, each) => (best !== undefined && best.aside <= each.aside ? best : each),
      undefined,
    )?.item ?? null
  )
}
