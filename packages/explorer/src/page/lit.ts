/** The drawings that a lesson points at. */
import { signal } from '@preact/signals'
import { DRAWINGS } from './drawings/catalog.js'
import type { RowName } from './drawings/drawing.js'

export interface LitDrawing {
  /** Title. */
  readonly drawing: string
  readonly lane: number
}

export const lit = signal<readonly LitDrawing[]>([])

export function isLit(title: string, lane: number): boolean {
  return lit.value.some(each => each.drawing === title && each.lane === lane)
}

/** Whether one of the drawings of a row is lit: the row is in sight then, also one that is not shown otherwise. */
export function isRowLit(row: RowName): boolean {
  return DRAWINGS.some(each => each.row === row && lit.value.some(({ drawing }) => drawing === each.title))
}

/** Id of a drawing's section. */
export function drawingId({ drawing, lane }: LitDrawing): string {
  return `drawing-${lane}-${drawing.toLowerCase().replaceAll(' ', '-')}`
}
