import { lsmEngine } from 'kvarium'
import { exportedFunction, type Exercise } from '../exercise.js'
import { mixedLoad } from '../mixed-load.js'
import { units, type BlockPart } from './units.js'

export const exercise: Exercise<BlockPart> = {
  name: 'block',
  title: 'Block: the sorted bytes that every read of a table ends in',
  part: module => ({
    buildBlock: exportedFunction(module, 'buildBlock') as BlockPart['buildBlock'],
    lowerBound: exportedFunction(module, 'lowerBound') as BlockPart['lowerBound'],
  }),
  units,
  plug: ({ buildBlock: build, lowerBound }) => lsmEngine({ parts: { blockCodec: { build, lowerBound } } }),
  options: { writeBufferSize: 16 << 10, blockSize: 512, level0Tables: 2 },
  workload: random => mixedLoad(random, 400),
}
