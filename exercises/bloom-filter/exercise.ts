import { lsmEngine } from 'kvarium/lsm'
import type { TableFilter } from 'kvarium/sstable'
import { exportedFunction, type Exercise } from '../exercise.js'
import { mixedLoad } from '../mixed-load.js'
import { units } from './units.js'

export const exercise: Exercise<TableFilter> = {
  name: 'bloom-filter',
  title: 'Bloom filter: a few bits per key that save most searches for absent keys',
  part: module => ({
    build: exportedFunction(module, 'build') as TableFilter['build'],
    mayContain: exportedFunction(module, 'mayContain') as TableFilter['mayContain'],
  }),
  units,
  plug: filter => lsmEngine({ parts: { filter } }),
  options: { writeBufferSize: 16 * 1024, blockSize: 256, level0Tables: 2, level0StopTables: 4 },
  workload: random => mixedLoad(random, 600),
}
