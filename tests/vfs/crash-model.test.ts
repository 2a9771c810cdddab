import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value)

function create(fileSystem: MemoryFileSystem, path: string, value = ''): ReturnType<MemoryFileSystem['create']> {
  const handle = fileSystem.create(path)
  handle.write(bytesOf(value), 0)
  return handle
}

function read(fileSystem: MemoryFileSystem, path: string): string | undefined {
  if (fileSystem.stat(path) === undefined) return undefined
  const handle = fileSystem.openRead(path)
  const bytes = new Uint8Array(handle.size())
  handle.read(bytes, 0)
  handle.close()
  return new TextDecoder().decode(bytes)
}

function dump(fileSystem: MemoryFileSystem): string {
  return JSON.stringify([...fileSystem.files().keys()].map(path => [path, read(fileSystem, path)]))
}

const seeds = Array.from({ length: 300 }, (_, seed) => seed)

describe('a power loss', () => {
  it('takes a synced file whose name was not synced', async () => {
    const fileSystem = new MemoryFileSystem()
    await create(fileSystem, 'a', 'data').sync()
    expect(fileSystem.crashClone('none').files().size).toBe(0)
    expect(read(fileSystem.crashClone('all'), 'a')).toBe('data')
    expect(seeds.some(seed => fileSystem.crashClone(seed).stat('a') === undefined)).toBe(true)
    expect(seeds.some(seed => read(fileSystem.crashClone(seed), 'a') === 'data')).toBe(true)
  })

  it('leaves an empty file where only the name was synced', async () => {
    const fileSystem = new MemoryFileSystem()
    create(fileSystem, 'a', 'data')
    await fileSystem.syncDirectory('/')
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('')
  })

  it('never takes what was synced, name and data', async () => {
    const fileSystem = new MemoryFileSystem()
    const handle = create(fileSystem, 'a', 'kept')
    await handle.sync()
    await fileSystem.syncDirectory('/')
    handle.write(bytesOf('-lost?'), 4)
    create(fileSystem, 'b', 'other')
    for (const seed of seeds) expect(read(fileSystem.crashClone(seed), 'a')).toMatch(/^kept/)
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('kept')
  })

  it('does not count writes that were made while a sync was under way', async () => {
    const fileSystem = new MemoryFileSystem()
    const handle = create(fileSystem, 'a', 'one')
    const nameSync = fileSystem.syncDirectory('/')
    create(fileSystem, 'b')
    await nameSync
    const sync = handle.sync()
    handle.write(bytesOf('TWO'), 0)
    const second = handle.sync()
    handle.write(bytesOf('three'), 3)
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('')
    await sync
    expect(read(fileSystem.crashClone('none'), 'a')).toMatch(/^(one|TWO)$/)
    await second
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('TWO')
    expect(read(fileSystem.crashClone('none'), 'b')).toBeUndefined()
    await handle.sync()
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('TWOthree')
  })

  it('tears a write, at a sector and at any byte', async () => {
    const fileSystem = new MemoryFileSystem()
    const handle = create(fileSystem, 'a', 'x'.repeat(100))
    await handle.sync()
    await fileSystem.syncDirectory('/')
    handle.write(new Uint8Array(4000).fill(0x79), 100)
    const sizes = new Set(seeds.map(seed => fileSystem.crashClone(seed).stat('a')!.size))
    expect(sizes.has(100) && sizes.has(4100)).toBe(true)
    const torn = [...sizes].filter(size => size !== 100 && size !== 4100)
    expect(torn.some(size => size % 512 === 0)).toBe(true)
    expect(torn.some(size => size % 512 !== 0)).toBe(true)
    for (const seed of seeds) expect(read(fileSystem.crashClone(seed), 'a')).toMatch(/^x{100}\0*y*$/)
  })

  it('keeps a later write and loses an earlier one', async () => {
    const fileSystem = new MemoryFileSystem()
    const handle = fileSystem.create('a')
    await fileSystem.syncDirectory('/')
    handle.write(bytesOf('11'), 0)
    handle.write(bytesOf('22'), 2)
    const images = new Set(seeds.map(seed => read(fileSystem.crashClone(seed), 'a')))
    for (const image of ['', '11', '1122', '\0\x0022', '112']) expect(images).toContain(image)
  })

  it('leaves the old or the new file under a name that was renamed over, never both and never none', async () => {
    const fileSystem = new MemoryFileSystem()
    await create(fileSystem, 'CURRENT', 'old').sync()
    await fileSystem.syncDirectory('/')
    await create(fileSystem, 'CURRENT.tmp', 'new').sync()
    fileSystem.rename('CURRENT.tmp', 'CURRENT')
    const found = new Set<string | undefined>()
    for (const seed of seeds) {
      const image = fileSystem.crashClone(seed)
      const current = read(image, 'CURRENT')
      found.add(current)
      if (current === 'new') expect(image.stat('CURRENT.tmp')).toBeUndefined()
    }
    expect(found).toEqual(new Set(['old', 'new']))
    expect(read(fileSystem.crashClone('none'), 'CURRENT')).toBe('old')
    await fileSystem.syncDirectory('/')
    for (const seed of seeds) expect(read(fileSystem.crashClone(seed), 'CURRENT')).toBe('new')
  })

  it('never gives a file two names, however its renames and directory syncs mix', async () => {
    const fileSystem = new MemoryFileSystem()
    for (const name of ['a', 'b', 'c']) fileSystem.makeDirectory(name)
    await fileSystem.syncDirectory('/')
    await create(fileSystem, 'a/x', 'data').sync()
    await fileSystem.syncDirectory('a')
    fileSystem.rename('a/x', 'b/y')
    fileSystem.rename('b/y', 'c/z')
    for (const seed of seeds) expect(fileSystem.crashClone(seed).files().size).toBe(1)
    await fileSystem.syncDirectory('c')
    for (const seed of seeds) expect([...fileSystem.crashClone(seed).files().keys()]).toEqual(['/c/z'])
  })

  it('brings back a removed file until the removal is synced', async () => {
    const fileSystem = new MemoryFileSystem()
    await create(fileSystem, 'a', 'data').sync()
    await fileSystem.syncDirectory('/')
    fileSystem.remove('a')
    expect(read(fileSystem.crashClone('none'), 'a')).toBe('data')
    expect(seeds.some(seed => fileSystem.crashClone(seed).stat('a') === undefined)).toBe(true)
    await fileSystem.syncDirectory('/')
    expect(fileSystem.crashClone('none').stat('a')).toBeUndefined()
  })

  it('takes a directory whose own name was not synced, with all that is synced in it', async () => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.makeDirectory('/store/deep')
    await create(fileSystem, '/store/deep/a', 'data').sync()
    await fileSystem.syncDirectory('/store/deep')
    expect(fileSystem.crashClone('none').files().size).toBe(0)
    await fileSystem.syncDirectory('/')
    await fileSystem.syncDirectory('/store')
    expect(read(fileSystem.crashClone('none'), '/store/deep/a')).toBe('data')
  })

  it('leaves an image that is durable, unlocked and independent', async () => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.makeDirectory('d')
    await fileSystem.lock('d')
    const handle = create(fileSystem, 'd/a', 'data')
    const image = fileSystem.processCrashClone()
    handle.write(bytesOf('DATA'), 0)
    await (await image.lock('d')).release()
    expect(read(image, 'd/a')).toBe('data')
    expect(read(image.crashClone('none'), 'd/a')).toBe('data')
    image.openWrite('d/a').write(bytesOf('image'), 0)
    expect(read(fileSystem, 'd/a')).toBe('DATA')
    expect(image.bytesInUse()).toBe(5)
  })
})

type Step =
  | { readonly kind: 'write'; readonly position: number; readonly length: number; readonly fill: number }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'sync' }

// Sizes around one chunk (16 KiB), so that chunks are shared, copied, grown and cut.
const write = (maxPosition: number, maxLength: number): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constant('write' as const),
    position: fc.nat(maxPosition),
    length: fc.nat(maxLength),
    fill: fc.integer({ min: 1, max: 255 }),
  })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: write(40_000, 20_000) },
  { weight: 3, arbitrary: write(600, 300) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate' as const), size: fc.nat(40_000) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'sync' as const }) },
)

function apply(bytes: Uint8Array, change: Step): Uint8Array {
  if (change.kind === 'sync') return bytes
  const isWrite = change.kind === 'write' && change.length > 0
  const size = change.kind === 'truncate' ? change.size : isWrite ? Math.max(bytes.length, change.position + change.length) : bytes.length
  const result = new Uint8Array(size)
  result.set(bytes.subarray(0, size))
  if (isWrite) result.fill(change.fill, change.position, change.position + change.length)
  return result
}

function wholeFile(fileSystem: MemoryFileSystem): Uint8Array {
  const handle = fileSystem.openRead('a')
  const bytes = new Uint8Array(handle.size())
  handle.read(bytes, 0)
  return bytes
}

describe('random histories', () => {
  it('keep current and durable bytes apart, also when syncs overlap with writes', async () => {
    const history = fc.array(fc.tuple(step, fc.boolean()), { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(history, async steps => {
        const fileSystem = new MemoryFileSystem()
        const handle = fileSystem.create('a')
        await fileSystem.syncDirectory('/')
        let current: Uint8Array = new Uint8Array()
        let durable = current
        let called = current
        let sync: Promise<void> | undefined
        for (const [change, isAwaited] of steps) {
          if (change.kind === 'write') handle.write(new Uint8Array(change.length).fill(change.fill), change.position)
          if (change.kind === 'truncate') handle.truncate(change.size)
          if (change.kind === 'sync') {
            called = current
            sync = handle.sync()
          }
          current = apply(current, change)
          if (isAwaited && sync !== undefined) {
            await sync
            durable = called
            sync = undefined
          }
          expect(Buffer.compare(wholeFile(fileSystem), current)).toBe(0)
          expect(Buffer.compare(wholeFile(fileSystem.crashClone('none')), durable)).toBe(0)
          expect(Buffer.compare(wholeFile(fileSystem.crashClone('all')), current)).toBe(0)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('change no image that was taken before, and no image changes another or its origin', async () => {
    const history = fc.array(fc.tuple(step, fc.nat(9)), { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(history, async steps => {
        const files = [new MemoryFileSystem()]
        files[0].create('a')
        const contents: Uint8Array[] = [new Uint8Array()]
        for (const [change, at] of steps) {
          const index = at % files.length
          const handle = files[index].openWrite('a')
          if (change.kind === 'write') handle.write(new Uint8Array(change.length).fill(change.fill), change.position)
          if (change.kind === 'truncate') handle.truncate(change.size)
          if (change.kind === 'sync') {
            await handle.sync()
            await files[index].syncDirectory('/')
            files.push(files[index].crashClone('none'))
          } else files.push(files[index].processCrashClone())
          contents[index] = apply(contents[index], change)
          contents.push(contents[index])
          for (const [other, fileSystem] of files.entries()) expect(Buffer.compare(wholeFile(fileSystem), contents[other])).toBe(0)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('leave the same image for the same seed, and different ones for different seeds', () => {
    const build = (): MemoryFileSystem => {
      const fileSystem = new MemoryFileSystem()
      for (let i = 0; i < 20; i++) {
        const handle = create(fileSystem, `f${i}`, 'start')
        for (let j = 0; j < 5; j++) handle.write(bytesOf(`${i}/${j};`.repeat(30)), j * 100)
        if (i % 3 === 0) fileSystem.rename(`f${i}`, `g${i}`)
        if (i % 5 === 4) fileSystem.remove(`f${i - 1}`.replace(/^f(0|3|6|9|12|15|18)$/, 'g$1'))
      }
      return fileSystem
    }
    const fileSystem = build()
    const images = seeds.slice(0, 50).map(seed => dump(fileSystem.crashClone(seed)))
    expect(seeds.slice(0, 50).map(seed => dump(build().crashClone(seed)))).toEqual(images)
    expect(new Set(images).size).toBeGreaterThan(25)
  })
})

describe('the parts of what is not synced', () => {
  it('are named with their places, sector by sector', async () => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.makeDirectory('/d')
    const handle = create(fileSystem, '/d/a', 'x'.repeat(600))
    handle.truncate(100)
    fileSystem.rename('/d/a', '/d/b')
    expect(fileSystem.unsynced()).toEqual([
      { change: 'name', added: '/d' },
      { change: 'name', added: '/d/a' },
      { change: 'name', removed: '/d/a', added: '/d/b' },
      { change: 'write', path: '/d/b', offset: 0, length: 512 },
      { change: 'write', path: '/d/b', offset: 512, length: 88 },
      { change: 'truncate', path: '/d/b', size: 100 },
    ])
    await handle.sync()
    await fileSystem.syncDirectory('/d')
    await fileSystem.syncDirectory('/')
    expect(fileSystem.unsynced()).toEqual([])
  })

  it('are kept or lost one by one: all of them is everything, none is nothing, and a kept one changes only its place', () => {
    const names = ['/a', '/b', '/c']
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('write' as const),
        name: fc.constantFrom(...names),
        at: fc.nat(1500),
        length: fc.integer({ min: 1, max: 700 }),
      }),
      fc.record({ kind: fc.constant('rename' as const), name: fc.constantFrom(...names), to: fc.constantFrom(...names) }),
      fc.record({
        kind: fc.constantFrom('remove' as const, 'sync' as const, 'names' as const, 'truncate' as const),
        name: fc.constantFrom(...names),
      }),
    )
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), async (steps, seed) => {
        const fileSystem = new MemoryFileSystem()
        let written = 0
        for (const each of steps) {
          const exists = fileSystem.stat(each.name) !== undefined
          if (each.kind === 'write') {
            const handle = exists ? fileSystem.openWrite(each.name) : fileSystem.create(each.name)
            handle.write(bytesOf(String.fromCharCode(97 + (written++ % 26)).repeat(each.length)), each.at)
          } else if (each.kind === 'names') await fileSystem.syncDirectory('/')
          else if (!exists) continue
          else if (each.kind === 'rename') fileSystem.rename(each.name, each.to)
          else if (each.kind === 'remove') fileSystem.remove(each.name)
          else if (each.kind === 'sync') await fileSystem.openWrite(each.name).sync()
          else fileSystem.openWrite(each.name).truncate(seed % 600)
        }
        const parts = fileSystem.unsynced()
        const all = new Set(parts.keys())
        expect(dump(fileSystem.crashClone(all))).toBe(dump(fileSystem.crashClone('all')))
        expect(dump(fileSystem.crashClone(new Set()))).toBe(dump(fileSystem.crashClone('none')))
        const last = parts.at(-1)
        if (last?.change !== 'write') return
        const without = fileSystem.crashClone(new Set([...all].filter(part => part !== parts.length - 1)))
        const changed = [...fileSystem.crashClone('all').files().keys()].filter(
          path => read(without, path) !== read(fileSystem.crashClone('all'), path),
        )
        expect(changed.every(path => path === last.path)).toBe(true)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
