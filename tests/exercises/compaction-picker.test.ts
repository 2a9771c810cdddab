import { exercise } from '../../exercises/compaction-picker/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'last-of-equals': 'divergence' })
