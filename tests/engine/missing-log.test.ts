import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/index.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

const DIRECTORY = '/store'
const FLUSHED = 200

/** What a kill leaves of a store with flushed entries, and 50 more in its newest log, the last of them synced or not. */
async function killed(engine: string, sync: boolean): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine, fileSystem })
  for (let i = 0; i < FLUSHED; i++) await db.put(`flushed ${i}`, 'v'.repeat(100))
  await db.flush()
  await db.settle()
  for (let i = 0; i < 50; i++) await db.put(`logged ${i}`, 'v'.repeat(100), { sync: sync && i === 49 })
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
]

describe.each(['lsm', 'btree'])('the newest log of a killed %s store', engine => {
  it.each(DAMAGE)('that is %s after a synced write is an error that names it', async (_what, damage) => {
    const fileSystem = await killed(engine, true)
    const log = newestLog(fileSystem)
    damage(fileSystem, log)
    const db = new Kvarium(DIRECTORY, { engine, fileSystem })
    const error = await db.open().then(
      () => undefined,
      (reason: unknown) => reason as Error,
    )
    expect(error?.cause).toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect((error?.cause as { file?: string }).file).toBe(log)
  })

  it.each(DAMAGE)('that is %s takes no more with it than docs/durability.md says', async (_what, damage) => {
    const fileSystem = await killed(engine, false)
    damage(fileSystem, newestLog(fileSystem))
    const db = new Kvarium(DIRECTORY, { engine, fileSystem })
    if (engine === 'btree') {
      await expect(db.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
      return
    }
    expect(await db.keys().all()).toHaveLength(FLUSHED)
    await db.close()
  })
})
