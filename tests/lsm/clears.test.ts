import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/vfs/index.js'
import { rangeOf } from '../contract/support/opened-engine.js'
import { batchOf, emptyFileSystem, filler, listed, openLsm, scan, violations, type Operation } from './support/opened-lsm.js'
import { slice } from '../support/thoroughness.js'

describe('clears of many keys', () => {
  it.each(slice(['leveled', 'lazy-leveled'], ['leveled', 'tiered', 'lazy-leveled']))(
    'over each other, between writes, snapshots, flushes and reopens, leave what a sorted map has (%s)',
    async compaction => {
      for (let seed = 1; seed <= slice(2, 6); seed++) {
        const random = new SeededRandom(seed)
        const fileSystem = emptyFileSystem()
        let engine = await openLsm({ fileSystem, created: true, options: { compaction } })
        const model = new Map<string, string>()
        let held: { snapshot: ReturnType<typeof engine.snapshot>; contents: string[] }[] = []
        for (let step = 0; step < 120; step++) {
          const roll = random.uniform(20)
          const from = String(random.uniform(300)).padStart(3, '0')
          if (roll < 10) {
            // Enough neighbours that a clear of them is a range tombstone.
            const operations = Array.from({ length: 60 }, (_, i): Operation => [
              'put',
              String(Number(from) + i).padStart(3, '0'),
              filler(random.uniform(60), step),
            ])
            await engine.write(batchOf(operations), { sync: false })
            for (const [, key, value] of operations) model.set(key, value ?? '')
          } else if (roll < 15) {
            const to = String(Number(from) + random.uniform(200)).padStart(3, '0')
            await engine.clear(rangeOf({ gte: from, lt: to }), { sync: false })
            for (const key of [...model.keys()]) if (key >= from && key < to) model.delete(key)
          } else if (roll === 15) held.push({ snapshot: engine.snapshot(), contents: listed(model) })
          else if (roll === 16) held.shift()?.snapshot.release()
          else if (roll === 17) await engine.flush()
          else if (roll === 18) await engine.compact()
          else if (random.uniform(3) === 0) {
            held = []
            await engine.close()
            engine = await openLsm({ fileSystem, options: { compaction } })
          }
          expect(scan(engine)).toEqual(listed(model))
          for (const { snapshot, contents } of held) {
            const cursor = engine.cursor({}, snapshot)
            let count = 0
            for (let valid = cursor.first(); valid; valid = cursor.next()) count++
            cursor.close()
            expect(count).toBe(contents.length)
          }
        }
        await engine.settle()
        expect(await violations(engine)).toEqual([])
        await engine.close()
      }
    },
  )
})
