import { exercise } from '../../exercises/log-reader/exercise.js'
import * as another from './another-log-reader.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'nothing-is-durable': 'divergence' }, another)
