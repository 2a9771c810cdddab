import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/codec/entry.js'
import { MAX_KEY_BYTES } from '../../../src/codec/limits.js'
import { WriteBatch } from '../../../src/engine/batch.js'
import type { EngineSnapshot, KeyRange } from '../../../src/engine/contract.js'
import { slice } from '../../support/thoroughness.js'
import { movesOf, withEngine, type ContractSubject, type OpenedEngine } from './opened-engine.js'

const KIB = 1024
/** Keys of the greatest length in every engine: `tests/engine/long-keys.test.ts`. */
const SIZES = slice(
  [64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, 256 * KIB],
  [64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 1024 * KIB, MAX_KEY_BYTES],
)

/** Two keys of each size that differ in their last byte only. In order. */
const KEYS = SIZES.flatMap((size, index) => [longKey(size, index, 0), longKey(size, index, 1)]).sort(compareKeys)

function longKey(size: number, first: number, last: number): Uint8Array {
  const key = new Uint8Array(size).fill(0x6b)
  key[0] = first
  key[size - 1] = last
  return key
}

async function write(store: OpenedEngine, fill: (batch: WriteBatch) => void): Promise<void> {
  const batch = new WriteBatch()
  fill(batch)
  await store.engine.write(batch, { sync: false })
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

function indexesIn(store: OpenedEngine, range: KeyRange, snapshot?: EngineSnapshot): number[] {
  const cursor = store.engine.cursor(range, snapshot)
  const index = (): number => KEYS.findIndex(key => same(key, cursor.key.copy()))
  const forward: number[] = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) forward.push(index())
  const backward: number[] = []
  for (let valid = cursor.last(); valid; valid = cursor.prev()) backward.unshift(index())
  expect(backward).toEqual(forward)
  cursor.close()
  return forward
}

function expectKeys(store: OpenedEngine, expected: readonly number[], snapshot?: EngineSnapshot): void {
  expect(indexesIn(store, {}, snapshot)).toEqual(expected)
  expect(indexesIn(store, { gt: KEYS[2], lte: KEYS[8] }, snapshot)).toEqual(expected.filter(index => index > 2 && index <= 8))
  const found = KEYS.map(key => store.engine.get(key, snapshot)?.[0])
  expect(found).toEqual(KEYS.map((_, index) => (expected.includes(index) ? index : undefined)))
}

export function longKeyPromises(subject: ContractSubject): void {
  describe('long keys', () => {
    it(
      'keys of 64 KiB and more are written, read, ranged over, cleared and kept for snapshots, wherever they lie',
      withEngine(subject, async store => {
        const all = KEYS.map((_, index) => index)
        // Every second key first, so that the others fall between them.
        for (const parity of [1, 0]) {
          for (const index of all.filter(each => each % 2 === parity))
            await write(store, batch => batch.put(KEYS[index], Uint8Array.of(index)))
        }
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expectKeys(store, all)
        }
        const snapshot = store.engine.snapshot()
        await write(store, batch => batch.del(KEYS[1]))
        await store.engine.clear({ gte: KEYS[3], lt: KEYS[5] }, { sync: false })
        await store.engine.clear({ gt: KEYS[8], lte: KEYS[9] }, { sync: false })
        const left = [0, 2, 5, 6, 7, 8]
        expectKeys(store, left)
        await store.engine.flush()
        await store.compact()
        expectKeys(store, all, snapshot)
        snapshot.release()
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expectKeys(store, left)
        }
        expect(await store.violations()).toEqual([])
      }),
      240_000,
    )
  })
}
