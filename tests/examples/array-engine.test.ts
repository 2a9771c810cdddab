import { arrayEngine } from '../../examples/array-engine.js'
import { engineContract, type ContractSubject } from '../contract/support/contract-suite.js'
import { engineModel } from '../contract/support/model.js'
import { memoryPlace } from '../contract/support/places.js'

// An engine that knows nothing but what the package exports keeps every promise of the contract.
const subject: ContractSubject = { name: 'the array of the example', factory: arrayEngine, place: memoryPlace }

engineContract(subject)
engineModel(subject, { runs: 30 })
