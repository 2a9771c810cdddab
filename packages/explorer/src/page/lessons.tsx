/** The lesson that is open stands above the panels. Its code loads with the first lesson. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { lessonIn } from './lesson-name.js'
import { open, problem } from './state.js'

interface LessonModule {
  readonly OpenLesson: () => JSX.Element | null
  readonly openNamed: (name: string) => Promise<void>
  readonly close: () => void
}

const loaded = signal<LessonModule | undefined>(undefined)

export function LessonPlace(): JSX.Element | null {
  return loaded.value === undefined ? null : <loaded.value.OpenLesson />
}

export async function openLesson(name: string): Promise<void> {
  try {
    const { OpenLesson, openNamed, close } = await import('./open-lesson.js')
    loaded.value ??= { OpenLesson, openNamed, close }
  } catch {
    problem.value = 'The lessons could not be loaded: reload the page'
    return
  }
  await loaded.value.openNamed(name)
}

/** Opens a lesson, or does what a link says; the lesson that was open ends then. */
export async function openLink(link: string): Promise<void> {
  const name = lessonIn(link)
  if (name !== undefined) return openLesson(name)
  loaded.value?.close()
  await open(link)
}
