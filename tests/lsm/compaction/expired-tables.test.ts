/** Tables whose entries have mostly expired: found by what the manifest says of them, and rewritten while the store is idle. */
import { expect, it } from 'vitest'
import { decodeVersionEdit, encodeVersionEdit } from '../../../src/lsm/versions/version-edit.js'
import { Kvarium } from '../../../src/index.js'
import { ExpirySample } from '../../../src/codec/expiry-sample.js'
import { MemoryFileSystem, SeededRandom, simulatedEnvironment } from '../../../src/vfs/index.js'

const HOUR = 3_600_000

it('the moment when half has expired is known from a sample, within a few percent, however many entries there are', () => {
  for (const [entries, expiring] of [
    [10, 10],
    [2000, 2000],
    [50_000, 40_000],
  ] as const) {
    const random = new SeededRandom(entries)
    const sample = new ExpirySample(256)
    const all = Array.from({ length: expiring }, () => random.uint32() % 1_000_000)
    for (const expiry of all) sample.note(expiry)
    const half = sample.halfOf(entries)!
    const share = all.filter(expiry => expiry <= half).length / entries
    expect(Math.abs(share - 0.5)).toBeLessThan(0.06)
  }
  const few = new ExpirySample()
  few.note(1)
  expect([few.halfOf(2), few.halfOf(3), new ExpirySample().halfOf(0)]).toEqual([1, undefined, undefined])
})

it('an edit keeps the moment of the table that it belongs to', () => {
  const key = Uint8Array.of(1)
  const counts = {
    level: 0,
    run: 1,
    fileBytes: 9,
    entries: 4,
    tombstones: 0,
    rangeTombstones: 0,
    rawBytes: 8,
    minSequence: 1,
    maxSequence: 4,
  }
  const added = [
    { number: 7, ...counts, smallest: key, largest: key },
    { number: 8, ...counts, smallest: key, largest: key, halfExpiredAt: 2 ** 47 },
    { number: 9, ...counts, smallest: key, largest: key },
  ]
  expect(decodeVersionEdit(encodeVersionEdit({ added })).added).toEqual(added)
  expect(() => decodeVersionEdit(Uint8Array.of(8, 1))).toThrow('without a table')
})

it.each(['leveled', 'tiered', 'lazy-leveled'] as const)(
  'an idle %s store gives back the space of what has expired, also after a reopening',
  async compaction => {
    const fileSystem = new MemoryFileSystem()
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const open = (): Kvarium => new Kvarium('/store', { environment, compression: 'none', writeBufferSize: 1 << 20, compaction })
    const bytes = (): number => [...fileSystem.files()].reduce((sum, [path, size]) => sum + (path.endsWith('.sst') ? size : 0), 0)
    for (const isReopened of [false, true]) {
      let db = open()
      await db.open()
      for (let i = 0; i < 4000; i += 100) {
        const operations = Array.from({ length: 100 }, (_, j) => ({
          type: 'put' as const,
          key: `key ${i + j}`,
          value: 'x'.repeat(500),
          ...((i + j) % 20 !== 0 && { ttl: HOUR + i }),
        }))
        await db.batch(operations)
      }
      await db.flush()
      if (isReopened) {
        await db.close()
        db = open()
        await db.open()
      }
      expect(bytes()).toBeGreaterThan(2_000_000)
      await environment.scheduler.sleep(2 * HOUR)
      for (let i = 0; i < 100; i++) await environment.scheduler.sleep(1000)
      expect(bytes()).toBeLessThan(300_000)
      expect(db.stats().ledger.expiredBytes).toBeGreaterThan(1_800_000)
      expect((await db.keys().all()).length).toBe(200)
      for await (const violation of db.check()) throw new Error(violation.message)
      await db.close()
    }
  },
)
