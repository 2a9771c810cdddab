import { exercise } from '../../exercises/merging-cursor/exercise.js'
import { MergingCursor } from '../../src/lsm/read/merging-cursor.js'
import { exerciseSuite } from './support/exercise-suite.js'

exerciseSuite(exercise, { 'keys-as-text': 'model' }, { MergingCursor })
