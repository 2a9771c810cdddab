/** The marks of timelines. */
import type { JSX } from 'preact'
import type { TimelineMark } from '../session/protocol.js'

interface Shape {
  readonly path: string
  readonly row: 'foreground' | 'background'
  readonly isHollow?: true
}

/** Shapes tell marks apart, not colours. */
const SHAPES: Readonly<Record<TimelineMark['type'], Shape>> = {
  sync: { path: 'M0,-5V5', row: 'foreground', isHollow: true },
  eviction: { path: 'M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0', row: 'foreground', isHollow: true },
  stall: { path: 'M-4,-5H4L-4,5H4Z', row: 'foreground' },
  conflict: { path: 'M-5,-4L-1,0L-5,4M5,-4L1,0L5,4', row: 'foreground', isHollow: true },
  failed: { path: 'M-4,-4L4,4M4,-4L-4,4', row: 'foreground', isHollow: true },
  flush: { path: 'M-5,-4H5L0,5Z', row: 'background' },
  compaction: { path: 'M0,-5L5,0L0,5L-5,0Z', row: 'background' },
  checkpoint: { path: 'M-4,-4H4V4H-4Z', row: 'background' },
}

export const MARK_TYPES = Object.keys(SHAPES) as readonly TimelineMark['type'][]

/** Whether marks of a type belong to the work of the background. */
export function isOfBackground(type: TimelineMark['type']): boolean {
  return SHAPES[type].row === 'background'
}

export function Mark({ type, x, y }: { readonly type: TimelineMark['type']; readonly x: number; readonly y: number }): JSX.Element {
  const { path, isHollow } = SHAPES[type]
  return <path class={isHollow === true ? 'timeline-mark timeline-hollow' : 'timeline-mark'} d={path} transform={`translate(${x} ${y})`} />
}
