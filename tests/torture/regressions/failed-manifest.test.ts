import { describe, expect, it } from 'vitest'
import { FaultyFileSystem } from '../../../src/vfs/index.js'
import { emptyFileSystem, filler, get, openLsm, put } from '../../lsm/support/opened-lsm.js'

describe('a manifest whose edit failed', () => {
  it('is not followed by another one that counts what the edit would have brought into tables', async () => {
    const memory = emptyFileSystem()
    const fileSystem = new FaultyFileSystem(memory)
    // Every edit but the first begins a new manifest.
    const options = { fileSystem, created: true, manifestBytes: 1 }
    const engine = await openLsm(options)
    await put(engine, 'first', filler(200))
    // The edit of the flush fails while that of the new log waits for its turn.
    fileSystem.inject({
      on: ({ kind, path }) => kind === 'sync' && path.includes('MANIFEST'),
      effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    })
    const flushed = engine.flush().then(
      () => 'flushed',
      () => 'failed',
    )
    const second = Promise.resolve(put(engine, 'second', '2', true)).then(
      () => 'synced',
      () => 'failed',
    )
    expect([await flushed, await second]).toContain('failed')
    await engine.close().catch(() => undefined)
    const reopened = await openLsm({ fileSystem: memory, manifestBytes: 1 })
    expect(get(reopened, 'first')).toBe(filler(200))
    await reopened.close()
  })
})
