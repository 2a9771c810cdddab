import { describe, expect, it } from 'vitest'
import { SlotFileSystem, type SlotFileSystemOptions } from '../../src/opfs/slot-file-system.js'
import { typedError } from '../../src/vfs/vfs-error.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { LimitedFileSystem } from '../../src/vfs/testing/limited-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import type { FileSystem } from '../../src/vfs/file-system.js'
import { encodeUtf8 } from '../../src/codec/text.js'
import { simulatedSlotFiles } from './support/simulated-slot-files.js'

const open = (disk: FileSystem, options?: SlotFileSystemOptions): Promise<SlotFileSystem> =>
  SlotFileSystem.open(simulatedSlotFiles(disk), options)

function put(files: FileSystem, path: string, text: string): void {
  const handle = files.create(path)
  handle.write(encodeUtf8(text), 0)
  handle.close()
}

function get(files: FileSystem, path: string): string {
  const handle = files.openRead(path)
  const bytes = new Uint8Array(handle.size())
  handle.read(bytes, 0)
  handle.close()
  return new TextDecoder().decode(bytes)
}

/** A slot file, as the file below. */
const slotsOf = (disk: MemoryFileSystem): string[] => [...disk.files().keys()].filter(path => path.includes('slot-'))

function overwrite(disk: MemoryFileSystem, path: string, at: number, bytes: Uint8Array): void {
  const handle = disk.openWrite(path)
  handle.write(bytes, at)
  handle.close()
}

describe('the slots', () => {
  it('are used again once their files are durably removed, so that there are no more of them than files', async () => {
    const disk = new MemoryFileSystem()
    const files = await open(disk, { spareFiles: 4 })
    for (let round = 0; round < 100; round++) {
      put(files, `f${round}`, `content ${round}`)
      if (round > 0) files.remove(`f${round - 1}`)
      await files.syncDirectory('/')
      await files.settle()
    }
    expect(files.list('/')).toEqual(['f99'])
    expect(get(files, 'f99')).toBe('content 99')
    expect(slotsOf(disk).length).toBeLessThan(10)
  })

  it('keep the bytes of a removed file for its open handles, and are used again afterwards', async () => {
    const disk = new MemoryFileSystem()
    const files = await open(disk, { spareFiles: 1 })
    put(files, 'a', 'still here')
    const handle = files.openRead('a')
    files.remove('a')
    await files.syncDirectory('/')
    await files.settle()
    for (let i = 0; i < 5; i++) {
      put(files, `b${i}`, 'another')
      await files.settle()
    }
    const bytes = new Uint8Array(10)
    expect(handle.read(bytes, 0)).toBe(10)
    expect(new TextDecoder().decode(bytes)).toBe('still here')
    const before = slotsOf(disk).length
    handle.close()
    await files.settle()
    put(files, 'c', 'in its place')
    await files.settle()
    expect(slotsOf(disk).length).toBe(before)
  })

  it('of a linked file stay while it has a name', async () => {
    const files = await open(new MemoryFileSystem(), { spareFiles: 2 })
    put(files, 'a', 'linked')
    files.link('a', 'b')
    files.remove('a')
    for (let i = 0; i < 5; i++) {
      await files.syncDirectory('/')
      await files.settle()
      put(files, `c${i}`, 'other')
    }
    expect(get(files, 'b')).toBe('linked')
  })

  it('are opened ahead of need: a file in every turn of the event loop, a thousand times', async () => {
    const files = await open(new MemoryFileSystem())
    for (let i = 0; i < 1000; i++) {
      put(files, `f${i}`, String(i))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(files.list('/')).toHaveLength(1000)
    expect(get(files, 'f999')).toBe('999')
  })

  it('run out where many files are created at once: the error says what to do, and a moment later it works', async () => {
    const files = await open(new MemoryFileSystem(), { spareFiles: 8 })
    await files.settle()
    for (let i = 0; i < 8; i++) put(files, `f${i}`, '')
    let error: unknown
    try {
      files.create('one more')
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'EAGAIN', operation: 'create', path: 'one more' })
    expect(typedError(error).message).toBe(
      'create failed: EAGAIN, nothing is ready for it: try again in a moment (on OPFS, more spareFiles make that rare) (one more)',
    )
    expect(files.stat('one more')).toBeUndefined()
    await files.settle()
    put(files, 'one more', 'there')
    expect(get(files, 'one more')).toBe('there')
  })

  it('without a name are removed when the files are opened, but for some', async () => {
    const disk = new MemoryFileSystem()
    const files = await open(disk, { spareFiles: 4 })
    for (let i = 0; i < 100; i++) {
      put(files, `f${i}`, 'x')
      await files.settle()
    }
    for (let i = 0; i < 99; i++) files.remove(`f${i}`)
    await files.syncDirectory('/')
    await files.close()
    const again = await open(disk, { spareFiles: 4 })
    await again.settle()
    expect(get(again, 'f99')).toBe('x')
    expect(slotsOf(disk).length).toBeLessThan(10)
    await again.close()
  })
})

describe('the log of names', () => {
  it('does not grow for ever, and loses nothing when a new one begins', async () => {
    const disk = new MemoryFileSystem()
    const files = await open(disk)
    put(files, 'n0', 'kept')
    await files.syncDirectory('/')
    for (let i = 0; i < 5000; i++) {
      files.rename(`n${i}`, `n${i + 1}`)
      if (i % 50 === 0) await files.syncDirectory('/')
      if (i % 250 !== 0) continue
      const synced = await open(disk.crashClone('none'))
      expect(Number(synced.list('/')[0].slice(1))).toBeGreaterThan(i - 50)
      const killed = await open(disk.processCrashClone())
      expect(killed.list('/')).toEqual([`n${i + 1}`])
    }
    for (const name of ['names-0', 'names-1']) expect(disk.stat(`/slots/${name}`)!.size).toBeLessThan(100_000)
    await files.close()
    expect(get(await open(disk), 'n5000')).toBe('kept')
  })

  it('takes removals when the disk is full', async () => {
    const disk = new MemoryFileSystem()
    const limited = new LimitedFileSystem(disk, 200_000)
    const files = await open(limited, { spareFiles: 2 })
    const handle = files.create('large')
    expect(() => handle.write(new Uint8Array(400_000), 0)).toThrow(expect.objectContaining({ code: 'ENOSPC', operation: 'write' }))
    limited.limitBytes = limited.usedBytes
    for (let i = 0; i < 100; i++) files.rename(i === 0 ? 'large' : `n${i - 1}`, `n${i}`)
    handle.close()
    files.remove('n99')
    await files.syncDirectory('/')
    await files.settle()
    put(files, 'small', 'fits')
    expect(get(files, 'small')).toBe('fits')
  })

  it.each(['nothing', 'all'] as const)('goes on after a failed write and a failed sync: %s of it is there', async done => {
    const disk = new MemoryFileSystem()
    const faulty = new FaultyFileSystem(disk)
    const files = await open(faulty)
    const fail = (kind: string): void =>
      faulty.inject({
        on: operation => operation.kind === kind && operation.path.includes('names-'),
        effect: { kind: 'error', code: 'EIO', done },
      })
    put(files, 'a', 'first')
    fail('write')
    expect(() => files.rename('a', 'b')).toThrow(expect.objectContaining({ code: 'EIO', operation: 'rename', path: 'a' }))
    expect(files.list('/')).toEqual(['a'])
    fail('write')
    expect(() => files.create('c')).toThrow(expect.objectContaining({ code: 'EIO', operation: 'create', path: 'c' }))
    fail('sync')
    await expect(files.syncDirectory('/')).rejects.toMatchObject({
      name: 'FileSystemError',
      code: 'EIO',
      operation: 'syncDirectory',
      path: '/',
    })
    put(files, 'd', 'second')
    await files.syncDirectory('/')
    const left = await open(disk.crashClone('none'))
    expect(left.list('/')).toEqual(['a', 'd'])
  })
})

describe('what cannot be right is refused, and nothing is changed', () => {
  async function closed(): Promise<MemoryFileSystem> {
    const disk = new MemoryFileSystem()
    const files = await open(disk)
    put(files, 'a', 'kept')
    await files.syncDirectory('/')
    put(files, 'b', 'kept')
    await files.syncDirectory('/')
    await files.close()
    return disk
  }

  it('a slot that is missing', async () => {
    const disk = await closed()
    const slot = slotsOf(disk).find(path => disk.stat(path)!.size > 0)!
    disk.remove(slot)
    await expect(open(disk)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: slot })
  })

  it.each([
    ['the first record', 40],
    ['a record that a later one proves durable', 110],
  ])('damage of %s', async (_what, at) => {
    const disk = await closed()
    overwrite(disk, '/slots/names-0', at, Uint8Array.of(0xff, 0xff))
    await expect(open(disk)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: '/slots/names-0' })
  })

  it('both logs missing, and files with contents', async () => {
    const disk = await closed()
    for (const name of ['names-0', 'names-1']) disk.remove(`/slots/${name}`)
    await expect(open(disk)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  })
})
