/** Awaited reads on a slow disk: what they wait for, what they see, and what does not stop meanwhile. */
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { KvariumStore } from '../../src/store/kvarium.js'
import { FileSystemError, SeededRandom } from '../../src/vfs/index.js'
import { NodeFileSystem } from '../../src/vfs/node.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { ReadOffload } from '../../src/vfs/read-offload.js'
import { registry } from '../../src/node-engines.js'
import { ENGINES, ENTRIES, keyOf, openSlowStore, slowDown, smallOptions, valueOf, type Store } from './support/slow-store.js'

describe.each(ENGINES)('awaited reads of %s on a slow disk', engine => {
  it('hold up the event loop a few times, where reads in place would do so at every block', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const numbers = Array.from({ length: 300 }, (_, i) => (i * 617) % ENTRIES)
    for (let first = 0; first < numbers.length; first += 60) {
      const some = numbers.slice(first, first + 60)
      expect(await Promise.all(some.map(number => db.get(keyOf(number))))).toEqual(some.map(valueOf))
    }
    expect(disk.offThread).toBeGreaterThan(250)
    expect(disk.blocking).toBeLessThan(disk.offThread / 20)
    await db.close()
  })

  it('wait side by side', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const paused: (() => void)[] = []
    disk.pause = () => new Promise(resolve => paused.push(resolve))
    const gets = Promise.all([7, 700, 1700].map(number => db.get(keyOf(number))))
    expect(paused.length).toBe(3)
    disk.pause = () => Promise.resolve()
    for (const resume of paused) resume()
    expect(await gets).toEqual([7, 700, 1700].map(valueOf))
    await db.close()
  })

  it('see the moment of the call, whatever is written, flushed and compacted away before they end', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const resume = disk.hold()
    const bytes = new TextEncoder().encode(keyOf(5))
    const get = db.get(keyOf(3))
    const has = db.has(keyOf(4))
    const ofBytes = db.get<Uint8Array, string>(bytes, { keyEncoding: 'view' })
    const many = db.getMany([3, 4, 5000, 1999].map(keyOf))
    const absent = db.hasMany([keyOf(5000), keyOf(9)])
    bytes.fill(0)
    await db.clear()
    await db.put(keyOf(5000), 'later')
    const inPlace = db.getSync(keyOf(3))
    await db.flush()
    await db.compactRange()
    resume()
    expect(inPlace).toBeUndefined()
    expect(await get).toBe(valueOf(3))
    expect(await has).toBe(true)
    expect(await ofBytes).toBe(valueOf(5))
    expect(await many).toEqual([valueOf(3), valueOf(4), undefined, valueOf(1999)])
    expect(await absent).toEqual([false, true])
    expect(await db.getMany([3, 5000].map(keyOf))).toEqual([undefined, 'later'])
    await db.close()
  })

  it('that fail are an error which names the file, and the next read is answered', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    let failures = 1
    disk.beforeRead = path => {
      if (failures-- > 0) throw new FileSystemError('EIO', { operation: 'read', path })
    }
    await expect(db.get(keyOf(1234))).rejects.toMatchObject({
      code: 'LEVEL_IO_ERROR',
      file: expect.stringMatching(/\.(sst|btree)$/) as string,
    })
    expect(await db.get(keyOf(1234))).toBe(valueOf(1234))
    await db.close()
  })

  it('end before the store is closed', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const resume = disk.hold()
    const gets = Promise.all([1, 500, 1500].map(number => db.get(keyOf(number))))
    let isClosed = false
    const closing = db.close().then(() => (isClosed = true))
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(isClosed).toBe(false)
    resume()
    expect(await gets).toEqual([1, 500, 1500].map(valueOf))
    await closing
  })

  it('run in place again once the disk is quick', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    disk.readMs = 0
    for (let i = 0; i < 200; i++) await db.get(keyOf((i * 31) % ENTRIES))
    expect(disk.offload!.isOn).toBe(false)
    disk.offThread = 0
    for (let i = 0; i < 50; i++) await db.get(keyOf((i * 31) % ENTRIES))
    expect(disk.offThread).toBe(0)
    await db.close()
  })
})

/** Paths of the process's descriptors. */
function openFiles(): string[] {
  const links = readdirSync('/proc/self/fd').map(name => `/proc/self/fd/${name}`)
  // The listing's own descriptor is closed by now.
  return links.filter(link => existsSync(link)).map(link => readlinkSync(link))
}

describe.each(ENGINES)('reads off the thread of %s in a directory', engine => {
  let directory = ''
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('give what reads in place give, over tables and handles that close meanwhile, and leave no descriptor open', async () => {
    directory = mkdtempSync(join(tmpdir(), 'kvarium-slow-reads-'))
    let now = 0
    // Every read seems to take long.
    const readOffload = new ReadOffload({ now: () => (now += 10) })
    const environment = { ...nodeEnvironment(), fileSystem: new NodeFileSystem(readOffload), readOffload }
    const descriptors = (): number => openFiles().filter(path => path.startsWith(directory)).length
    const db: Store = new KvariumStore<string, string>(directory, { engine, ...smallOptions(engine) }, { environment, registry })
    await db.open()
    const random = new SeededRandom(3)
    const model = new Map<string, string>()
    for (let round = 0; round < 15; round++) {
      const written = Array.from({ length: 150 }, () => random.uniform(ENTRIES))
      for (const number of written) model.set(keyOf(number), `${valueOf(number)}${round}`)
      await db.batch(written.map(number => ({ type: 'put', key: keyOf(number), value: `${valueOf(number)}${round}` })))
      const keys = Array.from({ length: 40 }, () => keyOf(random.uniform(ENTRIES)))
      const expected = keys.map(key => model.get(key))
      const gets = Promise.all([Promise.all(keys.map(key => db.get(key))), db.getMany(keys), db.hasMany(keys)])
      if (round % 3 === 2) await db.compactRange()
      else await db.flush()
      expect(await gets).toEqual([expected, expected, expected.map(value => value !== undefined)])
    }
    expect(readOffload.isOn).toBe(true)
    await db.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    if (process.platform === 'linux') expect(descriptors()).toBe(0)
  })
})
