import { memoryEngine } from '../../src/memory/factory.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { slice } from '../support/thoroughness.js'
import { expiryModel } from './support/expiry-model.js'
import { engineModel } from './support/model.js'
import { memoryPlace } from './support/places.js'

// The smallest arena, so that it is replaced again and again.
const subject: ContractSubject = { name: 'memory', factory: memoryEngine, options: { arenaSize: 4096 }, place: memoryPlace }

engineContract(subject)
engineModel(subject, { runs: 150 })
expiryModel(subject, slice(60, 300))
