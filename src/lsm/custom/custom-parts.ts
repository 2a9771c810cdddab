import type { BlockCodec } from '../../sstable/block-codec.js'
import type { TableFilter } from '../../sstable/table-filter.js'
import type { ReadLog } from '../../wal/custom-log-reader.js'
import type { CompactionPicker } from '../compaction/pickers/compaction-picker.js'
import type { MakeMergingCursor } from '../read/merging-cursor.js'
import type { MakeMemtableIndex } from './custom-memtable-list.js'

/**
 * Parts of the engine that the user provides, to learn or to try something. Each takes the place of the built-in one in everything that
 * the engine does; what is left out stays built in. With any of them, flushes and compactions run in this thread, in slices.
 *
 * The files stay those of an LSM store, but tables with a custom `filter` can only be read with it.
 */
export interface CustomParts {
  /** Keeps the versions of a memtable in order, instead of the arena skiplist. */
  readonly memtableIndex?: MakeMemtableIndex
  /** Says which tables cannot have a key, instead of the bloom filter. */
  readonly filter?: TableFilter
  /** Writes and searches the data blocks of tables, in the built-in format. */
  readonly blockCodec?: BlockCodec
  /** Merges memtables and runs for scans, and tables for compactions. */
  readonly mergingCursor?: MakeMergingCursor
  /** Decides what is compacted when, instead of what the option `compaction` names. */
  readonly picker?: CompactionPicker
  /** Reads the logs at open, instead of the built-in reader. */
  readonly readLog?: ReadLog
}
