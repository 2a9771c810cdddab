import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ReplayBuffer } from '../../src/btree/recovery/replay-buffer.js'
import { BatchReader, WriteBatch } from '../../src/engine/batch.js'
import { keyOf, textOf } from '../contract/support/opened-engine.js'
import { BareTree } from './support/bare-tree.js'

/** Keys with long shared prefixes, keys that are prefixes of others, and keys that end in zeros. */
const key = fc
  .tuple(
    fc.constantFrom('', 'a', 'shared prefix ', 'shared prefix \0\0'),
    fc.string({ unit: fc.constantFrom('\0', 'a', '\xff'), maxLength: 7 }),
  )
  .map(([prefix, rest]) => prefix + rest)
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('put' as const), key) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('del' as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), key, key) },
)
const batches = fc.array(fc.array(operation, { minLength: 1, maxLength: 40 }), { maxLength: 12 })

it('whatever the log holds, what is applied in the order of keys leaves the same as what is applied in the order of the log', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.constantFrom(64, 500, 4000, 1 << 20), async (log, capacity) => {
      const bare = await BareTree.open(256)
      const buffer = new ReplayBuffer(bare.tree, capacity)
      const model = new Map<string, string>()
      let number = 0
      const drain = (): Promise<void> => buffer.drain(() => Promise.resolve())
      for (const operations of log) {
        const batch = new WriteBatch()
        for (const [kind, first, last = ''] of operations) {
          const value = `value ${++number}`
          if (kind === 'put') {
            batch.put(keyOf(first), keyOf(value))
            model.set(first, value)
          } else if (kind === 'del') {
            batch.del(keyOf(first))
            model.delete(first)
          } else {
            batch.deleteRange(keyOf(first), keyOf(last))
            for (const each of [...model.keys()]) if (first <= each && each <= last) model.delete(each)
          }
        }
        batch.seal(1)
        const reader = (): BatchReader => new BatchReader().reset(batch.bytes, 0, batch.byteLength)
        if (buffer.add(reader(), batch.byteLength)) continue
        await drain()
        expect(buffer.add(reader(), batch.byteLength)).toBe(true)
      }
      await drain()
      const found: [string, string][] = []
      const cursor = bare.cursor()
      for (let valid = cursor.first(); valid; valid = cursor.next()) found.push([textOf(cursor.key.copy()), textOf(cursor.value.copy())])
      cursor.close()
      expect(found).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)))
      expect(bare.tree.sequence).toBe(log.flat().length)
      expect(await bare.violations()).toEqual([])
    }),
  )
})
