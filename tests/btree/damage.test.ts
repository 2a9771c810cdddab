import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { fileDamages, flips, truncations, wipes } from '../damage/support/damages.js'
import { smallStores, type DamageSubject, type SmallStore } from '../damage/support/small-store.js'
import { judge, type Damage, type Outcome } from '../damage/support/verdict.js'

const SUBJECT: DamageSubject = {
  name: 'btree',
  factory: btreeEngine({ poisonFrames: true }),
  options: { pageSize: 256, writeBufferSize: 16 << 10, cacheSize: 4 << 10 },
}

async function judgeAll(store: SmallStore, damages: Iterable<Damage>): Promise<Record<Outcome, number>> {
  const counts: Record<Outcome, number> = { 'refused to open': 0, 'refused a read': 0, right: 0 }
  for (const damage of damages) counts[await judge(SUBJECT, store, damage)]++
  return counts
}

const every =
  (n: number) =>
  (place: number): boolean =>
    place % n === 0

describe('a damaged tree', () => {
  it('a byte that changed is never read as something else', async () => {
    for (const store of await smallStores(SUBJECT)) {
      const counts = await judgeAll(store, flips(store, [0x01, 0x80, 0xff], every(173)))
      expect(counts['refused a read'] + counts['refused to open']).toBeGreaterThan(20)
    }
  })

  it('a file cut short is never read as a shorter store', async () => {
    for (const store of await smallStores(SUBJECT)) {
      const counts = await judgeAll(store, truncations(store, every(97)))
      expect(counts['refused to open']).toBeGreaterThan(10)
    }
  })

  it('a stretch of zeros or noise is noticed', async () => {
    for (const store of await smallStores(SUBJECT)) await judgeAll(store, wipes(store, every(37)))
  })

  it('a file that is missing, empty, in the place of another one or older than the rest is noticed', async () => {
    for (const store of await smallStores(SUBJECT)) {
      // An earlier state of a log that was not closed, with the zeros that were written ahead of it then, is a log that lost its tail.
      const isLostTail = ({ what }: Damage): boolean => store.state === 'unclean' && /\.log replaced by its generation/.test(what)
      await judgeAll(
        store,
        [...fileDamages(store)].filter(damage => !isLostTail(damage)),
      )
    }
  })
})
