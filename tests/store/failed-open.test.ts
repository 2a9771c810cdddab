import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/store/node-kvarium.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'

type Store = Kvarium<string, string>

/** The codes of an error and of its causes, from the outside in, and its message. */
function codesOf(error: unknown): { readonly codes: unknown[]; readonly message: string } {
  const codes: unknown[] = []
  for (let at = error as Error & { code?: string }; at !== undefined; at = at.cause as typeof at) codes.push(at.code)
  return { codes, message: (error as Error).message }
}

async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

const CALLS: readonly (readonly [string, (db: Store) => unknown])[] = [
  ['get', db => db.get('a')],
  ['getSync', db => db.getSync('a')],
  ['getMany', db => db.getMany(['a'])],
  ['has', db => db.has('a')],
  ['hasMany', db => db.hasMany(['a'])],
  ['put', db => db.put('a', '1')],
  ['del', db => db.del('a')],
  ['batch', db => db.batch([{ type: 'del', key: 'a' }])],
  ['a chained batch', db => db.batch()],
  ['clear', db => db.clear()],
  ['iterator', db => db.iterator().next()],
  ['keys', db => db.keys().all()],
  ['values', db => db.values().nextv(2)],
  ['snapshot', db => db.snapshot()],
]
const OWN_CALLS: readonly (readonly [string, (db: Store) => unknown])[] = [
  ['flush', db => db.flush()],
  ['compactRange', db => db.compactRange()],
  ['approximateSize', db => db.approximateSize('a', 'b')],
  ['stats', db => db.stats()],
  ['check', db => db.check()[Symbol.asyncIterator]().next()],
]

describe('a store that failed to open', () => {
  it.each([...CALLS, ...OWN_CALLS])('says why to %s, at once and afterwards, and in sublevels', async (name, call) => {
    const fileSystem = new MemoryFileSystem()
    const holder = new Kvarium('/store', { fileSystem })
    await holder.put('a', '1')
    const db = new Kvarium('/store', { fileSystem })
    const inner = db.sublevel('outer').sublevel('inner')
    const waits = !['getSync', 'a chained batch', 'snapshot', 'stats', 'check'].includes(name)
    const early = waits ? [failure(() => call(db))] : []
    await failure(() => db.open())
    await failure(() => inner.open())
    const errors = [...(await Promise.all(early)), await failure(() => call(db))]
    if (CALLS.some(([known]) => known === name)) errors.push(await failure(() => call(inner as unknown as Store)))
    for (const error of errors) {
      const { codes, message } = codesOf(error)
      expect(codes.at(0)).toBe('LEVEL_DATABASE_NOT_OPEN')
      expect(codes.at(-1)).toBe('LEVEL_LOCKED')
      expect(message).toMatch(/failed to open/)
    }
    expect(codesOf(errors.at(0)).message).toMatch(/Database is not open, since it failed to open: .*\/store/)
    await holder.close()
    await db.open()
    expect(await db.get('a')).toBe('1')
    await db.close()
    expect(codesOf(await failure(() => call(db)))).toEqual({
      codes: ['LEVEL_DATABASE_NOT_OPEN'],
      message: 'Database is not open',
    })
  })

  it('names an unknown option', async () => {
    const db = new Kvarium('/store', { environment: { ...nodeEnvironment(), fileSystem: new MemoryFileSystem() }, userland: 1 })
    const error = await failure(() => db.put('a', '1'))
    expect(codesOf(error)).toMatchObject({ codes: ['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_INVALID_OPTION'] })
    expect(codesOf(error).message).toContain('There is no option "userland"')
  })
})
