import { describe, expect, it } from 'vitest'
import { FaultyFileSystem, type FileOperation } from '../../../src/vfs/index.js'
import { emptyFileSystem, filler, get, openLsm, put, tablesOf } from '../../lsm/support/opened-lsm.js'

const isTableClose = ({ kind, path }: FileOperation): boolean => kind === 'close' && path.endsWith('.sst')

/** Three tables in level 0, with compactions too rare to touch them. */
async function threeTables(fileSystem: FaultyFileSystem): ReturnType<typeof openLsm> {
  const engine = await openLsm({ fileSystem, created: true, options: { level0Tables: 10, maxOpenFiles: 8 } })
  for (let table = 0; table < 3; table++) {
    await put(engine, `key ${table}`, filler(500, table))
    await engine.flush()
  }
  return engine
}

describe('a close that fails', () => {
  it('of a table that was only read keeps no other file open, and does not fail the close of the store', async () => {
    const fileSystem = new FaultyFileSystem(emptyFileSystem())
    const engine = await threeTables(fileSystem)
    for (let table = 0; table < 3; table++) expect(get(engine, `key ${table}`)).toBe(filler(500, table))
    fileSystem.inject({ on: isTableClose, times: Infinity, effect: { kind: 'error', code: 'EIO', done: 'all' } })
    await engine.close()
    expect([...fileSystem.openHandles].map(handle => handle.path)).toEqual([])
  })

  it('of a compaction’s inputs does not fail the compaction, nor keep files open', async () => {
    const fileSystem = new FaultyFileSystem(emptyFileSystem())
    const engine = await threeTables(fileSystem)
    const inputs = tablesOf(engine).map(number => `/store/${String(number).padStart(6, '0')}.sst`)
    expect(inputs).toHaveLength(3)
    fileSystem.inject({
      on: operation => operation.kind === 'close' && inputs.includes(operation.path),
      times: Infinity,
      effect: { kind: 'error', code: 'EIO', done: 'all' },
    })
    await engine.compact()
    expect(tablesOf(engine)).toHaveLength(1)
    expect(fileSystem.hits).toBeGreaterThanOrEqual(3)
    await engine.close()
    expect(fileSystem.openHandles.size).toBe(0)
  })
})

describe('a directory that cannot be listed', () => {
  it.each([1, 2, 3, 4])('for the %d. time in an open leaves a store or nothing', async nth => {
    const memory = emptyFileSystem()
    const first = await openLsm({ fileSystem: memory, created: true })
    await put(first, 'a', '1', true)
    await first.close()
    const fileSystem = new FaultyFileSystem(memory)
    fileSystem.inject({ on: ({ kind }) => kind === 'list', skip: nth - 1, effect: { kind: 'error', code: 'EIO', done: 'nothing' } })
    const engine = await openLsm({ fileSystem }).catch(() => undefined)
    if (engine !== undefined) {
      expect(get(engine, 'a')).toBe('1')
      await engine.close()
    }
    expect([...fileSystem.openHandles].map(handle => handle.path)).toEqual([])
  })
})
