import { exercise } from '../../exercises/log-reader/exercise.js'
import * as another from './support/another-log-reader.js'
import { exerciseSuite } from './support/exercise-suite.js'

exerciseSuite(exercise, { 'nothing-is-durable': 'divergence' }, another)
