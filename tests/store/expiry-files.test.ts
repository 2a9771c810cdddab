/** Expiries in files: what repairs and shows them, and what tells an earlier version that it cannot read them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { openReader } from '../../src/reader/index.js'
import { MemoryFileSystem, simulatedEnvironment, type Environment } from '../../src/vfs/index.js'
import { filesOf } from '../damage/support/small-store.js'
import { look } from '../inspect/support/covered.js'

const DIRECTORY = '/store'
// Later than the clock of the platform, which a repair goes by.
const START = Date.UTC(2500, 0, 1)

function environmentOn(fileSystem: MemoryFileSystem): Environment {
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const { clock } = environment
  return { ...environment, clock: { now: () => clock.now(), wallTime: () => START } }
}

const ENGINES = { lsm: { compression: 'none' }, btree: {} } as const
type Engine = keyof typeof ENGINES

/** A store whose key `a` expires in a table or page, and `b` in the log. */
async function fill(fileSystem: MemoryFileSystem, engine: Engine = 'lsm'): Promise<MemoryFileSystem> {
  const db = new Kvarium(DIRECTORY, { environment: environmentOn(fileSystem), engine: builtInEngines.resolve(engine), ...ENGINES[engine] })
  await db.put('a', 'in a table', { ttl: 100 })
  await db.flush()
  await db.put('b', 'in the log', { ttl: 200 })
  await db.put('c', 'for good')
  const image = fileSystem.processCrashClone()
  await db.close()
  return image
}

/** The footer of a table has its format version 16 bytes before its end. */
function tableVersions(fileSystem: MemoryFileSystem): number[] {
  return [...filesOf(fileSystem)].filter(([name]) => name.endsWith('.sst')).map(([, bytes]) => bytes[bytes.length - 16])
}

describe.each(['lsm', 'btree'] as const)('files of %s with expiries', engine => {
  it('are verified, and repaired without the loss of an expiry', async () => {
    const fileSystem = await fill(new MemoryFileSystem(), engine)
    const environment = environmentOn(fileSystem)
    expect((await verify(DIRECTORY, { fileSystem })).findings).toEqual([])
    const report = await repair(DIRECTORY, '/repaired', { fileSystem })
    expect([report.entries, report.losses]).toEqual([3, []])
    const db = new Kvarium('/repaired', { environment, engine })
    expect(await db.iterator().all()).toEqual([
      ['a', 'in a table'],
      ['b', 'in the log'],
      ['c', 'for good'],
    ])
    expect(await Promise.all([...'abc'].map(key => db.expiresAt(key)))).toEqual([START + 100, START + 200, undefined])
    await db.close()
  })

  it('are shown by an inspection, each expiry as a date', async () => {
    const fileSystem = await fill(new MemoryFileSystem(), engine)
    const shown: string[] = []
    for (const [name, bytes] of filesOf(fileSystem)) {
      if (!/\.(sst|log|btree)$/.test(name)) continue
      const { parts, problems } = await look(name, bytes)
      expect(problems).toEqual([])
      shown.push(JSON.stringify(parts))
    }
    expect(shown.some(text => text.includes('until 2500-01-01T00:00:00.100Z'))).toBe(true)
    expect(shown.some(text => text.includes('until 2500-01-01T00:00:00.200Z'))).toBe(true)
  })

  it('a reader that shares the files sees entries with their expiries', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kvarium-expiry-'))
    try {
      const db = new Kvarium(join(directory, 'store'), { engine })
      await db.put('a', 'in a file', { ttl: 3_600_000 })
      await db.flush()
      await db.put('b', 'in memory', { ttl: 7_200_000 })
      const share = await db.share()
      const reader = await openReader(share.handle())
      expect(await reader.getMany(['a', 'b'])).toEqual(['in a file', 'in memory'])
      expect([await reader.expiresAt('a'), await reader.expiresAt('b')]).toEqual([await db.expiresAt('a'), await db.expiresAt('b')])
      expect((await reader.iterator().all()).map(([key]) => key)).toEqual(['a', 'b'])
      await reader.close()
      share.release()
      await db.close()
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

describe('format versions', () => {
  it('a table says format version 2 where an entry of it expires, and 1 where none does', async () => {
    const fileSystem = new MemoryFileSystem()
    await fill(fileSystem)
    expect(tableVersions(fileSystem)).toEqual([2])
    const plain = new MemoryFileSystem()
    const db = new Kvarium(DIRECTORY, { environment: environmentOn(plain) })
    await db.put('a', '1')
    await db.flush()
    await db.close()
    expect(tableVersions(plain)).toEqual([1])
  })
})
