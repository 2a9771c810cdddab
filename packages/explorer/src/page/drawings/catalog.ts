/** The drawings of the page, in the order in which they stand. */
import { Cache } from './cache.js'
import { DataFiles } from './data-files.js'
import { Directory } from './directory.js'
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

interface Row {
  readonly row: RowName
  readonly title: string
  /** Follows the row before in each lane by itself: the drawings of both are of different heights in different engines. */
  readonly continues?: true
  /** What is drawn there goes along with almost everything: the page does not scroll to it. */
  readonly isBeside?: true
}

/** The rows of drawings, from the top down, with the names of what they hold in the engines there are. */
export const ROWS: readonly Row[] = [
  { row: 'log', title: 'Log' },
  { row: 'memory', title: 'Memtable, pages, directory' },
  { row: 'disk', title: 'Levels, free space, data files', continues: true },
  { row: 'merge', title: 'Merge', continues: true },
  { row: 'cache', title: 'Cache', isBeside: true },
  { row: 'ledger', title: 'Ledger', isBeside: true },
  { row: 'files', title: 'Files', isBeside: true },
  { row: 'bytes', title: 'Bytes', isBeside: true },
]

export const DRAWINGS: readonly Drawing[] = [
  { row: 'log', picture: 'log', title: 'Log', events: ['log'], Component: Log },
  { row: 'memory', picture: 'memtable', title: 'Memtable', events: ['memtable', 'tombstone'], Component: Memtable },
  { row: 'disk', picture: 'levels', title: 'Levels', events: ['table', 'get', 'bloom', 'compaction.pick', 'manifest'], Component: Levels },
  { row: 'merge', picture: 'merge', title: 'Merge', events: ['compaction', 'merge'], Component: Merge },
  { row: 'memory', picture: 'pages', title: 'Pages', events: ['page', 'root', 'tree', 'subtree', 'checkpoint'], Component: Pages },
  { row: 'disk', picture: 'space', title: 'Free space', events: ['space'], Component: Space },
  { row: 'memory', picture: 'directory', title: 'Directory', events: ['directory'], Component: Directory },
  { row: 'disk', picture: 'directory', title: 'Data files', events: ['data'], Component: DataFiles },
  { row: 'cache', picture: 'cache', title: 'Cache', events: ['cache'], Component: Cache },
  { row: 'ledger', picture: 'ledger', title: 'Ledger', events: [], Component: Ledger },
  { row: 'files', picture: 'files', title: 'Files', events: ['file', 'directory.sync'], Component: Files },
  { row: 'bytes', picture: 'files', title: 'Bytes', events: ['file.write'], Component: Hex },
]
