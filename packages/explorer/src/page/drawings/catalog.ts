/** The drawings of the page, in the order in which they stand. */
import { Cache } from './cache.js'
import type { Drawing, RowName } from './drawing.js'
import { Files } from './files.js'
import { Hex } from './hex.js'
import { Ledger } from './ledger.js'
import { Levels } from './levels.js'
import { Log } from './log.js'
import { Memtable } from './memtable.js'
import { Merge } from './merge.js'
import { Pages } from './pages.js'
import { Space } from './space.js'

/** The rows of drawings, from the top down, with the names of what they hold in the engines there are. */
export const ROWS: readonly { readonly row: RowName; readonly title: string }[] = [
  { row: 'log', title: 'Log' },
  { row: 'memory', title: 'Memtable, pages' },
  { row: 'disk', title: 'Levels, free space' },
  { row: 'merge', title: 'Merge' },
  { row: 'cache', title: 'Cache' },
  { row: 'ledger', title: 'Ledger' },
  { row: 'files', title: 'Files' },
  { row: 'bytes', title: 'Bytes' },
]

export const DRAWINGS: readonly Drawing[] = [
  { row: 'log', picture: 'log', title: 'Log', Component: Log },
  { row: 'memory', picture: 'memtable', title: 'Memtable', Component: Memtable },
  { row: 'disk', picture: 'levels', title: 'Levels', Component: Levels },
  { row: 'merge', picture: 'merge', title: 'Merge', Component: Merge },
  { row: 'memory', picture: 'pages', title: 'Pages', Component: Pages },
  { row: 'disk', picture: 'space', title: 'Free space', Component: Space },
  { row: 'cache', picture: 'cache', title: 'Cache', Component: Cache },
  { row: 'ledger', picture: 'ledger', title: 'Ledger', Component: Ledger },
  { row: 'files', picture: 'files', title: 'Files', Component: Files },
  { row: 'bytes', picture: 'files', title: 'Bytes', Component: Hex },
]
