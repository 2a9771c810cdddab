import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Kvarium as NodeKvarium } from '../../src/store/node-kvarium.js'
import { Kvarium } from '../../src/store/portable-kvarium.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { MeteredFileSystem } from '../../src/vfs/metered-file-system.js'
import { SteppedFileSystem } from './support/stepped-file-system.js'

const sum = (parts: object): number => (Object.values(parts) as number[]).reduce((total, part) => total + part, 0)

describe('the store over lsm', () => {
  it('a creation that was cut off at any step leaves what the next open accepts', async () => {
    const fileSystem = new MemoryFileSystem()
    const images: MemoryFileSystem[] = []
    const stepped = new SteppedFileSystem(fileSystem, () => {
      images.push(fileSystem.processCrashClone(), fileSystem.crashClone('none'), fileSystem.crashClone(1), fileSystem.crashClone(2))
    })
    const first = new Kvarium('/a/store', { fileSystem: stepped })
    await first.open()
    const created = images.length
    await first.close()
    expect(created).toBeGreaterThan(60)
    for (const image of images.slice(0, created)) {
      const store = new Kvarium('/a/store', { fileSystem: image })
      await store.put('k', 'v', { sync: true })
      await store.close()
      const reopened = new Kvarium('/a/store', { fileSystem: image.crashClone('none'), createIfMissing: false })
      expect(await reopened.get('k')).toBe('v')
      await reopened.close()
    }
  })

  it('the parts of the ledger, with KVARIUM in them, add up to what the file system saw', async () => {
    const inner = new MemoryFileSystem()
    const fileSystem = new MeteredFileSystem(inner)
    const db = new Kvarium('/store', { fileSystem, writeBufferSize: 1 << 16, compression: 'none' })
    const expectBalance = (): void => {
      const { written, read, fileBytes } = db.stats().ledger
      const { bytesWritten, bytesRead } = fileSystem.counts().total
      expect([sum(written), sum(read), fileBytes]).toEqual([bytesWritten, bytesRead, inner.bytesInUse()])
    }
    await db.open()
    expectBalance()
    for (let i = 0; i < 3000; i++) await db.put(`k${i % 1000}`, 'v'.repeat(100))
    await db.settle()
    for (let i = 0; i < 1000; i++) expect(db.getSync(`k${i}`)).toHaveLength(100)
    await db.compactRange()
    expectBalance()
    const { amplification, uptimeMs } = db.stats()
    expect(amplification.write.total).toBeCloseTo(sum(amplification.write.parts), 9)
    expect(amplification.write.total).toBeGreaterThan(1)
    expect(amplification.space).toBeGreaterThan(1)
    expect(amplification.space).toBeLessThan(1.2)
    expect(uptimeMs).toBeGreaterThan(0)
    expect(await db.approximateSize('k', 'l')).toBeGreaterThan(100_000)
    expect(await db.approximateSize('x', 'z')).toBe(0)
    const violations = []
    for await (const violation of db.check()) violations.push(violation)
    expect(violations).toEqual([])
    await db.close()
  })

  it('without a file system given, the portable store keeps its data from close to open', async () => {
    const db = new Kvarium('people')
    await db.put('ada', '1815')
    await db.close()
    await db.open({ createIfMissing: false })
    expect(await db.get('ada')).toBe('1815')
    await db.close()
  })

  it('a tight loop of awaited puts lets timers run on disk, and destroying leaves nothing', async () => {
    const base = mkdtempSync(join(tmpdir(), 'kvarium-lsm-store-'))
    const location = join(base, 'store')
    const db = new NodeKvarium(location)
    await db.open()
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const end = performance.now() + 150
    for (let i = 0; performance.now() < end; i++) await db.put(`k${i}`, 'v')
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(3)
    await expect(NodeKvarium.destroy(location)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await db.close()
    await NodeKvarium.destroy(location)
    expect(existsSync(location)).toBe(false)
    expect(readdirSync(base)).toEqual([])
    rmSync(base, { recursive: true })
  })
})
