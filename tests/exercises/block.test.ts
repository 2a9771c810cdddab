import { exercise } from '../../exercises/block/exercise.js'
import type { BlockPart } from '../../exercises/block/units.js'
import { EMPTY } from '../../src/codec/entry.js'
import { SortedBlockBuilder } from '../../src/codec/sorted-block-builder.js'
import { SortedBlock } from '../../src/codec/sorted-block.js'
import { exerciseSuite } from './support/exercise-suite.js'

const buildBlock: BlockPart['buildBlock'] = entries => {
  const builder = new SortedBlockBuilder()
  for (const { key, payload } of entries) builder.add(key, 0, key.length, EMPTY, 0, payload, 0, payload.length)
  const out = new Uint8Array(builder.estimatedBytes)
  return out.subarray(0, builder.finish(out, 0))
}

const lowerBound: BlockPart['lowerBound'] = (block, key) => new SortedBlock(block, block.length, 'block', 0).lowerBound(key, 0, key.length)

exerciseSuite(exercise, { 'signed-heads': 'model', 'memory-begins-at-zero': 'model' }, { buildBlock, lowerBound })
