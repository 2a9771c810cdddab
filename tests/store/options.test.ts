import { registry as builtInEngines } from '../../src/node-engines.js'
import { describe, expect, it } from 'vitest'
import type { EngineFactory, OptionTable } from '../../src/engine/contract.js'
import { editDistance, nearestName } from '../../src/engine/nearest-name.js'
import { resolveOptions, unknownOption } from '../../src/engine/options.js'
import { EngineRegistry } from '../../src/engine/registry.js'
import { memoryEngine } from '../../src/memory/factory.js'
import type { UntypedOptions } from '../../src/store/store-options.js'
import { Kvarium } from '../../src/store/node-kvarium.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { reasonOf, TestStore } from './support/test-store.js'

const TABLE: OptionTable = {
  cacheSize: { type: 'integer', default: 64, min: 0, max: 1000, unit: 'bytes', about: '' },
  compaction: { type: 'choice', default: 'leveled', choices: ['leveled', 'tiered'], about: '' },
  verify: { type: 'boolean', default: true, about: '' },
  hooks: { type: 'object', about: '' },
}

describe('options against their table', () => {
  it('what was not given has its default, and objects are left out', () => {
    expect(resolveOptions(TABLE, { cacheSize: 0, verify: undefined })).toEqual({ cacheSize: 0, compaction: 'leveled', verify: true })
  })

  it.each([
    [{ cacheSize: 1001 }, 'Option "cacheSize" is 1001, but must be an integer from 0 to 1000 bytes (default 64)'],
    [{ cacheSize: -1 }, 'is -1, but must be an integer from 0 to 1000 bytes'],
    [{ cacheSize: 1.5 }, 'is 1.5, but must be an integer'],
    [{ cacheSize: NaN }, 'is NaN'],
    [{ cacheSize: '64' }, 'is "64"'],
    [{ cacheSize: null }, 'is null'],
    [{ cacheSize: [1] }, 'is an array'],
    [{ compaction: 'teired' }, 'is "teired", but must be one of "leveled", "tiered" (default "leveled"). Did you mean "tiered"?'],
    [{ compaction: 7 }, 'is 7, but must be one of "leveled", "tiered"'],
    [{ verify: 'no' }, 'is "no", but must be true or false (default true)'],
    [{ hooks: 'none' }, 'is "none", but must be an object'],
  ])('%o is refused', (given, message) => {
    const check = (): unknown => resolveOptions(TABLE, given)
    expect(check).toThrow(TypeError)
    expect(check).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
    expect(check).toThrow(message)
  })

  it.each([
    ['cachesize', 'Did you mean "cacheSize"?'],
    ['cache', 'Did you mean "cacheSize"?'],
    ['compactoin', 'Did you mean "compaction"?'],
    ['zzz', 'Known options: cacheSize, compaction, hooks, verify'],
  ])('an unknown name %s is answered with what may have been meant', (name, answer) => {
    expect(unknownOption([TABLE], name).message).toBe(`There is no option "${name}". ${answer}`)
  })

  it('the distance between names counts insertions, deletions and replacements', () => {
    expect([editDistance('', 'abc'), editDistance('kitten', 'sitting'), editDistance('same', 'same')]).toEqual([3, 3, 0])
    expect(nearestName('x', ['y', 'abc'])).toBe('y')
    expect(nearestName('engine', ['motor'])).toBeUndefined()
  })
})

describe('options of a store', () => {
  it.each<[unknown, string, string]>([
    [{ toys: 10 }, 'LEVEL_INVALID_OPTION', 'must be an integer from 1 to 9 toys (default 3)'],
    [{ toyz: 3 }, 'LEVEL_INVALID_OPTION', 'Did you mean "toys"?'],
    [{ createIfMising: false }, 'LEVEL_INVALID_OPTION', 'Did you mean "createIfMissing"?'],
    [{ errorIfExists: 'yes' }, 'LEVEL_INVALID_OPTION', 'must be true or false'],
    [{ fileSystem: 5 }, 'LEVEL_INVALID_OPTION', 'must be an object'],
    [{ engine: 'memry' }, 'LEVEL_INVALID_ENGINE', 'Did you mean "memory"? Known engines: memory, other, toy'],
    [{ engine: {} }, 'LEVEL_INVALID_ENGINE', 'as a factory with "name"'],
    [{ engine: { ...memoryEngine, name: 'Mine!' } }, 'LEVEL_INVALID_ENGINE', 'cannot be called "Mine!"'],
    [{ engine: { ...memoryEngine, options: undefined } }, 'LEVEL_INVALID_ENGINE', 'lacks "durable" or "options"'],
    [{ keyEncoding: 'msgpack' }, 'LEVEL_ENCODING_NOT_SUPPORTED', 'is for values'],
    [{ valueEncoding: 'msgpck' }, 'LEVEL_ENCODING_NOT_FOUND', 'msgpck'],
  ])('%o is refused by the constructor', (options, code, message) => {
    const make = (): unknown => new TestStore('nowhere', options as UntypedOptions<string, string>)
    expect(make).toThrow(expect.objectContaining({ code }))
    expect(make).toThrow(message)
  })

  it.each(['', 'a\0b', undefined, 5])('location %j is refused by the constructor', location => {
    expect(() => new TestStore(location as string)).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_LOCATION' }))
  })

  it.each(['memory', 'lsm', 'btree'] as const)('%s takes the options of classic-level and of every other engine', async engine => {
    const options = {
      ...{ blockRestartInterval: 16, multithreading: true, maxOpenFiles: 100, blockSize: 4096, cacheSize: 1 << 20, maxFileSize: 1 << 20 },
      ...{ writeBufferSize: 1 << 20, filterBitsPerKey: 10, compaction: 'tiered' as const, pageSize: 4096, arenaSize: 8192 },
    }
    // Those of the B+tree are its own.
    const byLevel = engine === 'btree' ? [] : ([{ level0: 'none', rest: 'deflate' }, {}] as const)
    for (const compression of [true, false, 'none', 'lz4', ...byLevel] as const) {
      const store = new Kvarium(`/${engine}`, {
        engine: builtInEngines.resolve(engine),
        fileSystem: new MemoryFileSystem(),
        ...options,
        compression,
      })
      await store.put('a', '1')
      await store.close()
    }
    for (const wrong of [
      { blockRestartInterval: '16' },
      { multithreading: 1 },
      { compression: 'zip' },
      { compression: { level0: 'zip' } },
      { compression: { levl0: 'lz4' } },
      { pageSize: '4k' },
    ]) {
      const make = (): unknown => new Kvarium(`/${engine}`, { engine, ...(wrong as object) })
      expect(make).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
    }
    const misspelt = { blockRestartIntervall: 16 }
    expect(() => new Kvarium(`/${engine}`, { engine, ...misspelt })).toThrow('Did you mean "blockRestartInterval"?')
  })

  it('an unknown option fails the open', async () => {
    const reason = await reasonOf(new TestStore('memory', { engine: 'memory', userland: 1 }).open())
    expect(reason.code).toBe('LEVEL_INVALID_OPTION')
    expect(reason.message).toContain('There is no option "userland". Known options: arenaSize, changesRetainBytes, createIfMissing')
  })

  it('an unknown option is let through to a postopen hook, a mistyped one is not', async () => {
    const store = new TestStore('memory', { engine: 'memory', userland: 1 })
    let seen: unknown
    store.hooks.postopen.add(async options => {
      seen = options
    })
    await store.open()
    expect(seen).toEqual({ createIfMissing: true, errorIfExists: false, userland: 1 })
    await store.close()
    expect((await reasonOf(store.open({ arenaSise: 1 } as object))).message).toContain('Did you mean "arenaSize"?')
  })

  it('an option given to open wins over the one of the constructor, and is checked as well', async () => {
    const seen: unknown[] = []
    const engine: EngineFactory = {
      ...memoryEngine,
      open(context) {
        seen.push(context.options)
        return memoryEngine.open(context)
      },
    }
    const store = new TestStore('memory', { engine, arenaSize: 8192 })
    await store.open({ arenaSize: 16384 })
    expect(seen).toEqual([{ arenaSize: 16384, changesRetainBytes: 0 }])
    await store.close()
    expect((await reasonOf(store.open({ arenaSize: -1 }))).code).toBe('LEVEL_INVALID_OPTION')
    expect((await reasonOf(store.open({ engine: 'toy' } as object))).message).toContain('belongs to the constructor')
  })

  it('a registry forgets nothing and replaces what has the same name', () => {
    const other = { ...memoryEngine }
    const registry = new EngineRegistry([memoryEngine])
    expect(registry.resolve('memory')).toBe(memoryEngine)
    expect(registry.register(other).resolve('memory')).toBe(other)
    expect(registry.names).toEqual(['memory'])
    expect(registry.resolve(memoryEngine)).toBe(memoryEngine)
    expect(() => new EngineRegistry().resolve('lsm')).toThrow('Known engines: none')
  })
})
