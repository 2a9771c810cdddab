import { describe, expect, it } from 'vitest'
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
})
