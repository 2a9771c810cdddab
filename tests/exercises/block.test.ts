import { exercise } from '../../exercises/block/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'signed-heads': 'model', 'memory-begins-at-zero': 'model' })
