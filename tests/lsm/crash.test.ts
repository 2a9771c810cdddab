import { describe, expect, it } from 'vitest'
import { crashAnywhere, HISTORIES, type CrashSubject } from '../engine/support/crash-suite.js'
import { slice } from '../support/thoroughness.js'
import type { LsmOptions } from '../../src/lsm/options.js'
import { leftovers, openLsm, violations } from './support/opened-lsm.js'

/** The leveled tree loads its logs once it is open. */
function lsm(compaction: LsmOptions['compaction'], valueThreshold: number): CrashSubject {
  const deferred = compaction === 'leveled' ? { leastDeferredBytes: 0 } : {}
  const settings = { manifestBytes: 700, ...deferred, options: { compaction, valueThreshold, maxFileSize: 8 << 10, level1Size: 16 << 10 } }
  return {
    open: place => openLsm({ ...settings, ...place }),
    steps: slice(45, 70),
    shares: { flush: 3, compact: 2, reopen: 2, clear: 2 },
    extremesEvery: 6,
    verifyOpened: async (engine, fileSystem) => {
      await engine.settle()
      expect(leftovers(engine, fileSystem)).toEqual([])
      expect(await violations(engine)).toEqual([])
    },
  }
}

const ALL = [
  ['leveled', 0],
  ['lazy-leveled', 20],
  ['lazy-leveled', 0],
  ['tiered', 0],
  ['leveled', 20],
] as const

// The upper levels of a lazily leveled tree are tiered.
describe.each(slice<readonly (typeof ALL)[number][]>(ALL.slice(0, 2), ALL))(
  'a crash of a %s tree, values of %i bytes apart',
  (compaction, valueThreshold) => {
    it(
      'at any file operation leaves a prefix of the batches that has all synced ones, and a sound store',
      async () => {
        const subject = lsm(compaction, valueThreshold)
        for (let seed = 1; seed <= HISTORIES; seed++) expect(await crashAnywhere(subject, seed)).toBeGreaterThan(slice(200, 400))
      },
      120_000 * HISTORIES,
    )
  },
)
