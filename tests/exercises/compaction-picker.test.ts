import { exercise } from '../../exercises/compaction-picker/exercise.js'
import type { PickCompaction } from '../../exercises/compaction-picker/units.js'
import { LeveledPicker } from '../../src/lsm/leveled-picker.js'
import { Version } from '../../src/lsm/version.js'
import { exerciseSuite } from './exercise-suite.js'

const pickCompaction: PickCompaction = (levels, options) =>
  new LeveledPicker(options).pick(new Version(levels), { oldestSnapshot: Infinity, rangeTombstones: [] })

exerciseSuite(exercise, { 'last-of-equals': 'divergence' }, { pickCompaction })
