import { describe, expect, it } from 'vitest'
import { fileDamages, flips, lostWrites, truncations, wipes } from './support/damages.js'
import { smallStores, type DamageSubject, type SmallStore } from './support/small-store.js'
import { SUBJECTS } from './support/subjects.js'
import { judge, type Damage, type Outcome } from './support/verdict.js'
import { slice } from '../support/thoroughness.js'

async function judgeAll(subject: DamageSubject, store: SmallStore, damages: Iterable<Damage>): Promise<Record<Outcome, number>> {
  const counts: Record<Outcome, number> = { 'refused to open': 0, 'refused a read': 0, right: 0 }
  for (const damage of damages) counts[await judge(subject, store, damage)]++
  return counts
}

/** Every n-th place: which n differs from run to run of a sweep only by its seed. */
const every =
  (n: number) =>
  (place: number): boolean =>
    place % n === 0

describe.each(SUBJECTS)('a damaged store of $name', subject => {
  it('is readable where it is not damaged, to begin with', async () => {
    const stores = await smallStores(subject)
    expect(stores.map(store => store.state)).toEqual(['unclean', 'clean', 'reopened'])
    for (const store of stores) {
      expect(await judge(subject, store, { what: 'nothing', files: store.files, needsOffset: true })).toBe('right')
    }
    expect(stores[0].records.length).toBeGreaterThan(8)
  })

  it('a byte that changed is never read as something else', async () => {
    for (const store of await smallStores(subject)) {
      const counts = await judgeAll(subject, store, flips(store, [0x01, 0x80, 0xff], every(slice(71, 29))))
      // What an opening does not read is refused by a read. A store that is compressed, or has compact frames, has few bytes to damage.
      expect(counts['refused to open']).toBeGreaterThan(0)
      expect(counts['refused a read']).toBeGreaterThan(3)
      expect(counts['refused to open'] + counts['refused a read']).toBeGreaterThan(12)
    }
  })

  it('a file cut short is never read as a shorter store', async () => {
    for (const store of await smallStores(subject)) {
      const counts = await judgeAll(subject, store, truncations(store, every(slice(53, 13))))
      expect(counts['refused to open']).toBeGreaterThan(10)
    }
  })

  it('a stretch of zeros or noise is noticed', async () => {
    for (const store of await smallStores(subject)) await judgeAll(subject, store, wipes(store, every(slice(29, 7))))
  })

  it('a write that was lost, or went to another place, is noticed', async () => {
    for (const store of await smallStores(subject)) await judgeAll(subject, store, lostWrites(store, every(slice(11, 3))))
  })

  it('a file that is missing, empty, in the place of another one or older than the rest is noticed', async () => {
    for (const store of await smallStores(subject)) {
      const counts = await judgeAll(subject, store, fileDamages(store))
      expect(counts['refused to open'] + counts['refused a read']).toBeGreaterThan(counts.right)
    }
  })
})
