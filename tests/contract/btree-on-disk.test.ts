import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { slice } from '../support/thoroughness.js'
import { engineContract, type ContractSubject } from './support/contract-suite.js'
import { engineModel } from './support/model.js'
import { keyOf, withEngine } from './support/opened-engine.js'
import { nodePlace } from './support/places.js'
import { SMALL_BTREE } from './support/small-btree.js'
import { expectSame, patterned } from './support/write-promises.js'

const subject: ContractSubject = {
  name: 'btree, on disk',
  factory: btreeEngine({ poisonFrames: true }),
  options: SMALL_BTREE,
  place: nodePlace,
}

engineContract(subject)
engineModel(subject, { runs: 15, steps: 60 })

describe('btree on disk', () => {
  it(
    'a value of many MiB is written, moved and read back whole',
    withEngine({ ...subject, options: {} }, async store => {
      const value = patterned(slice(40 << 20, 100 << 20))
      await store.put('before', 'small')
      await store.put('huge', value)
      await store.put('next', 'small')
      await store.engine.flush()
      await store.compact()
      await store.reopen()
      expect([store.get('before'), store.get('next')]).toEqual(['small', 'small'])
      expectSame(store.engine.get(keyOf('huge')), value)
      await store.del('huge')
      await store.compact()
      expect(store.directoryBytes()).toBeLessThan(1 << 20)
    }),
    240_000,
  )
})
