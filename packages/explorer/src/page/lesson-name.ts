/** Which lesson is open, for the page's address. */
import { signal } from '@preact/signals'

export const lessonName = signal<string | undefined>(undefined)

const LINK = /^lesson=([\w-]+)$/

/** The name of the lesson that a link names. */
export function lessonIn(link: string): string | undefined {
  return LINK.exec(link)?.[1]
}

export function lessonLink(name: string): string {
  return `lesson=${name}`
}
