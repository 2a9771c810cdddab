import { exercise } from '../../exercises/log-reader/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'nothing-is-durable': 'divergence' })
