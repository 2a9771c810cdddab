import { exercise } from '../../exercises/leaf-split/exercise.js'
import type { SplitLeaf } from '../../exercises/leaf-split/units.js'
import { partition } from '../../src/btree/tree/split.js'
import { exerciseSuite } from './support/exercise-suite.js'

const splitLeaf: SplitLeaf = overflow => partition({ ...overflow, branch: false })[1]

exerciseSuite(exercise, { 'last-of-equals': 'divergence', 'without-the-new-entry': 'model' }, { splitLeaf })
