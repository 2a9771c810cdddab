/** The lanes that a run begins with: engines so small that a few hundred operations reach every part of them. */
import type { LaneSettings } from './lane.js'

export const DEFAULT_LANES: readonly LaneSettings[] = [
  {
    name: 'lsm',
    engine: 'lsm',
    options: {
      writeBufferSize: 16384,
      level0Tables: 3,
      level1Size: 65536,
      fanOut: 4,
      maxFileSize: 16384,
      blockSize: 1024,
      cacheSize: 65536,
      compression: 'none',
    },
  },
  { name: 'btree', engine: 'btree', options: { writeBufferSize: 65536, pageSize: 1024, cacheSize: 65536 } },
]
