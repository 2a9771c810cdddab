/** The lessons, in the order of the chapters of the guide. What is in a lesson is loaded when it is opened. */
import type { Lesson } from './lesson.js'

export interface LessonEntry {
  /** In the page's address: `#lesson=NAME`. */
  readonly name: string
  readonly title: string
  /** The chapter's file in `docs/guide`. */
  readonly chapter: string
  readonly load: () => Promise<{ readonly lesson: Lesson }>
}

export const LESSONS: readonly LessonEntry[] = [
  {
    name: 'bytes-of-a-put',
    title: 'The bytes of a put',
    chapter: '01-bytes-of-a-put.md',
    load: () => import('./bytes-of-a-put.js'),
  },
  {
    name: 'skiplist-towers',
    title: 'The skiplist and its towers',
    chapter: '02-skiplist-towers.md',
    load: () => import('./skiplist-towers.js'),
  },
  {
    name: 'flush',
    title: 'From the memtable to a table',
    chapter: '04-flush.md',
    load: () => import('./flush.js'),
  },
]
