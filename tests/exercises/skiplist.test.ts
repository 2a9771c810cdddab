import { exercise } from '../../exercises/skiplist/exercise.js'
import * as another from './support/another-skiplist.js'
import { exerciseSuite } from './support/exercise-suite.js'

exerciseSuite(exercise, { 'remembers-answers': 'model' }, another)
