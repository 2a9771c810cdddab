/** The drawings of the page, in the order in which they stand. */
import type { Drawing } from './drawing.js'
import { Files } from './files.js'
import { Hex } from './hex.js'
import { Levels } from './levels.js'
import { Log } from './log.js'
import { Memtable } from './memtable.js'
import { Merge } from './merge.js'
import { Tree } from './tree.js'

export const DRAWINGS: readonly Drawing[] = [
  { picture: 'log', title: 'Log', Component: Log },
  { picture: 'memtable', title: 'Memtable', Component: Memtable },
  { picture: 'levels', title: 'Levels', Component: Levels },
  { picture: 'merge', title: 'Merge', Component: Merge },
  { picture: 'tree', title: 'Pages', Component: Tree },
  { picture: 'files', title: 'Files', Component: Files },
  { picture: 'files', title: 'Bytes', Component: Hex },
]
