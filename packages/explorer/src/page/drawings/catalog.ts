/** The drawings of the page, in the order in which they stand. */
import type { Drawing } from './drawing.js'
import { Files } from './files.js'
import { Hex } from './hex.js'
import { Levels } from './levels.js'
import { Tree } from './tree.js'

export const DRAWINGS: readonly Drawing[] = [
  { picture: 'levels', title: 'Levels', Component: Levels },
  { picture: 'tree', title: 'Pages', Component: Tree },
  { picture: 'files', title: 'Files', Component: Files },
  { picture: 'files', title: 'Bytes', Component: Hex },
]
