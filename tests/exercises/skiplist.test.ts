import { exercise } from '../../exercises/skiplist/exercise.js'
import * as another from './another-skiplist.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'remembers-answers': 'model' }, another)
