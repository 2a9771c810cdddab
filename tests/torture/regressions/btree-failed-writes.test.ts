import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../../src/btree/factory.js'
import type { Engine } from '../../../src/engine/contract.js'
import { FaultyFileSystem, simulatedEnvironment, type FileOperation, type FileSystem } from '../../../src/vfs/index.js'
import { fillOptions } from '../../contract/support/opened-engine.js'
import { DIRECTORY, emptyFileSystem, filler, get, put, violations } from '../../lsm/support/opened-lsm.js'

const isDataWrite = ({ kind, path }: FileOperation): boolean => kind === 'write' && path.endsWith('.btree')

function openBtree(fileSystem: FileSystem, created: boolean, environment = simulatedEnvironment({ seed: 1, fileSystem })): Promise<Engine> {
  const factory = btreeEngine({ poisonFrames: true })
  const options = fillOptions(factory, { pageSize: 512, writeBufferSize: 64 << 10 })
  return factory.open({ environment, directory: DIRECTORY, created, options })
}

describe('a checkpoint of a B+tree', () => {
  it.each([1, 2, 3, 4, 5, 6])('whose write %d fails takes no place in the data file for good', async nth => {
    const memory = emptyFileSystem()
    const fileSystem = new FaultyFileSystem(memory)
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const engine = await openBtree(fileSystem, true, environment)
    for (let key = 0; key < 40; key++) await put(engine, `key ${key}`, filler(100, key))
    await engine.flush()
    for (let key = 0; key < 40; key += 3) await put(engine, `key ${key}`, filler(200, key))
    fileSystem.inject({ on: isDataWrite, skip: nth - 1, effect: { kind: 'error', code: 'EIO', done: 'nothing' } })
    await engine.flush().catch(() => undefined)
    // It is tried again after a while, unless the meta page failed, which stops all writing.
    await environment.scheduler.sleep(5000)
    await engine.flush().catch(() => undefined)
    await engine.close().catch(() => undefined)

    const reopened = await openBtree(memory, false)
    expect(await violations(reopened)).toEqual([])
    expect(get(reopened, 'key 3')).toBe(filler(200, 3))
    await reopened.close()
    const again = await openBtree(memory.crashClone('none'), false)
    expect(get(again, 'key 39')).toBe(filler(200, 39))
    await again.close()
  })
})

describe('an open of a B+tree that fails', () => {
  it('at any operation keeps no file open', async () => {
    const memory = emptyFileSystem()
    await (await openBtree(memory, true)).close()
    const counted = new FaultyFileSystem(memory.processCrashClone())
    await openBtree(counted, false)
    for (let nth = 1; nth <= counted.operations; nth++) {
      const fileSystem = new FaultyFileSystem(memory.processCrashClone())
      fileSystem.inject({ skip: nth - 1, effect: { kind: 'error', code: 'EIO', done: 'nothing' } })
      const engine = await openBtree(fileSystem, false).catch(() => undefined)
      await engine?.close().catch(() => undefined)
      expect([...fileSystem.openHandles].map(handle => handle.path)).toEqual([])
    }
  })
})
