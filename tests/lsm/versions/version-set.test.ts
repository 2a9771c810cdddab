import { describe, expect, it } from 'vitest'
import { IoError, PoisonedError } from '../../../src/errors.js'
import { FileSystemError } from '../../../src/vfs/index.js'
import { Gate, openGated } from '../support/gated-lsm.js'
import { HookedFileSystem } from '../support/hooked-file-system.js'
import { emptyFileSystem, filler, get, openLsm, put, scan, tablesOf } from '../support/opened-lsm.js'

describe('an edit of the version', () => {
  it('is durable in the manifest before readers see its table', async () => {
    const hooked = new HookedFileSystem(emptyFileSystem())
    const engine = await openLsm({ fileSystem: hooked, created: true })
    await put(engine, 'a', '1')
    const seen: (readonly number[])[] = []
    hooked.before = ({ kind, path }) => {
      if (kind === 'sync' && path.includes('MANIFEST')) seen.push(tablesOf(engine))
    }
    await engine.flush()
    expect(seen.length).toBeGreaterThan(0)
    for (const tables of seen) expect(tables).toEqual([])
    expect(tablesOf(engine)).toHaveLength(1)
    await engine.close()
  })

  it('takes a flushed memtable from readers in the step in which it gives them its table', async () => {
    const hooked = new HookedFileSystem(emptyFileSystem())
    const engine = await openLsm({ fileSystem: hooked, created: true })
    for (let i = 0; i < 20; i++) await put(engine, `k${i}`, filler(100, i))
    const before = scan(engine)
    let looks = 0
    hooked.before = ({ kind }) => {
      if (kind === 'read' || looks++ > 200) return
      expect(scan(engine)).toEqual(before)
    }
    await engine.flush()
    await engine.compact()
    expect(looks).toBeGreaterThan(5)
    await engine.close()
  })

  const full = new FileSystemError('ENOSPC', { operation: 'write', path: 'a manifest' })

  it('that fails is the last: no later one is applied, and writes are refused', async () => {
    const gate = new Gate()
    const { engine, hooked } = await openGated(gate)
    await put(engine, 'a', '1')
    hooked.before = operation => {
      if (operation.kind === 'write' && operation.path.includes('MANIFEST')) throw full
    }
    await expect(engine.flush()).rejects.toBeInstanceOf(IoError)
    hooked.before = () => {}
    await expect(async () => put(engine, 'b', '2')).rejects.toBeInstanceOf(PoisonedError)
    expect(get(engine, 'a')).toBe('1')
    await engine.close()
    const again = await openLsm({ fileSystem: hooked })
    expect(scan(again)).toEqual(['a=1'])
    await again.close()
  })
})
