import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { expiryModel } from './support/expiry-model.js'
import { engineModel } from './support/model.js'
import { memoryPlace, portablePlace } from './support/places.js'
import { readingAgain } from './support/reading-again.js'
import { SMALL_LSM } from './support/small-lsm.js'

const factory = lsmEngine()
const cached = readingAgain(lsmEngine({ entryCachePace: { window: 4, sleep: 0 } }))

const subjects: readonly ContractSubject[] = [
  {
    name: 'lsm, tiered, in memory, compressed',
    factory,
    options: { ...SMALL_LSM, compaction: 'tiered', compression: 'deflate' },
    place: memoryPlace,
  },
  {
    name: 'lsm, leveled, in memory, entries cached',
    factory: cached,
    options: { ...SMALL_LSM, cacheSize: 256 << 10, entryCache: true },
    place: memoryPlace,
  },
  { name: 'lsm, leveled, in memory', factory, options: { ...SMALL_LSM, compaction: 'leveled' }, place: memoryPlace },
  {
    name: 'lsm, lazily leveled, in memory, compressed',
    factory,
    options: { ...SMALL_LSM, compaction: 'lazy-leveled', fanOut: 4, filterAllocation: 'by-level', compression: 'deflate' },
    place: memoryPlace,
  },
  { name: 'lsm, leveled, in memory, values apart', factory, options: { ...SMALL_LSM, valueThreshold: 16 }, place: memoryPlace },
  { name: 'lsm, leveled, as in a browser', factory, options: { ...SMALL_LSM, writeBufferSize: 32 << 10 }, place: portablePlace },
]

// A lazily leveled tree is a tiered one above its last level. The leveled tree of every day is the one of `lsm-on-disk.test.ts`. `tests/engine/entry-cache.test.ts` is that of cached entries.
for (const subject of slice(subjects.slice(3), subjects)) {
  engineContract(subject)
  engineModel(subject)
  expiryModel(subject, slice(30, 150))
}
