import { exercise } from '../../exercises/skiplist/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'remembers-answers': 'model' })
