/** Every place of a lane where a version of a key lies: what a get finds and in which order it looks, and what it never looks at. */
import type { LevelsFold } from '../views/levels-fold.js'
import type { MemtableFold } from '../views/memtable-fold.js'
import type { DataFold } from '../views/data-fold.js'
import { traceInDataFiles } from './key-in-data-files.js'
import { traceInPages } from './key-in-pages.js'
import { traceInTables } from './key-in-tables.js'
import type { KeyTrace, TracedLane } from './key-place.js'

/** `undefined` for an engine that is not known. Reads the folds before it returns. */
export async function traceKey(key: string, lane: TracedLane): Promise<KeyTrace | undefined> {
  const { folds } = lane
  if ('memtable' in folds)
    return traceInTables(key, lane, folds.memtable as unknown as MemtableFold, (folds.levels as LevelsFold).picture())
  if ('directory' in folds) return traceInDataFiles(key, lane, (folds.directory as DataFold).find(key))
  return 'pages' in folds ? traceInPages(key, lane) : undefined
}
