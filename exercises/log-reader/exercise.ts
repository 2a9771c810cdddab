import { lsmEngine } from 'kvarium/lsm'
import type { ReadLog } from 'kvarium/wal'
import { exportedFunction, type Exercise } from '../exercise.js'
import { crashingLoad } from './crashing-load.js'
import { units } from './units.js'

export const exercise: Exercise<ReadLog> = {
  name: 'log-reader',
  title: 'Log reader: which acknowledged writes survive a crash',
  part: module => exportedFunction(module, 'readLog') as ReadLog,
  units,
  plug: readLog => lsmEngine({ parts: { readLog } }),
  options: { writeBufferSize: 16 * 1024, blockSize: 256 },
  workload: random => crashingLoad(random, 200),
}
