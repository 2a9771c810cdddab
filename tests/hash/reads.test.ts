import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteView } from '../../src/codec/entry.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import { CorruptionError } from '../../src/errors.js'
import { hashEngine } from '../../src/hash/factory.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'
import { slice } from '../support/thoroughness.js'

function storeIn(fileSystem: MemoryFileSystem, options: Record<string, unknown> = {}): (created: boolean) => Promise<Engine> {
  fileSystem.makeDirectory('/store')
  const factory = hashEngine({ poisonFrames: true })
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  return created => factory.open({ environment, directory: '/store', created, options: { ...fillOptions(factory), ...options } })
}

function put(engine: Engine, key: Uint8Array, value: Uint8Array, sync = false): Promise<void> | void {
  const batch = new WriteBatch()
  batch.put(key, value)
  return engine.write(batch, { sync })
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('latin1')
}

describe('a get of the hash engine', () => {
  it('shows a durable write before its frame is in the file, and all of them after a kill', async () => {
    const open = storeIn(new MemoryFileSystem())
    const engine = await open(true)
    const valueOf = (i: number): Uint8Array => keyOf(`${i}`.repeat(i))
    const writes = Array.from({ length: 200 }, (_, i) => {
      const write = put(engine, keyOf(`key ${i}`), valueOf(i), true)
      if (i % 7 === 0) for (const j of [0, i >> 1, i]) expect(engine.get(keyOf(`key ${j}`))).toEqual(valueOf(j))
      return write
    })
    for (const write of writes) await write
    const again = await open(false)
    for (let i = 0; i < 200; i++) expect(again.get(keyOf(`key ${i}`))).toEqual(valueOf(i))
    await again.close()
  })

  it('is the same alone and among others, of values in one block and across blocks, read before or not', async () => {
    const lengths = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 3900, max: 4200 }), fc.integer({ min: 0, max: 20_000 }))
    const entries = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), lengths), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(entries, fc.constantFrom(0, 64 * 1024, 1024 * 1024), async (all, cacheSize) => {
        const open = storeIn(new MemoryFileSystem(), { cacheSize })
        const first = await open(true)
        const expected = new Map<string, [Uint8Array, Uint8Array | undefined]>()
        for (const [i, [key, length]] of all.entries()) {
          const value = new Uint8Array(length).fill(i + 1)
          await put(first, key, value)
          expected.set(key.join(), [key, value])
          if (i % 5 === 4) {
            const batch = new WriteBatch()
            batch.del(key)
            await first.write(batch, { sync: false })
            expected.set(key.join(), [key, undefined])
          }
          expected.set(`no ${i}`, [keyOf(`no key ${i}`), undefined])
        }
        await first.close()
        const engine = await open(false)
        const keys = [...expected.values()].map(([key]) => key)
        const values = [...expected.values()].map(([, value]) => textOf(value))
        for (let round = 0; round < 3; round++) {
          expect(keys.map(key => textOf(engine.get(key)))).toEqual(values)
          const view = new ByteView()
          const found: (string | undefined)[] = []
          expect(engine.getViews!(keys, keys.length, view, isThere => found.push(isThere ? textOf(view.copy()) : undefined) < 0)).toBe(
            keys.length,
          )
          expect(found).toEqual(values)
        }
        await engine.close()
      }),
      { numRuns: slice(10, 200) },
    )
  })

  it('checks a value again once its block was read from the disk again', async () => {
    const fileSystem = new MemoryFileSystem()
    const open = storeIn(fileSystem, { cacheSize: 64 * 1024 })
    const first = await open(true)
    const value = new Uint8Array(1000).fill(7)
    for (let i = 0; i < 200; i++) await put(first, keyOf(`key ${i}`), value)
    await first.close()
    const engine = await open(false)
    const key = keyOf('key 100')
    const file = fileSystem.openWrite('/store/000001-000001-000001.data')
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0)
    const at = Buffer.from(bytes).indexOf('key 100') + 500
    for (let round = 0; round < 3; round++) expect(engine.get(key)).toEqual(value)
    file.write(Uint8Array.of(8), at)
    expect(engine.get(key)).toEqual(value)
    for (let round = 0; round < 3; round++) for (let i = 0; i < 90; i++) expect(engine.get(keyOf(`key ${i}`))).toEqual(value)
    expect(() => engine.get(key)).toThrow(CorruptionError)
    expect(() => engine.get(key)).toThrow(CorruptionError)
    file.close()
    await engine.close()
  })
})
