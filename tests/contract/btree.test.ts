import { btreeEngine } from '../../src/btree/factory.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { expiryModel } from './support/expiry-model.js'
import { engineModel } from './support/model.js'
import { memoryPlace, portablePlace } from './support/places.js'
import { readingAgain } from './support/reading-again.js'
import { SMALL_BTREE } from './support/small-btree.js'

const factory = btreeEngine({ poisonFrames: true })
const cached = readingAgain(btreeEngine({ poisonFrames: true, entryCachePace: { window: 4, sleep: 0 } }))

const subjects: readonly ContractSubject[] = [
  {
    name: 'btree, entries cached',
    factory: cached,
    options: { ...SMALL_BTREE, cacheSize: 256 << 10, entryCache: true },
    place: memoryPlace,
  },
  { name: 'btree, in memory', factory, options: SMALL_BTREE, place: memoryPlace },
  { name: 'btree, tiny pages and no cache', factory, options: { ...SMALL_BTREE, pageSize: 256, cacheSize: 0 }, place: memoryPlace },
  { name: 'btree, compressed', factory, options: { ...SMALL_BTREE, compression: 'lz4' }, place: memoryPlace },
  { name: 'btree, as in a browser', factory, options: { ...SMALL_BTREE, writeBufferSize: 64 << 10 }, place: portablePlace },
]

// The B+tree of every day is the one of `btree-on-disk.test.ts`. `tests/engine/entry-cache.test.ts` is that of cached entries.
for (const subject of slice(subjects.slice(2), subjects)) {
  engineContract(subject)
  engineModel(subject)
  expiryModel(subject, slice(30, 150))
}
