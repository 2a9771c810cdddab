import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { IoError } from '../../src/errors.js'
import { joinPath, LimitedFileSystem, type MemoryFileSystem } from '../../src/vfs/index.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, filler, get, leftovers, openLsm, put, scan, tablesOf, violations } from './support/opened-lsm.js'

/** A memtable takes fewer entries than this. */
const SMALL = { writeBufferSize: 16 << 10 }
const LARGE = { writeBufferSize: 1 << 20 }
const ENTRIES = 200

const nameOf = (i: number): string => `k${String(i).padStart(4, '0')}`

function expected(count = ENTRIES): string[] {
  return Array.from({ length: count }, (_, i) => `${nameOf(i)}=${filler(300, i)}`)
}

async function filled(fileSystem: MemoryFileSystem, options: Readonly<Record<string, unknown>>): Promise<Engine> {
  const engine = await openLsm({ fileSystem, created: true, options })
  for (let i = 0; i < ENTRIES; i++) await put(engine, nameOf(i), filler(300, i))
  return engine
}

/** What a kill leaves: one log, several times as large as a memtable of `SMALL`. */
async function killed(): Promise<MemoryFileSystem> {
  const fileSystem = emptyFileSystem()
  const engine = await filled(fileSystem, LARGE)
  const image = fileSystem.processCrashClone()
  await engine.close()
  return image
}

async function closed(): Promise<MemoryFileSystem> {
  const fileSystem = emptyFileSystem()
  const engine = await filled(fileSystem, SMALL)
  await engine.close()
  return fileSystem.processCrashClone()
}

/** The log ends in the middle of a record, the last one. */
async function torn(): Promise<MemoryFileSystem> {
  const image = await killed()
  const [name] = image.list(DIRECTORY).filter(name => name.endsWith('.log'))
  const file = image.openWrite(joinPath(DIRECTORY, name))
  file.truncate(file.size() - 100)
  file.close()
  return image
}

/** A disk with files of a store, and room for this many bytes more. */
function diskOf(image: MemoryFileSystem, room: number): { memory: MemoryFileSystem; disk: LimitedFileSystem } {
  const memory = image.processCrashClone()
  const disk = new LimitedFileSystem(memory, 0, [DIRECTORY])
  disk.limitBytes = disk.usedBytes + room
  return { memory, disk }
}

async function expectNoSpace(call: () => Promise<void> | void): Promise<void> {
  const error = await (async () => call())().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(IoError)
  expect(String(error)).toMatch(/ENOSPC.*Free some space, then try again/)
}

/** What is cut off a torn log makes room, but for less than this. */
const TORN_BYTES = 400

describe.each([
  ['after a kill, with more in its log than a memtable takes', killed, SMALL, ENTRIES, 0],
  ['after a kill, with a log that goes on', killed, LARGE, ENTRIES, 0],
  ['after a clean close', closed, SMALL, ENTRIES, 0],
  ['after a kill that tore its log', torn, LARGE, ENTRIES - 1, -TORN_BYTES],
  ['after a kill that tore its log, with more in it than a memtable takes', torn, SMALL, ENTRIES - 1, -TORN_BYTES],
] as const)('a store on a full disk, %s,', (_, image, options, count, room) => {
  it('opens, reads, refuses writes with what is missing, and goes on once there is room', async () => {
    const { memory, disk } = diskOf(await image(), room)
    const engine = await openLsm({ fileSystem: disk, options })
    expect(scan(engine)).toEqual(expected(count))
    const snapshot = engine.snapshot()
    const cursor = engine.cursor({}, snapshot)
    for (const write of [
      () => put(engine, 'more', 'x'),
      () => put(engine, 'more', 'x', true),
      () => engine.clear({}, { sync: false }),
      () => engine.flush(),
      () => engine.compact(),
    ]) {
      await expectNoSpace(write)
    }
    expect(get(engine, nameOf(7))).toBe(filler(300, 7))
    expect(get(engine, 'more')).toBeUndefined()
    expect(await violations(engine)).toEqual([])
    expect(engine.stats().pending.jobs).toBeGreaterThanOrEqual(0)
    expect(engine.shape()).toMatchObject({ sequence: count })

    disk.limitBytes = Infinity
    await Promise.all([put(engine, 'z1', '1'), put(engine, 'z2', '2', true), engine.flush()])
    await put(engine, nameOf(0), 'new')
    expect(cursor.first()).toBe(true)
    cursor.close()
    expect(scan(engine)).toEqual([`${nameOf(0)}=new`, ...expected(count).slice(1), 'z1=1', 'z2=2'])
    snapshot.release()
    await engine.compact()
    expect(leftovers(engine, memory)).toEqual([])
    expect(await violations(engine)).toEqual([])
    await engine.close()
    const again = await openLsm({ fileSystem: memory.processCrashClone(), options })
    expect(scan(again)).toEqual([`${nameOf(0)}=new`, ...expected(count).slice(1), 'z1=1', 'z2=2'])
    await again.close()
  })

  it('opens again and again, after closes and kills', async () => {
    const first = await image()
    for (const room of [0, 40, 100, 300, 5000, 20_000]) {
      const { limitBytes } = diskOf(first, room).disk
      let memory = first
      for (let i = 0; i < 6; i++) {
        memory = memory.processCrashClone()
        const engine = await openLsm({ fileSystem: new LimitedFileSystem(memory, limitBytes, [DIRECTORY]), options })
        expect(scan(engine)).toEqual(expected(count))
        const killed = memory.processCrashClone()
        await engine.close()
        if (i % 2 === 0) memory = killed
      }
    }
  })
})

it('a close while the start is tried again waits for it, and loses nothing', async () => {
  for (const hasRoom of [false, true]) {
    const { memory, disk } = diskOf(await killed(), 0)
    const engine = await openLsm({ fileSystem: disk, options: SMALL })
    if (hasRoom) disk.limitBytes = Infinity
    const written = Promise.resolve(put(engine, 'z', '1')).then(
      () => 'taken',
      (error: unknown) => String(error),
    )
    await engine.close()
    expect(await written).toMatch(hasRoom ? /^taken$/ : /ENOSPC/)
    const again = await openLsm({ fileSystem: memory.processCrashClone(), options: SMALL })
    expect(scan(again)).toEqual([...expected(), ...(hasRoom ? ['z=1'] : [])])
    await again.close()
  }
})

it('a table that a killed flush left makes room for the start', async () => {
  const image = await killed()
  const { memory, disk } = diskOf(image, 10_000)
  const file = memory.create(joinPath(DIRECTORY, '000900.sst'))
  file.write(new Uint8Array(9_990), 0)
  file.close()
  const engine = await openLsm({ fileSystem: new LimitedFileSystem(memory, disk.limitBytes, [DIRECTORY]), options: LARGE })
  expect(memory.list(DIRECTORY)).not.toContain('000900.sst')
  await put(engine, 'z', '1')
  expect(scan(engine)).toHaveLength(ENTRIES + 1)
  await engine.close()
})

it('what recovery left in memtables is flushed once there is room, and no log goes before', async () => {
  const { memory, disk } = diskOf(await killed(), 2_000)
  const engine = await openLsm({ fileSystem: disk, options: SMALL })
  await expect(engine.settle()).rejects.toThrow(/ENOSPC/)
  expect(scan(engine)).toEqual(expected())
  const again = await openLsm({ fileSystem: memory.processCrashClone(), options: SMALL })
  expect(scan(again)).toEqual(expected())
  await again.settle()
  expect(tablesOf(again).length).toBeGreaterThan(0)
  expect(leftovers(again, memory.processCrashClone())).not.toContain('CURRENT')
  await again.close()
  disk.limitBytes = Infinity
  await engine.close()
})

it('a store that cannot be created on a full disk says so, and leaves no handle open', async () => {
  for (const room of [0, 20, 40, 100, 150]) {
    const hooked = new HookedFileSystem(emptyFileSystem())
    await expect(openLsm({ fileSystem: new LimitedFileSystem(hooked, room), created: true })).rejects.toThrow(/ENOSPC/)
    expect(hooked.open.size).toBe(0)
  }
})
