import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { HookedFileSystem, isChange } from '../lsm/support/hooked-file-system.js'

const DIRECTORY = '/store'
const FLUSHED = 200

/** What a kill leaves of a store with flushed entries, and 50 more in its newest log, the last of them synced or not. */
async function killed(engine: string, sync: boolean): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
  for (let i = 0; i < FLUSHED; i++) await db.put(`flushed ${i}`, 'v'.repeat(100))
  await db.flush()
  for (let i = 0; i < 50; i++) await db.put(`logged ${i}`, 'v'.repeat(100), { sync: sync && i === 49 })
  const image = fileSystem.processCrashClone()
  await db.close()
  return image
}

/** What a kill leaves of a new store with 50 entries, none of them synced. */
async function killedUnflushed(engine: string): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
  for (let i = 0; i < 50; i++) await db.put(`logged ${i}`, 'v'.repeat(100))
  const image = fileSystem.processCrashClone()
  await db.close()
  return image
}

/** What a kill leaves of a store whose flush deleted everything, so that it wrote no table or an empty tree, and 50 entries behind it. */
async function killedAfterEmptyFlush(engine: string): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
  await db.put('deleted', 'v')
  await db.del('deleted')
  await db.flush()
  for (let i = 0; i < 50; i++) await db.put(`logged ${i}`, 'v'.repeat(100))
  const image = fileSystem.processCrashClone()
  await db.close()
  return image
}

function newestLog(fileSystem: MemoryFileSystem): string {
  const name = fileSystem
    .list(DIRECTORY)
    .filter(entry => entry.endsWith('.log'))
    .sort()
    .at(-1)!
  return joinPath(DIRECTORY, name)
}

const DAMAGE: readonly (readonly [what: string, damage: (fileSystem: MemoryFileSystem, log: string) => void])[] = [
  ['deleted', (fileSystem, log) => fileSystem.remove(log)],
  [
    'emptied',
    (fileSystem, log) => {
      const file = fileSystem.openWrite(log)
      file.truncate(0)
      file.close()
    },
  ],
  ['renamed', (fileSystem, log) => fileSystem.rename(log, `${log}.old`)],
]

const KILLED: readonly (readonly [after: string, killed: (engine: string) => Promise<MemoryFileSystem>])[] = [
  ['a synced write', engine => killed(engine, true)],
  ['a flush and writes without sync', engine => killed(engine, false)],
  ['the first writes', killedUnflushed],
  ['a flush of nothing but deletions', killedAfterEmptyFlush],
]

describe.each(['lsm', 'btree', 'hash'])('the newest log of a killed %s store', engine => {
  describe.each(KILLED)('after %s', (_after, kill) => {
    it.each(DAMAGE)('that is %s is an error that names it', async (_what, damage) => {
      const fileSystem = await kill(engine)
      const log = newestLog(fileSystem)
      damage(fileSystem, log)
      const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
      await expect(db.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION', file: log } })
    })
  })

  it('is never found missing after a power loss, at whatever file operation of flushes and writes without sync', async () => {
    const fileSystem = new MemoryFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const images: (readonly [at: string, image: MemoryFileSystem])[] = []
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem: hooked })
    await db.open()
    hooked.before = operation => {
      if (!isChange(operation)) return
      const at = `${operation.kind} ${operation.path}`
      images.push([at, fileSystem.crashClone('none')], [at, fileSystem.processCrashClone()])
      for (let seed = 0; seed < 3; seed++) images.push([at, fileSystem.crashClone(images.length + seed)])
    }
    for (let round = 0; round < 3; round++) {
      await db.put(`before ${round}`, 'v')
      const flushed = db.flush()
      await db.put(`meanwhile ${round}`, 'v')
      await flushed
      await db.put(`after ${round}`, 'v', { sync: round === 1 })
    }
    hooked.before = () => {}
    await db.close()
    expect(images.length).toBeGreaterThan(150)
    for (const [at, image] of images) {
      const again = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem: image })
      await again.open().catch((cause: unknown) => {
        throw new Error(`before ${at}`, { cause })
      })
      await again.close()
    }
  })
})

/** Syncs, and what they sync, while `work` runs. */
async function syncsOf(hooked: HookedFileSystem, work: () => Promise<void>): Promise<string[]> {
  const syncs: string[] = []
  hooked.before = ({ kind, path }) => {
    if (kind === 'sync' || kind === 'syncDirectory') syncs.push(path)
  }
  await work()
  hooked.before = () => {}
  return syncs
}

it('a put without sync syncs nothing in an lsm store, and a rotation one header', async () => {
  const hooked = new HookedFileSystem(new MemoryFileSystem())
  const db = new Kvarium(DIRECTORY, { engine: 'lsm', fileSystem: hooked })
  await db.open()
  const put = (): Promise<void> => db.put('key', 'value')
  expect(await syncsOf(hooked, put)).toEqual([])
  const flush = await syncsOf(hooked, () => db.flush())
  expect(flush.filter(path => path.endsWith('.log'))).toHaveLength(1)
  // Header, table, directory, manifest.
  expect(flush).toHaveLength(4)
  expect(await syncsOf(hooked, put)).toEqual([])
  // The flush has listed the log, so that the first sync in it has no more to do than any other.
  expect(await syncsOf(hooked, () => db.put('key', 'value', { sync: true }))).toHaveLength(1)
  await db.close()
})
