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
    name: 'crash-anywhere',
    title: 'Crash anywhere',
    chapter: '03-crash-anywhere.md',
    load: () => import('./crash-anywhere.js'),
  },
  {
    name: 'flush',
    title: 'From the memtable to a table',
    chapter: '04-flush.md',
    load: () => import('./flush.js'),
  },
  {
    name: 'anatomy-of-a-get',
    title: 'The anatomy of a get',
    chapter: '05-anatomy-of-a-get.md',
    load: () => import('./anatomy-of-a-get.js'),
  },
  {
    name: 'bloom-bits',
    title: 'Bloom bits',
    chapter: '06-bloom-bits.md',
    load: () => import('./bloom-bits.js'),
  },
  {
    name: 'never-and-always-compacting',
    title: 'Never and always compacting',
    chapter: '07-never-and-always-compacting.md',
    load: () => import('./never-and-always-compacting.js'),
  },
  {
    name: 'leveled-ledger',
    title: 'The ledger by level',
    chapter: '08-leveled-ledger.md',
    load: () => import('./leveled-ledger.js'),
  },
  {
    name: 'tiered-against-leveled',
    title: 'Tiered against leveled',
    chapter: '09-tiered-against-leveled.md',
    load: () => import('./tiered-against-leveled.js'),
  },
  {
    name: 'tombstones',
    title: 'Tombstones',
    chapter: '10-tombstones.md',
    load: () => import('./tombstones.js'),
  },
  {
    name: 'page-and-split',
    title: 'The page, and how it splits',
    chapter: '11-page-and-split.md',
    load: () => import('./page-and-split.js'),
  },
  {
    name: 'small-update',
    title: 'One small update',
    chapter: '12-small-update.md',
    load: () => import('./small-update.js'),
  },
  {
    name: 'cache',
    title: 'The cache',
    chapter: '13-cache.md',
    load: () => import('./cache.js'),
  },
  {
    name: 'lockstep',
    title: 'Both engines in lockstep',
    chapter: '14-lockstep.md',
    load: () => import('./lockstep.js'),
  },
  {
    name: 'transactions',
    title: 'Transactions',
    chapter: '15-transactions.md',
    load: () => import('./transactions.js'),
  },
  {
    name: 'expiry',
    title: 'Expiry',
    chapter: '16-expiry.md',
    load: () => import('./expiry.js'),
  },
]
