import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import { hashEngine } from '../../src/hash/factory.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { simulatedEnvironment, type FileSystem, type MemoryFileSystem } from '../../src/vfs/index.js'
import { fillOptions, keyOf, textOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem, isChange, type FileOperation } from '../lsm/support/hooked-file-system.js'
import { batchOf, emptyFileSystem } from './support/engine-calls.js'

const ENGINES: readonly (readonly [string, EngineFactory])[] = [
  ['lsm', lsmEngine()],
  ['btree', btreeEngine()],
  ['hash', hashEngine()],
]

describe.each(ENGINES)('%s after a clean close', (_name, factory) => {
  const open = (fileSystem: FileSystem, created = false): Promise<Engine> =>
    factory.open({
      environment: simulatedEnvironment({ seed: 1, fileSystem }),
      directory: '/store',
      created,
      options: fillOptions(factory, {}),
    })

  const valueOf = (engine: Engine, key: string): string | undefined => {
    const value = engine.get(keyOf(key))
    return value && textOf(value)
  }

  async function closed(): Promise<MemoryFileSystem> {
    const fileSystem = emptyFileSystem()
    const engine = await open(fileSystem, true)
    await engine.write(batchOf([['put', 'old', '1']]), { sync: false })
    await engine.flush()
    await engine.close()
    return fileSystem
  }

  it('opens before anything on disk changes, and has a new log once it is settled', async () => {
    const hooked = new HookedFileSystem(await closed())
    const changes: FileOperation[] = []
    hooked.before = operation => void (isChange(operation) && changes.push(operation))
    const engine = await open(hooked)
    expect(changes).toEqual([])
    expect(valueOf(engine, 'old')).toBe('1')
    await engine.settle()
    expect(changes.filter(({ kind, path }) => kind === 'create' && path.endsWith('.log'))).toHaveLength(1)
    await engine.close()
  })

  it('acknowledges no write of the first turn before the new log is part of the store', async () => {
    const fileSystem = await closed()
    const engine = await open(fileSystem)
    const write = engine.write(batchOf([['put', 'new', '2']]), { sync: true })
    expect(write).toBeInstanceOf(Promise)
    await write
    for (const image of [fileSystem.crashClone('none'), fileSystem.processCrashClone()]) {
      const reopened = await open(image)
      expect([valueOf(reopened, 'old'), valueOf(reopened, 'new')]).toEqual(['1', '2'])
      await reopened.close()
    }
    await engine.close()
  })

  it('is read where the start fails, gives that error to the write that waits, and takes the next one', async () => {
    const hooked = new HookedFileSystem(await closed())
    const engine = await open(hooked)
    hooked.before = ({ kind, path }) => {
      if (kind === 'create' && path.endsWith('.log')) throw Object.assign(new Error('no device'), { code: 'EIO' })
    }
    await expect(engine.write(batchOf([['put', 'new', '2']]), { sync: false })).rejects.toThrow('no device')
    expect(valueOf(engine, 'old')).toBe('1')
    hooked.before = () => {}
    await engine.write(batchOf([['put', 'new', '2']]), { sync: false })
    expect(valueOf(engine, 'new')).toBe('2')
    await engine.close()
  })
})
