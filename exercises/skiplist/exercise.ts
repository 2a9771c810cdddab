import { lsmEngine, type MakeMemtableIndex } from 'kvarium/lsm'
import { exportedFunction, type Exercise } from '../exercise.js'
import { mixedLoad } from '../mixed-load.js'
import { units } from './units.js'

export const exercise: Exercise<MakeMemtableIndex> = {
  name: 'skiplist',
  title: 'Skiplist: the index of the memtable, where every write goes and every read looks first',
  part: module => exportedFunction(module, 'makeIndex') as MakeMemtableIndex,
  units,
  plug: memtableIndex => lsmEngine({ parts: { memtableIndex } }),
  options: { writeBufferSize: 16 * 1024, blockSize: 256, level0Tables: 2, level0StopTables: 4 },
  workload: random => mixedLoad(random, 600),
  // The learner's random draws decide the heights of towers, and so the cost of a search.
  compared: event => {
    if (event.type === 'memtable.search') return { ...event, path: [] }
    return event.type === 'memtable.insert' ? { ...event, height: 0 } : event
  },
}
