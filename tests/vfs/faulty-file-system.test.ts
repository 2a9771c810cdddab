import { describe, expect, it } from 'vitest'
import { FaultyFileSystem, MemoryFileSystem, type FaultEffect, type FileOperation } from '../../src/vfs/index.js'

const EIO: FaultEffect = { kind: 'error', code: 'EIO', done: 'nothing' }
const TEXT = Uint8Array.from('0123456789', character => character.charCodeAt(0))

function faulty(): { memory: MemoryFileSystem; fileSystem: FaultyFileSystem } {
  const memory = new MemoryFileSystem()
  return { memory, fileSystem: new FaultyFileSystem(memory) }
}

function contents(memory: MemoryFileSystem, path: string): string {
  const file = memory.openRead(path)
  const bytes = new Uint8Array(file.size())
  file.read(bytes, 0)
  file.close()
  return String.fromCharCode(...bytes)
}

describe('a file system that fails on purpose', () => {
  it('does what the one behind it does, and counts it', async () => {
    const { memory, fileSystem } = faulty()
    const seen: string[] = []
    fileSystem.after = ({ number, kind, path, bytes }) => seen.push(`${number} ${kind} ${path} ${bytes}`)
    const file = fileSystem.create('/a')
    file.write(TEXT, 0, 2, 6)
    await file.sync()
    file.truncate(3)
    expect(file.size()).toBe(3)
    file.close()
    fileSystem.rename('/a', '/b')
    await fileSystem.syncDirectory('/')
    expect(contents(memory, '/b')).toBe('234')
    await fileSystem.removeLater('/b')
    expect(fileSystem.list('/')).toEqual([])
    const kinds = ['1 create /a 0', '2 write /a 4', '3 sync /a 0', '4 truncate /a 0', '5 size /a 0', '6 close /a 0']
    expect(seen).toEqual([...kinds, '7 rename /b 0', '8 syncDirectory / 0', '9 remove /b 0', '10 list / 0'])
    expect(fileSystem.operations).toBe(10)
    expect(fileSystem.hits).toBe(0)
  })

  it('fails the n-th matching operation, a given number of times, and no other', () => {
    const { fileSystem } = faulty()
    fileSystem.inject({ on: ({ kind }) => kind === 'write', skip: 1, times: 2, effect: { kind: 'error', code: 'ENOSPC', done: 'nothing' } })
    const file = fileSystem.create('/a')
    const outcomes = Array.from({ length: 5 }, (_, i) => {
      try {
        file.write(TEXT, i, i, i + 1)
        return 'written'
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    expect(outcomes).toEqual(['written', 'ENOSPC', 'ENOSPC', 'written', 'written'])
    expect(fileSystem.hits).toBe(2)
  })

  it('fails from then on, until it is healed', () => {
    const { fileSystem } = faulty()
    fileSystem.inject({ times: Infinity, effect: EIO })
    for (let i = 0; i < 3; i++) expect(() => fileSystem.create('/a')).toThrow(/EIO/)
    expect(() => fileSystem.stat('/a')).toThrow(/EIO/)
    fileSystem.heal()
    fileSystem.create('/a').close()
  })

  it.each([
    ['nothing', ''],
    [4, '0123'],
    ['all', '0123456789'],
  ] as const)('leaves %s of a write that fails', (done, left) => {
    const { memory, fileSystem } = faulty()
    const file = fileSystem.create('/a')
    fileSystem.inject({ effect: { kind: 'error', code: 'EIO', done } })
    expect(() => file.write(TEXT, 0)).toThrow(/EIO/)
    expect(contents(memory, '/a')).toBe(left)
  })

  it('reports a failure of what has been done', async () => {
    const { memory, fileSystem } = faulty()
    const file = fileSystem.create('/a')
    file.write(TEXT, 0)
    fileSystem.inject({ times: 3, effect: { kind: 'error', code: 'EIO', done: 'all' } })
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO', operation: 'sync', path: '/a' })
    expect(() => fileSystem.rename('/a', '/b')).toThrow(/EIO/)
    await expect(fileSystem.syncDirectory('/')).rejects.toThrow(/EIO/)
    expect(contents(memory.crashClone('none'), '/b')).toBe('0123456789')
  })

  it('keeps no handle that the caller did not get, and none that failed to close', () => {
    const { fileSystem } = faulty()
    fileSystem.inject({ effect: { kind: 'error', code: 'EMFILE', done: 'all' } })
    expect(() => fileSystem.create('/a')).toThrow(/EMFILE/)
    expect(fileSystem.openHandles.size).toBe(0)
    const file = fileSystem.openRead('/a')
    expect(fileSystem.openHandles.size).toBe(1)
    fileSystem.inject({ effect: EIO })
    expect(() => file.close()).toThrow(/EIO/)
    expect(fileSystem.openHandles.size).toBe(0)
  })

  it('reads short', () => {
    const { fileSystem } = faulty()
    const file = fileSystem.create('/a')
    file.write(TEXT, 0)
    fileSystem.inject({ on: ({ kind }) => kind === 'read', effect: { kind: 'short read', bytes: 3 } })
    expect(file.read(new Uint8Array(8), 0)).toBe(3)
    expect(file.read(new Uint8Array(8), 0)).toBe(8)
  })

  it('fails as the hook before an operation throws', () => {
    const { fileSystem } = faulty()
    fileSystem.before = () => {
      throw new RangeError('now')
    }
    expect(() => fileSystem.list('/')).toThrow(RangeError)
  })

  it('holds syncs up, with nothing durable meanwhile', async () => {
    const { memory, fileSystem } = faulty()
    const file = memory.create('/a')
    await memory.syncDirectory('/')
    file.close()
    let release = (): void => {}
    fileSystem.delay = (_: FileOperation, moment) => (moment === 'before' ? new Promise<void>(resolve => (release = resolve)) : undefined)
    const written = fileSystem.openWrite('/a')
    written.write(TEXT, 0)
    const synced = written.sync()
    await Promise.resolve()
    expect(contents(memory.crashClone('none'), '/a')).toBe('')
    release()
    await synced
    expect(contents(memory.crashClone('none'), '/a')).toBe('0123456789')
  })
})

describe('a failed sync that counts as done', () => {
  it('leaves what can be read, and no later sync makes it durable', async () => {
    const memory = new MemoryFileSystem()
    const file = memory.create('/a')
    await memory.syncDirectory('/')
    file.write(TEXT, 0, 0, 4)
    memory.loseUnsynced('/a')
    file.write(TEXT, 4, 4, 10)
    await file.sync()
    expect(contents(memory, '/a')).toBe('0123456789')
    expect(contents(memory.crashClone('none'), '/a')).toBe('\0\0\0\x00456789')
    expect(contents(memory.crashClone('all'), '/a')).toBe('0123456789')
    file.write(TEXT, 0, 0, 2)
    await file.sync()
    expect(contents(memory.crashClone('none'), '/a')).toBe('01\0\x00456789')
  })

  it('leaves a sync that was called before nothing to do', async () => {
    const memory = new MemoryFileSystem()
    const file = memory.create('/a')
    await memory.syncDirectory('/')
    file.write(TEXT, 0, 0, 4)
    const synced = file.sync()
    memory.loseUnsynced('/a')
    file.write(TEXT, 4, 4, 10)
    await synced
    expect(contents(memory.crashClone('none'), '/a')).toBe('')
  })
})
