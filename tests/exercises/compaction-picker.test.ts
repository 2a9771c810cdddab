import { exercise } from '../../exercises/compaction-picker/exercise.js'
import type { PickCompaction } from '../../exercises/compaction-picker/units.js'
import { LeveledPicker } from '../../src/lsm/compaction/pickers/leveled-picker.js'
import { Version } from '../../src/lsm/versions/version.js'
import { exerciseSuite } from './support/exercise-suite.js'

/** Compactions for the sake of tombstones are not part of the exercise. */
const pickCompaction: PickCompaction = (levels, options) => {
  const version = new Version(levels)
  const compaction = new LeveledPicker(options).pick(version, { oldestSnapshot: Infinity, rangeTombstones: [] })
  if (compaction === undefined || compaction.reason === 'tombstones') return undefined
  const files = [...version.files()]
  return { ...compaction, inputs: compaction.inputs.map(run => run.map(meta => files.find(file => file.meta === meta)!)) }
}

exerciseSuite(exercise, { 'last-of-equals': 'divergence' }, { pickCompaction })
