import { builtInEngines } from '../../src/index.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { copyStore, Kvarium } from '../../src/index.browser.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { ArrayLevel } from './support/array-level.js'

type Bytes = Kvarium<Uint8Array, Uint8Array>

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const
const keyOf = (i: number): Uint8Array => Uint8Array.of(i >> 16, i >> 8, i, i & 3)
const valueOf = (i: number): Uint8Array => new Uint8Array(i % 300).fill(i)

let disk: MemoryFileSystem
beforeEach(() => {
  disk = new MemoryFileSystem()
})
const make = (name: string, engine = 'lsm'): Bytes =>
  new Kvarium(`/${name}`, { engine: builtInEngines.resolve(engine), fileSystem: disk, ...BYTES })

async function filled(name: string, engine: string, entries = 3001): Promise<Bytes> {
  const db = make(name, engine)
  for (let i = 0; i < entries; i += 1000) {
    const some = Array.from({ length: Math.min(1000, entries - i) }, (_, k) => i + k)
    await db.batch(some.map(k => ({ type: 'put', key: keyOf(k), value: valueOf(k) })))
  }
  return db
}

const all = async (db: Bytes): Promise<string[]> =>
  (await db.iterator().all()).map(([key, value]) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`)

describe('copyStore', () => {
  it.each([
    ['lsm', 'btree'],
    ['btree', 'memory'],
    ['memory', 'lsm'],
  ])('from %s to %s every byte of every entry arrives, sublevels and empty values among them', async (from, to) => {
    const source = await filled('source', from)
    const sublevel = source.sublevel<string, unknown>('names', { valueEncoding: 'json' })
    await sublevel.put('a', { nested: ['ü'] })
    const target = make('target', to)
    const report = await copyStore(source, target)
    expect(report.entries).toBe(3002)
    expect(await all(target)).toEqual(await all(source))
    expect(await target.sublevel<string, unknown>('names', { valueEncoding: 'json' }).get('a')).toEqual({ nested: ['ü'] })
    await Promise.all([source.close(), target.close()])
  })

  it('power fails as soon as it resolves, and the whole copy is there, also where the last batch is full', async () => {
    const source = await filled('source', 'memory', 2000)
    const target = make('target')
    await copyStore(source, target)
    const rebooted: Bytes = new Kvarium('/target', { fileSystem: disk.crashClone('none'), ...BYTES })
    expect(await all(rebooted)).toEqual(await all(source))
    await Promise.all([source.close(), target.close(), rebooted.close()])
  })

  it('takes any database of the Level family, in both directions', async () => {
    const source = new ArrayLevel({ keyEncoding: 'utf8', valueEncoding: 'utf8' })
    await source.batch(Array.from({ length: 200 }, (_, i) => ({ type: 'put', key: `key ${i}`, value: `value ${i}` })))
    const target = make('target', 'btree')
    expect(await copyStore(source, target)).toMatchObject({ entries: 200 })
    const back = new ArrayLevel({ keyEncoding: 'utf8', valueEncoding: 'utf8' })
    await copyStore(target, back)
    expect(await back.iterator().all()).toEqual(await source.iterator().all())
    await target.close()
  })

  it('writes that come while it copies are not in the copy, and do not make the comparison fail', async () => {
    const source = await filled('source', 'lsm')
    const target = make('target', 'btree')
    let writes = 0
    const before = await all(source)
    const onProgress = (): void => void (writes++ < 5 && void source.put(keyOf(writes), Uint8Array.of(1, 2, 3)))
    await copyStore(source, target, { onProgress })
    expect(writes).toBeGreaterThan(2)
    expect(await all(target)).toEqual(before)
    await Promise.all([source.close(), target.close()])
  })

  it('a target that has entries is refused and stays as it is', async () => {
    const source = await filled('source', 'memory', 10)
    const target = await filled('target', 'lsm', 1)
    await expect(copyStore(source, target)).rejects.toMatchObject({ code: 'LEVEL_TARGET_NOT_EMPTY' })
    await expect(copyStore(source, source)).rejects.toMatchObject({ code: 'LEVEL_INVALID_TARGET' })
    expect(await all(target)).toHaveLength(1)
    await Promise.all([source.close(), target.close()])
  })

  it.each([
    ['loses an entry', (target: Bytes) => target.del(keyOf(7)), 'is there in one of the two alone'],
    ['loses its last entry', (target: Bytes) => target.del(keyOf(9)), 'is missing'],
    ['has another value', (target: Bytes) => target.put(keyOf(7), Uint8Array.of(9)), 'has another value'],
    ['has an entry more', (target: Bytes) => target.put(Uint8Array.of(255, 255), Uint8Array.of(9)), 'is not in the source'],
  ])('a target that %s by the time of the comparison fails the copy', async (_how, change, message) => {
    const source = await filled('source', 'memory', 10)
    const target = make('target')
    let changed: Promise<void> | undefined
    const entries = async function* (): AsyncGenerator<[Uint8Array, Uint8Array]> {
      if (changed === undefined) changed = Promise.resolve()
      else await change(target)
      yield* await source.iterator().all()
    }
    const copying = copyStore(entries, target)
    await expect(copying).rejects.toMatchObject({ code: 'LEVEL_COPY_DIFFERS', message: expect.stringContaining(message) as string })
    await Promise.all([source.close(), target.close()])
  })

  it('an abort ends it, and closes what it opened', async () => {
    const source = await filled('source', 'lsm')
    const target = make('target')
    const controller = new AbortController()
    await expect(copyStore(source, target, { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toMatchObject({
      code: 'LEVEL_ABORTED',
    })
    await Promise.all([source.close(), target.close()])
  })

  it.each(['lsm', 'btree'])('entries out of order are refused, and %s stays empty', async engine => {
    const target = make('target', engine)
    const entries = (): [Uint8Array, Uint8Array][] => [2, 1].map(i => [keyOf(i), valueOf(i)])
    await expect(copyStore(entries, target)).rejects.toMatchObject({
      code: 'LEVEL_COPY_DIFFERS',
      message: expect.stringContaining('entry 1 comes after a larger one') as string,
    })
    expect(await all(target)).toEqual([])
    await target.close()
  })

  it('a target with a time to live gives it to every entry', async () => {
    const source = await filled('source', 'memory', 10)
    const target: Bytes = new Kvarium('/target', { fileSystem: disk, ttl: 60_000, ...BYTES })
    await copyStore(source, target)
    expect(await target.expiresAt(keyOf(3))).toBeGreaterThan(Date.now())
    await Promise.all([source.close(), target.close()])
  })

  it('writes a copy once, without a log', async () => {
    const source = await filled('source', 'memory', 3000)
    for (const engine of ['lsm', 'btree']) {
      const target = make(engine, engine)
      await copyStore(source, target)
      const { written, userBytes } = target.stats().ledger
      expect(written.log, engine).toBeLessThan(1000)
      expect(written.flush + written.page, engine).toBeLessThan(2 * userBytes)
      await target.close()
    }
    await source.close()
  })

  it('an empty source makes an empty copy', async () => {
    const source = make('source')
    const target = make('target', 'btree')
    expect(await copyStore(source, target)).toEqual({ entries: 0, bytes: 0 })
    await Promise.all([source.close(), target.close()])
  })
})
