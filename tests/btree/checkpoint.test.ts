import { describe, expect, it } from 'vitest'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem, isChange } from '../lsm/support/hooked-file-system.js'
import { batchOf, emptyFileSystem, filler, get, openBtree, put, scan, shapeOf, violations } from './support/opened-btree.js'

describe('a checkpoint', () => {
  it('moves the tree into the data file and leaves one log to go on from', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openBtree({ fileSystem, created: true })
    for (let i = 0; i < 50; i++) await put(engine, `key ${i}`, filler(50, i))
    const { checkpoint, firstLog } = shapeOf(engine).file
    await engine.flush()
    const { memory, file } = shapeOf(engine)
    expect(memory.dirtyBytes).toBe(0)
    expect(file.checkpoint).toBe(checkpoint + 1)
    expect(file.firstLog).toBe(firstLog + 1)
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })

  it('is not made when nothing has changed', async () => {
    const engine = await openBtree({ fileSystem: emptyFileSystem(), created: true })
    await put(engine, 'a', '1')
    await engine.flush()
    const { checkpoints } = shapeOf(engine)
    await engine.flush()
    expect(shapeOf(engine).checkpoints).toBe(checkpoints)
    await engine.close()
  })

  it('leaves a snapshot its pages, and the first one after its release gives their space back', async () => {
    const engine = await openBtree({ fileSystem: emptyFileSystem(), created: true })
    for (let i = 0; i < 200; i++) await put(engine, `key ${i}`, filler(50, i))
    await engine.flush()
    const snapshot = engine.snapshot()
    for (let i = 0; i < 200; i++) await engine.write(batchOf([['del', `key ${i}`]]), { sync: false })
    await engine.flush()
    expect(scan(engine)).toEqual([])
    expect(engine.get(keyOf('key 7'), snapshot)).toEqual(keyOf(filler(50, 7)))
    const { heldRoots, file } = shapeOf(engine)
    snapshot.release()
    expect(shapeOf(engine).heldRoots).toBe(heldRoots - 1)
    await put(engine, 'another key', 'so that a checkpoint is due, which cuts off the free end of the file')
    await engine.flush()
    expect(shapeOf(engine).file.bytes).toBeLessThan(file.bytes / 2)
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })

  it('that fails before the meta page is written keeps the earlier tree current, and frees what it wrote', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const engine = await openBtree({ fileSystem: hooked, created: true })
    await put(engine, 'a', '1')
    await engine.flush()
    const before = shapeOf(engine).file
    for (let i = 0; i < 60; i++) await put(engine, `key ${i}`, filler(50, i))
    hooked.before = operation => {
      if (isChange(operation) && operation.path.endsWith('data.btree')) throw new Error('no write today')
    }
    await expect(engine.flush()).rejects.toThrow('no write today')
    hooked.before = () => {}
    expect(shapeOf(engine).file.checkpoint).toBe(before.checkpoint)
    expect(get(engine, 'key 7')).toBe(filler(50, 7))
    expect(await violations(engine)).toEqual([])
    await engine.close()
    const again = await openBtree({ fileSystem })
    expect(get(again, 'key 7')).toBe(filler(50, 7))
    expect(await violations(again)).toEqual([])
    await again.close()
  })

  it('leaves the writer the memory of what it has written: changes meanwhile are copied only before that, and a failure loses none', async () => {
    for (const fails of [false, true]) {
      const fileSystem = emptyFileSystem()
      const hooked = new HookedFileSystem(fileSystem)
      const environment = simulatedEnvironment({ seed: 1, fileSystem: hooked })
      let onTurn: () => void = () => {}
      const turn = async (): Promise<void> => {
        await environment.scheduler.turn()
        onTurn()
      }
      const scheduler = { turn, sleep: (ms: number) => environment.scheduler.sleep(ms) }
      const options = { pageSize: 1024, writeBufferSize: 16 << 20, cacheSize: 1 << 20 }
      const engine = await openBtree({ fileSystem: hooked, environment: { ...environment, scheduler }, created: true, options })
      const value = (i: number): string => filler(60, i)
      for (let i = 0; i < 20_000; i++) await put(engine, `key ${String(i).padStart(6, '0')}`, value(i))
      const { dirtyBytes } = shapeOf(engine).memory
      let [next, most] = [0, 0]
      // Behind the checkpoint, which writes the pages in the order of their keys.
      onTurn = () => {
        for (let i = 0; i < 600; i++, next++) void put(engine, `key ${String(next).padStart(6, '0')}`, value(next + 1))
        most = Math.max(most, shapeOf(engine).memory.dirtyBytes)
      }
      hooked.before = ({ kind, path }) => {
        if (fails && kind === 'sync' && path.endsWith('data.btree')) throw new Error('no sync today')
      }
      const flushed = engine.flush()
      if (fails) await expect(flushed).rejects.toThrow('no sync today')
      else await flushed
      onTurn = () => {}
      hooked.before = () => {}
      expect(next).toBeGreaterThan(2000)
      expect(most).toBeLessThan(1.1 * dirtyBytes)
      for (let i = 0; i < 20_000; i += 7) expect(get(engine, `key ${String(i).padStart(6, '0')}`)).toBe(value(i < next ? i + 1 : i))
      expect(await violations(engine)).toEqual([])
      await engine.close()
      const again = await openBtree({ fileSystem })
      for (let i = 0; i < 20_000; i += 7) expect(get(again, `key ${String(i).padStart(6, '0')}`)).toBe(value(i < next ? i + 1 : i))
      expect(await violations(again)).toEqual([])
      await again.close()
    }
  })

  it.each([
    ['written before its turn, not copied', false, undefined],
    ['written before its turn, even where the file takes no more', false, 'write'],
    ['written before its turn, even where it cannot be made durable', false, 'sync'],
    ['copied for a snapshot, and leaves memory once it is written', true, undefined],
    ['copied for a snapshot, even where the checkpoint fails', true, 'sync'],
  ] as const)('a page that is changed during it is %s', async (_, isHeld, fails) => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const options = { pageSize: 1024, writeBufferSize: 16 << 20, cacheSize: 1 << 20 }
    const engine = await openBtree({ fileSystem: hooked, created: true, options })
    const keys = 8000
    const name = (i: number): string => `key ${String(i).padStart(6, '0')}`
    for (let i = 0; i < keys; i++) await put(engine, name(i), filler(60, i))
    const { dirtyBytes } = shapeOf(engine).memory
    let [atSync, failures] = [0, 0]
    hooked.before = ({ kind, path }) => {
      if (!path.endsWith('data.btree') || failures > 0) return
      if (kind === 'sync' && atSync === 0) atSync = shapeOf(engine).memory.dirtyBytes
      if (kind === fails && ++failures > 0) throw new Error('not today')
    }
    const snapshot = isHeld ? engine.snapshot() : undefined
    const flushed = engine.flush()
    // All of it before any has its turn.
    for (let i = 0; i < keys; i++) void put(engine, name((i * 4999) % keys), filler(60, ((i * 4999) % keys) + 1))
    const most = shapeOf(engine).memory.dirtyBytes
    snapshot?.release()
    if (fails !== undefined) await expect(flushed).rejects.toThrow('not today')
    else await flushed
    hooked.before = () => {}
    if (isHeld) expect(most).toBeGreaterThan(1.9 * dirtyBytes)
    else expect(most).toBeLessThan(1.1 * dirtyBytes + (fails === 'write' ? dirtyBytes : 0))
    expect(atSync).toBeLessThan(1.1 * dirtyBytes)
    expect(await violations(engine)).toEqual([])
    await engine.close()
    const again = await openBtree({ fileSystem })
    for (let i = 0; i < keys; i += 7) expect(get(again, name(i))).toBe(filler(60, i + 1))
    expect(await violations(again)).toEqual([])
    await again.close()
  })
})
