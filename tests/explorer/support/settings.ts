/** An LSM tree and a B+tree so small that a few hundred operations reach all of them. */
import type { RunSettings } from '../../../packages/explorer/src/run/settings.js'

export const SETTINGS: RunSettings = {
  seed: 1,
  lanes: [
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
      },
    },
    { name: 'btree', engine: 'btree', options: { writeBufferSize: 65536, pageSize: 1024, cacheSize: 65536 } },
  ],
}
