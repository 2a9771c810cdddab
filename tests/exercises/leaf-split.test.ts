import { exercise } from '../../exercises/leaf-split/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'last-of-equals': 'divergence', 'without-the-new-entry': 'divergence' })
