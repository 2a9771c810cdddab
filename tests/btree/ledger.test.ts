import { expect, it } from 'vitest'
import { META_AREA_BYTES, META_BYTES } from '../../src/btree/pages/meta-page.js'
import { simulatedEnvironment, MeteredFileSystem, SeededRandom } from '../../src/vfs/index.js'
import { rangeOf, keyOf } from '../contract/support/opened-engine.js'
import { batchOf, emptyFileSystem, filler, openBtree, scan, shapeOf, sizeOf, violations } from './support/opened-btree.js'

it('the parts of the ledger add up to the bytes that went through the file system, and file bytes to the files', async () => {
  const fileSystem = new MeteredFileSystem(emptyFileSystem())
  fileSystem.makeDirectory('/copy')
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const random = new SeededRandom(3)
  let before = fileSystem.counts().total
  let engine = await openBtree({ fileSystem, environment, created: true, options: { cacheSize: 6000 } })
  const expectExact = (): void => {
    const { ledger } = engine.stats()
    const { total } = fileSystem.counts()
    const sum = (parts: object): number => Object.values(parts).reduce((a: number, b: number) => a + b, 0) as number
    expect(sum(ledger.written)).toBe(total.bytesWritten - before.bytesWritten)
    expect(sum(ledger.read)).toBe(total.bytesRead - before.bytesRead)
    expect(ledger.fileBytes).toBe(sizeOf(fileSystem))
  }
  expectExact()
  for (let session = 0; session < 4; session++) {
    for (let i = 0; i < 400; i++) {
      const key = `key ${random.uniform(800)}`
      await engine.write(batchOf(i % 5 === 0 ? [['del', key]] : [['put', key, filler(random.uniform(300), i)]]), { sync: i % 40 === 0 })
      engine.get(keyOf(`key ${random.uniform(800)}`))
      if (i % 90 === 0) await engine.clear(rangeOf({ gte: `key ${i}`, lt: `key ${i + 20}` }), { sync: false })
    }
    scan(engine)
    if (session === 1) await engine.compact()
    if (session === 2) expect(await violations(engine)).toEqual([])
    if (session === 3) {
      await engine.checkpoint!().write('/copy')
      // Nothing is written between and behind the two meta pages.
      expect(engine.stats().ledger.written.backup).toBe(sizeOf(fileSystem, '/copy') - META_AREA_BYTES + 2 * META_BYTES)
      expect(engine.stats().ledger.read.backup).toBeGreaterThan(0)
    }
    await engine.settle()
    expectExact()
    expect(shapeOf(engine).checkpoints).toBeGreaterThan(1)
    for (const part of ['page', 'meta', 'log'] as const) expect(engine.stats().ledger.written[part]).toBeGreaterThan(0)
    for (const part of ['get', 'scan', 'compaction'] as const) expect(engine.stats().ledger.read[part]).toBeGreaterThan(0)
    await engine.close()
    before = fileSystem.counts().total
    engine = await openBtree({ fileSystem, environment, options: { cacheSize: 6000 } })
    expectExact()
  }
  await engine.close()
})
