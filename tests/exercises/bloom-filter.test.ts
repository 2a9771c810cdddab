import { exercise } from '../../exercises/bloom-filter/exercise.js'
import { exerciseSuite } from './exercise-suite.js'

exerciseSuite(exercise, { 'keeps-what-it-built': 'model', 'no-least-size': 'divergence' })
