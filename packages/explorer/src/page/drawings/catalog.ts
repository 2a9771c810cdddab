/** The drawings of the page, in the order in which they stand. */
import { Cache } from './cache.js'
import type { Drawing } from './drawing.js'
import { Files } from './files.js'
import { Hex } from './hex.js'
import { Ledger } from './ledger.js'
import { Levels } from './levels.js'
import { Log } from './log.js'
import { Memtable } from './memtable.js'
import { Merge } from './merge.js'
import { Pages } from './pages.js'
import { Space } from './space.js'

export const DRAWINGS: readonly Drawing[] = [
  { picture: 'log', title: 'Log', Component: Log },
  { picture: 'memtable', title: 'Memtable', Component: Memtable },
  { picture: 'levels', title: 'Levels', Component: Levels },
  { picture: 'merge', title: 'Merge', Component: Merge },
  { picture: 'pages', title: 'Pages', Component: Pages },
  { picture: 'space', title: 'Free space', Component: Space },
  { picture: 'cache', title: 'Cache', Component: Cache },
  { picture: 'ledger', title: 'Ledger', Component: Ledger },
  { picture: 'files', title: 'Files', Component: Files },
  { picture: 'files', title: 'Bytes', Component: Hex },
]
