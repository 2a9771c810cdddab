import { hashEngine } from '../../src/hash/factory.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { expiryModel } from './support/expiry-model.js'
import { engineModel } from './support/model.js'
import { memoryPlace, nodePlace, portablePlace } from './support/places.js'
import { SMALL_HASH } from './support/small-hash.js'

const factory = hashEngine({ poisonFrames: true })

const subjects: readonly ContractSubject[] = [
  { name: 'hash, in memory', factory, options: SMALL_HASH, place: memoryPlace },
  { name: 'hash, on disk', factory, options: SMALL_HASH, place: nodePlace },
  { name: 'hash, no cache', factory, options: { ...SMALL_HASH, cacheSize: 0 }, place: memoryPlace },
  { name: 'hash, as in a browser', factory, options: SMALL_HASH, place: portablePlace },
]

for (const subject of slice(subjects.slice(0, 1), subjects)) {
  engineContract(subject)
  engineModel(subject)
  expiryModel(subject, slice(30, 150))
}
