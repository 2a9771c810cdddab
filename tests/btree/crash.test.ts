import { expect, it } from 'vitest'
import { crashAnywhere, HISTORIES, type CrashSubject } from '../engine/support/crash-suite.js'
import { slice } from '../support/thoroughness.js'
import { openBtree, shapeOf, violations } from './support/opened-btree.js'

let checkpoints = 0

const btree: CrashSubject = {
  open: openBtree,
  steps: slice(80, 120),
  shares: { flush: 4, compact: 2, reopen: 3, clear: 2 },
  extremesEvery: 4,
  verifyOpened: async engine => {
    expect(await violations(engine)).toEqual([])
    await engine.settle()
  },
  verifyWritten: async engine => {
    await engine.flush()
    expect(await violations(engine)).toEqual([])
  },
  beforeClose: engine => (checkpoints += shapeOf(engine).checkpoints),
}

it(
  'a crash at any file operation leaves a prefix of the batches that has all synced ones, and a sound tree',
  async () => {
    for (let seed = 1; seed <= HISTORIES; seed++) {
      checkpoints = 0
      expect(await crashAnywhere(btree, seed)).toBeGreaterThan(slice(300, 500))
      expect(checkpoints).toBeGreaterThan(slice(3, 5))
    }
  },
  120_000 * HISTORIES,
)
