import { registry as builtInEngines } from '../../src/node-engines.js'
import { channel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { META_BYTES } from '../../src/btree/pages/meta-page.js'
import { CorruptionError, IoError, PoisonedError } from '../../src/errors.js'
import { Kvarium } from '../../src/store/node-kvarium.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

const NAMES = ['flush', 'compaction', 'checkpoint', 'stall', 'corruption', 'write-failure'] as const
type Name = (typeof NAMES)[number]
type Message = Readonly<Record<string, unknown>>

const heard: { readonly name: Name; readonly message: Message }[] = []
const listeners = NAMES.map(name => ({ name, listen: (message: unknown) => void heard.push({ name, message: message as Message }) }))
const subscribe = (): void => listeners.forEach(({ name, listen }) => channel(`kvarium:${name}`).subscribe(listen))
const unsubscribe = (): void => listeners.forEach(({ name, listen }) => void channel(`kvarium:${name}`).unsubscribe(listen))
const of = (name: Name): Message[] => heard.filter(one => one.name === name).map(({ message }) => message)

const SMALL = {
  lsm: { writeBufferSize: 1 << 16, level0Tables: 2 },
  btree: { writeBufferSize: 1 << 16 },
  memory: {},
} as const

describe.each(['lsm', 'btree'] as const)('what %s publishes', engine => {
  let fileSystem: FaultyFileSystem
  let disk: MemoryFileSystem
  let db: Kvarium

  beforeEach(() => {
    heard.length = 0
    disk = new MemoryFileSystem()
    fileSystem = new FaultyFileSystem(disk)
    db = new Kvarium('/store', { engine: builtInEngines.resolve(engine), fileSystem, cacheSize: 0, ...SMALL[engine] })
    subscribe()
  })

  afterEach(async () => {
    unsubscribe()
    fileSystem.heal()
    await db.close()
  })

  const fill = async (batches: number): Promise<void> => {
    for (let i = 0; i < batches; i++) {
      await db.batch(Array.from({ length: 50 }, (_, k) => ({ type: 'put', key: `key ${(i * 50 + k) % 997}`, value: 'v'.repeat(100) })))
    }
    await db.flush()
    await db.settle()
  }

  it('jobs say how they ended, how long they took, and of which store they are', async () => {
    await fill(60)
    const jobs = engine === 'lsm' ? [...of('flush'), ...of('compaction')] : of('checkpoint')
    expect(jobs.length).toBeGreaterThan(2)
    for (const job of jobs)
      expect(job).toMatchObject({ location: '/store', engine, status: 'ok', durationMs: expect.any(Number) as number })
    if (engine === 'lsm') expect(of('compaction').length).toBeGreaterThan(0)
    expect(of('write-failure')).toEqual([])
  })

  it('a writer that waited says for what, and how long', async () => {
    await db.open()
    const puts = Array.from({ length: 3000 }, (_, i) => db.put(`key ${i}`, 'v'.repeat(200)))
    await Promise.all(puts)
    expect(of('stall').length).toBeGreaterThan(0)
    for (const stall of of('stall'))
      expect(stall).toMatchObject({ reason: expect.stringMatching(/\w/) as string, waitedMs: expect.any(Number) as number })
  })

  it('a job that fails says why', async () => {
    await db.put('key', 'value')
    fileSystem.inject({
      on: ({ kind, path }) => (engine === 'lsm' ? kind === 'create' && path.endsWith('.sst') : kind === 'write' && path.endsWith('.btree')),
      times: 1,
      effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    })
    await db.flush().catch(() => undefined)
    const failed = [...of('flush'), ...of('checkpoint')].filter(({ status }) => status === 'failed')
    expect(failed).toHaveLength(1)
    expect(failed[0]?.error).toBeInstanceOf(Error)
  })

  it('each write that fails, with the error that its caller gets', async () => {
    await db.put('key', 'value')
    fileSystem.inject({
      on: ({ kind, path }) => kind === 'write' && path.endsWith('.log'),
      times: 1,
      effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    })
    const errors: unknown[] = []
    for (let i = 0; i < 2; i++) await db.put('key', `value ${i}`).catch((error: unknown) => errors.push(error))
    expect(of('write-failure').map(({ error }) => error)).toEqual(errors)
    expect(errors[0]).toBeInstanceOf(IoError)
    expect(errors[1]).toBeInstanceOf(PoisonedError)
  })

  it('damage, where a read meets it', async () => {
    await fill(20)
    const file = disk.list('/store').find(name => name.endsWith(engine === 'lsm' ? '.sst' : '.btree'))!
    flip(disk, `/store/${file}`)
    const errors = new Set<unknown>()
    for (let i = 0; i < 997; i++) await db.get(`key ${i}`).catch((error: unknown) => errors.add(error))
    await db
      .keys()
      .all()
      .catch((error: unknown) => errors.add(error))
    const published = of('corruption').map(({ error }) => error)
    expect(published.length).toBeGreaterThan(1)
    expect(new Set(published)).toEqual(errors)
    expect(published[0]).toBeInstanceOf(CorruptionError)
  })
})

/** Changes every byte of a table, or of the pages behind the meta pages. */
function flip(disk: MemoryFileSystem, path: string): void {
  const file = disk.openWrite(path)
  const bytes = new Uint8Array(file.size())
  file.read(bytes, 0, 0, bytes.length)
  for (let i = path.endsWith('.sst') ? 0 : 2 * META_BYTES; i < bytes.length; i++) bytes[i] ^= 0x55
  file.write(bytes, 0, 0, bytes.length)
  file.close()
}

describe('diagnostics', () => {
  it('messages are made for subscribers only', async () => {
    heard.length = 0
    const db = new Kvarium('/store', { fileSystem: new MemoryFileSystem() })
    await db.put('key', 'value')
    await db.flush()
    expect(heard).toEqual([])
    subscribe()
    await db.put('key', 'other')
    await db.flush()
    unsubscribe()
    await db.close()
    expect(of('flush')).toHaveLength(1)
  })

  it('an opening that meets damage publishes it', async () => {
    const disk = new MemoryFileSystem()
    const db = new Kvarium('/store', { engine: 'btree', fileSystem: disk })
    await db.put('key', 'value')
    await db.close()
    const file = disk.list('/store').find(name => name.endsWith('.btree'))!
    disk.remove(`/store/${file}`)
    heard.length = 0
    subscribe()
    await expect(db.open()).rejects.toThrow()
    unsubscribe()
    expect(of('corruption')).toMatchObject([{ location: '/store', engine: 'btree' }])
  })
})
