import { describe, expect, it } from 'vitest'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { workerExecutor } from '../../src/lsm/compaction/worker/worker-executor.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { engineModel } from './support/model.js'
import { keyOf, withEngine } from './support/opened-engine.js'
import { nodePlace } from './support/places.js'
import { SMALL_LSM } from './support/small-lsm.js'
import { expectSame, patterned } from './support/write-promises.js'

const factory = lsmEngine({ executor: workerExecutor })

const leveled: ContractSubject = { name: 'lsm, leveled, on disk', factory, options: SMALL_LSM, place: nodePlace }
const tiered: ContractSubject = {
  name: 'lsm, tiered, on disk, compressed',
  factory,
  options: { ...SMALL_LSM, writeBufferSize: 64 << 10, compaction: 'tiered', compression: 'deflate' },
  place: nodePlace,
}

for (const subject of slice([leveled], [leveled, tiered])) {
  engineContract(subject)
  engineModel(subject, { runs: 15, steps: 60 })
}

describe('lsm on disk', () => {
  it(
    'a value of many MiB is written, moved and read back whole',
    withEngine({ ...leveled, options: {} }, async store => {
      const value = patterned(slice(40 << 20, 100 << 20))
      await store.put('before', 'small')
      await store.put('huge', value)
      await store.put('next', 'small')
      await store.engine.flush()
      await store.compact()
      await store.reopen()
      expect([store.get('before'), store.get('next')]).toEqual(['small', 'small'])
      expectSame(store.engine.get(keyOf('huge')), value)
    }),
    240_000,
  )
})
