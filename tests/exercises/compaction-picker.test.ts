import { exercise } from '../../exercises/compaction-picker/exercise.js'
import type { PickCompaction } from '../../exercises/compaction-picker/units.js'
import { LeveledPicker } from '../../src/lsm/compaction/pickers/leveled-picker.js'
import { Version } from '../../src/lsm/versions/version.js'
import { exerciseSuite } from './support/exercise-suite.js'

/** Compactions for the sake of tombstones are not part of the exercise. */
const pickCompaction: PickCompaction = (levels, options) => {
  const spec = new LeveledPicker(options).pick(new Version(levels), { oldestSnapshot: Infinity, rangeTombstones: [] })
  return spec?.reason === 'tombstones' ? undefined : spec
}

exerciseSuite(exercise, { 'last-of-equals': 'divergence' }, { pickCompaction })
