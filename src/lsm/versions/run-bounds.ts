import { compareBytes, EMPTY } from '../../codec/entry.js'
import { SortedBlockBuilder } from '../../codec/sorted-block-builder.js'
import { SortedBlock } from '../../codec/sorted-block.js'
import type { TableFile } from './table-file.js'
import type { Run } from './version.js'

/** The table of a run that may hold the key, or `undefined`. */
export function tableFor(run: Run, key: Uint8Array): TableFile | undefined {
  const bounds = (run.bounds ??= boundsOf(run.tables))
  const file = run.tables[bounds.lowerBound(key, 0, key.length)]
  if (file === undefined) return undefined
  const smallest = file.meta.smallest
  return compareBytes(smallest, 0, smallest.length, key, 0, key.length) <= 0 ? file : undefined
}

function boundsOf(tables: readonly TableFile[]): SortedBlock {
  const builder = new SortedBlockBuilder()
  for (const { meta } of tables) builder.add(meta.largest, 0, meta.largest.length, EMPTY, 0, EMPTY, 0, 0)
  const bytes = new Uint8Array(builder.estimatedBytes)
  return new SortedBlock(bytes, builder.finish(bytes, 0), 'bounds of tables', 0)
}
