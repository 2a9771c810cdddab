/** The code that only a tree with tables, or with logs to recover, has a use for. The engine loads it with the first; see code-loader.ts. */
export { Cache } from '../cache/cache.js'
export { Table } from '../sstable/table.js'
export { BlobCursor } from './blobs/blob-cursor.js'
export { BlobFiles } from './blobs/blob-files.js'
export { inlineExecutorWith } from './compaction/executor.js'
export { RunCursor } from './read/run-cursor.js'
export { TableLookup } from './read/table-lookup.js'
export { recover } from './recovery/recovery.js'
