import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { expiryModel } from './support/expiry-model.js'
import { engineModel } from './support/model.js'
import { memoryPlace, portablePlace } from './support/places.js'
import { SMALL_LSM } from './support/small-lsm.js'

const factory = lsmEngine()

const subjects: readonly ContractSubject[] = [
  { name: 'lsm, leveled, in memory', factory, options: { ...SMALL_LSM, compaction: 'leveled' }, place: memoryPlace },
  {
    name: 'lsm, tiered, in memory, compressed',
    factory,
    options: { ...SMALL_LSM, compaction: 'tiered', compression: 'deflate' },
    place: memoryPlace,
  },
  { name: 'lsm, leveled, as in a browser', factory, options: { ...SMALL_LSM, writeBufferSize: 32 << 10 }, place: portablePlace },
]

// The leveled tree of every day is the one of `lsm-on-disk.test.ts`.
for (const subject of slice(subjects.slice(1), subjects)) {
  engineContract(subject)
  engineModel(subject)
  expiryModel(subject, slice(30, 150))
}
