import { describe, expect, it } from 'vitest'
import { FaultyFileSystem } from '../../../src/vfs/index.js'
import { rangeOf } from '../../contract/support/opened-engine.js'
import { emptyFileSystem, get, openLsm, put } from '../../lsm/support/opened-lsm.js'

describe('a log whose sync failed, and whose bytes the system then takes for written', () => {
  it.each(['a plain record', 'the marker of a clean close'] as const)('survives a power loss behind a reopening: %s', async what => {
    const memory = emptyFileSystem()
    const fileSystem = new FaultyFileSystem(memory)
    const engine = await openLsm({ fileSystem, created: true })
    await put(engine, 'durable', '1', true)
    await put(engine, 'written', '2')
    // The close syncs the records first, and then the marker.
    const skip = what === 'a plain record' ? 0 : 1
    fileSystem.inject({
      on: ({ kind, path }) => kind === 'sync' && path.endsWith('.log'),
      skip,
      effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    })
    fileSystem.failed = ({ path }) => memory.loseUnsynced(path)
    await engine.close().catch(() => undefined)
    expect(fileSystem.hits).toBe(1)

    const reopened = await openLsm({ fileSystem: memory })
    expect(get(reopened, 'written')).toBe('2')
    await put(reopened, 'later', '3', true)
    const again = await openLsm({ fileSystem: memory.crashClone('none') })
    for (const [key, value] of [...Object.entries({ durable: '1', written: '2', later: '3' })]) expect(get(again, key)).toBe(value)
    await again.close()
    await reopened.close()
  })
})

describe('a store that takes no more writes', () => {
  it('refuses also a clear that finds nothing, as what failed may be there after the next open', async () => {
    const fileSystem = new FaultyFileSystem(emptyFileSystem())
    const engine = await openLsm({ fileSystem, created: true })
    fileSystem.inject({ on: ({ kind }) => kind === 'write', effect: { kind: 'error', code: 'EIO', done: 'all' } })
    expect(() => put(engine, 'a', '1')).toThrow(/EIO/)
    expect(get(engine, 'a')).toBeUndefined()
    expect(() => engine.clear(rangeOf({ gte: 'a' }), { sync: false })).toThrow(expect.objectContaining({ code: 'LEVEL_WRITES_STOPPED' }))
    await engine.close()
  })
})
