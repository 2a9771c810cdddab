import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteView } from '../../src/codec/entry.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { openBtree } from '../btree/support/opened-btree.js'
import { keyOf, textOf } from '../contract/support/opened-engine.js'
import { openLsm } from '../lsm/support/opened-lsm.js'
import { batchOf, emptyFileSystem, filler } from './support/engine-calls.js'

/** Keys of which many have the same first bytes behind the prefix of their leaf. */
const key = (i: number): string => `${'k'.repeat(1 + (i % 3))}${i % 7 === 0 ? '\0\0\0\0' : ''}${String(i).padStart(5, '0')}`

function viewed(engine: Engine, keys: readonly string[], snapshot?: EngineSnapshot, most = Infinity): (string | undefined)[] {
  const out = new ByteView()
  const values: (string | undefined)[] = []
  const each = (found: boolean): boolean => values.push(found ? textOf(out.copy()) : undefined) >= most
  expect(engine.getViews!(keys.map(keyOf), keys.length, out, each, snapshot)).toBe(values.length)
  return values
}

const single = (engine: Engine, keys: readonly string[], snapshot?: EngineSnapshot): (string | undefined)[] =>
  keys.map(one => {
    const value = engine.get(keyOf(one), snapshot)
    return value && textOf(value)
  })

function counted(engine: Engine, read: () => void): object {
  const { ledger, cache } = engine.stats()
  const before = { ...ledger.read, found: { ...ledger.found }, missing: { ...ledger.missing }, ...cache }
  read()
  const after = engine.stats()
  const difference = (now: object, then: object): object =>
    Object.fromEntries(
      Object.entries(now).map(([name, value]) => [name, (value as number) - ((then as Record<string, number>)[name] ?? 0)]),
    )
  return {
    found: difference(after.ledger.found, before.found),
    missing: difference(after.ledger.missing, before.missing),
    hits: (after.cache?.hits ?? 0) - before.hits!,
    misses: (after.cache?.misses ?? 0) - before.misses!,
  }
}

describe.each([
  ['btree', openBtree],
  ['lsm', openLsm],
] as const)('%s', (_, open) => {
  it.each([32 << 10, 1 << 20])(
    'many gets at once find what single gets find, at any moment, and count the same: a cache of %i bytes',
    async cacheSize => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.nat(400), { maxLength: 40 }), { minLength: 2, maxLength: 6 }),
          fc.array(fc.array(fc.nat(450), { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
          async (writes, reads) => {
            const engine = await open({ fileSystem: emptyFileSystem(), created: true, options: { cacheSize } })
            await engine.write(batchOf(Array.from({ length: 300 }, (_, i) => ['put', key(i), filler(i % 90, i)] as const)), { sync: false })
            await engine.flush()
            const snapshot = engine.snapshot()
            single(
              engine,
              Array.from({ length: 300 }, (_, i) => key(i)),
            )
            for (const [round, numbers] of writes.entries()) {
              await engine.write(
                batchOf(numbers.map(i => (i % 5 === 0 ? (['del', key(i)] as const) : (['put', key(i), filler(i % 70, round)] as const)))),
                { sync: false },
              )
              if (round % 3 === 1) await engine.clear({ gt: keyOf(key(round * 30)), lt: keyOf(key(round * 30 + 9)) }, { sync: false })
              if (round % 2 === 1) await engine.flush()
              for (const some of reads) {
                const keys = some.map(key)
                for (const moment of [undefined, snapshot]) {
                  const expected = single(engine, keys, moment)
                  expect(viewed(engine, keys, moment)).toEqual(expected)
                  expect(viewed(engine, keys, moment, 3)).toEqual(expected.slice(0, 3))
                }
                // Once all of them are in memory, both count the same.
                if (cacheSize > 1e6) {
                  const many = counted(engine, () => viewed(engine, keys))
                  expect(many).toEqual(counted(engine, () => single(engine, keys)))
                  expect(many).toMatchObject({ misses: 0 })
                }
              }
            }
            snapshot.release()
            await engine.close()
          },
        ),
        { numRuns: 4, seed: 20 },
      )
    },
  )

  it('many gets at once hide what has expired', async () => {
    const engine = await open({ fileSystem: emptyFileSystem(), created: true, options: { cacheSize: 1 << 20 } })
    const batch = new WriteBatch()
    for (let i = 0; i < 100; i++) batch.put(keyOf(key(i)), keyOf('value'), i % 2 === 0 ? 1 : Number.MAX_SAFE_INTEGER)
    await engine.write(batch, { sync: false })
    await engine.flush()
    const keys = Array.from({ length: 100 }, (_, i) => key(i))
    const expected = keys.map((_, i) => (i % 2 === 0 ? undefined : 'value'))
    expect(single(engine, keys)).toEqual(expected)
    expect(viewed(engine, keys)).toEqual(expected)
    await engine.close()
  })
})
