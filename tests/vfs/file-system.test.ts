import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileHandle, FileSystem } from '../../src/vfs/file-system.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { MeteredFileSystem } from '../../src/vfs/metered-file-system.js'
import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
import { FileSystemError } from '../../src/vfs/vfs-error.js'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

function content(handle: FileHandle): string {
  const bytes = new Uint8Array(handle.size())
  expect(handle.read(bytes, 0)).toBe(bytes.length)
  return new TextDecoder().decode(bytes)
}

const kinds: [string, () => FileSystem][] = [
  ['node', () => new NodeFileSystem()],
  ['memory', () => new MemoryFileSystem()],
  ['metered memory', () => new MeteredFileSystem(new MemoryFileSystem())],
]

describe.each(kinds)('%s file system', (kind, make) => {
  let fileSystem: FileSystem
  let directory: string
  const at = (name: string): string => joinPath(directory, name)

  function put(name: string, value: string): void {
    const handle = fileSystem.create(at(name))
    handle.write(text(value), 0)
    handle.close()
  }

  function get(name: string): string {
    const handle = fileSystem.openRead(at(name))
    const value = content(handle)
    handle.close()
    return value
  }

  beforeEach(() => {
    fileSystem = make()
    directory = kind === 'node' ? mkdtempSync(join(tmpdir(), 'kvarium-vfs-')) : '/store'
    fileSystem.makeDirectory(directory)
  })

  afterEach(() => {
    if (kind === 'node') rmSync(directory, { recursive: true, force: true })
  })

  it('refuses to create over a taken name, and leaves the file as it is', () => {
    put('a', 'first')
    expect(() => fileSystem.create(at('a'))).toThrow(expect.objectContaining({ code: 'EEXIST', operation: 'create', path: at('a') }))
    expect(get('a')).toBe('first')
  })

  it('names the missing file in the error of every operation', () => {
    const missing: unknown = expect.objectContaining({ name: 'FileSystemError', code: 'ENOENT', path: at('missing') })
    expect(() => fileSystem.openRead(at('missing'))).toThrow(missing)
    expect(() => fileSystem.openWrite(at('missing'))).toThrow(missing)
    expect(() => fileSystem.remove(at('missing'))).toThrow(missing)
    expect(() => fileSystem.rename(at('missing'), at('b'))).toThrow(missing)
    expect(() => fileSystem.list(at('missing'))).toThrow(missing)
    expect(() => fileSystem.removeDirectory(at('missing'))).toThrow(missing)
    expect(() => fileSystem.create(at('missing/a'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(fileSystem.stat(at('missing'))).toBeUndefined()
    expect(fileSystem.stat(at('missing/a'))).toBeUndefined()
  })

  it('rejects when a missing directory is synced or locked', async () => {
    await expect(fileSystem.syncDirectory(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(fileSystem.lock(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('does not take a directory for a file or a file for a directory', () => {
    fileSystem.makeDirectory(at('dir'))
    put('file', 'x')
    expect(() => fileSystem.openRead(at('dir'))).toThrow(expect.objectContaining({ code: 'EISDIR' }))
    expect(() => fileSystem.openWrite(at('dir'))).toThrow(expect.objectContaining({ code: 'EISDIR' }))
    expect(() => fileSystem.list(at('file'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
    expect(() => fileSystem.makeDirectory(at('file'))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(() => fileSystem.makeDirectory(at('file/below'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
    expect(() => fileSystem.create(at('file/below'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
    expect(fileSystem.stat(at('file/below'))).toBeUndefined()
    expect(fileSystem.stat(at('dir'))?.kind).toBe('directory')
    expect(fileSystem.stat(at('file'))).toEqual({ kind: 'file', size: 1 })
  })

  it('renames over an existing file, whose open handle keeps the old bytes', () => {
    put('a', 'new')
    put('b', 'old')
    const old = fileSystem.openRead(at('b'))
    fileSystem.rename(at('a'), at('b'))
    expect(fileSystem.list(directory)).toEqual(['b'])
    expect(get('b')).toBe('new')
    expect(content(old)).toBe('old')
    old.close()
  })

  it('moves a file to another directory', () => {
    fileSystem.makeDirectory(at('deep/er'))
    put('a', 'moved')
    fileSystem.rename(at('a'), at('deep/er/b'))
    expect(get('deep/er/b')).toBe('moved')
    expect(fileSystem.list(directory)).toEqual(['deep'])
  })

  it('keeps a removed file alive for its open handles', () => {
    const handle = fileSystem.create(at('a'))
    handle.write(text('still'), 0)
    fileSystem.remove(at('a'))
    handle.write(text(' here'), 5)
    expect(content(handle)).toBe('still here')
    expect(fileSystem.stat(at('a'))).toBeUndefined()
    put('a', 'another')
    expect(content(handle)).toBe('still here')
    handle.close()
    expect(get('a')).toBe('another')
  })

  it('lists names sorted, directories too', () => {
    for (const name of ['b', 'a10', 'a9', 'C']) put(name, '')
    fileSystem.makeDirectory(at('aa'))
    expect(fileSystem.list(directory)).toEqual(['C', 'a10', 'a9', 'aa', 'b'])
  })

  it('removes an empty directory only', () => {
    fileSystem.makeDirectory(at('dir'))
    put('dir/a', '')
    expect(() => fileSystem.removeDirectory(at('dir'))).toThrow(expect.objectContaining({ code: 'ENOTEMPTY' }))
    expect(() => fileSystem.remove(at('dir'))).toThrow(expect.objectContaining({ name: 'FileSystemError' }))
    fileSystem.remove(at('dir/a'))
    fileSystem.removeDirectory(at('dir'))
    expect(fileSystem.list(directory)).toEqual([])
    fileSystem.makeDirectory(directory)
  })

  it('reads short at the end of the file and nothing behind it', () => {
    put('a', '0123456789')
    const handle = fileSystem.openRead(at('a'))
    const target = new Uint8Array(8).fill(0x2e)
    expect(handle.read(target, 7, 2, 8)).toBe(3)
    expect(new TextDecoder().decode(target)).toBe('..789...')
    expect(handle.read(target, 10)).toBe(0)
    expect(handle.read(target, 1000)).toBe(0)
    expect(handle.read(target, 0, 3, 3)).toBe(0)
    handle.close()
  })

  it('fills the gap with zeros when it writes behind the end', () => {
    const handle = fileSystem.create(at('a'))
    handle.write(text('xxabxx'), 40_000, 2, 4)
    expect(handle.size()).toBe(40_002)
    const bytes = new Uint8Array(40_002)
    handle.read(bytes, 0)
    expect(bytes.subarray(0, 40_000).every(byte => byte === 0)).toBe(true)
    expect([...bytes.subarray(40_000)]).toEqual([97, 98])
    handle.close()
  })

  it('does not bring back bytes that were cut off by a truncation', () => {
    const handle = fileSystem.create(at('a'))
    handle.write(text('secret'), 0)
    handle.truncate(2)
    expect(content(handle)).toBe('se')
    handle.truncate(4)
    expect(content(handle)).toBe('se\0\0')
    handle.truncate(1)
    handle.write(text('t'), 5)
    expect(content(handle)).toBe('s\0\0\0\0t')
    handle.close()
  })

  it('shows the writes of one handle to another at once', () => {
    const writer = fileSystem.create(at('a'))
    const reader = fileSystem.openRead(at('a'))
    const editor = fileSystem.openWrite(at('a'))
    writer.write(text('one'), 0)
    expect(content(reader)).toBe('one')
    editor.write(text('O'), 0)
    expect(content(reader)).toBe('One')
    for (const handle of [writer, reader, editor]) handle.close()
  })

  it('refuses to write through a handle that was opened for reading', () => {
    put('a', 'x')
    const handle = fileSystem.openRead(at('a'))
    expect(() => handle.write(text('y'), 0)).toThrow(expect.objectContaining({ code: 'EBADF', operation: 'write' }))
    expect(() => handle.truncate(0)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    handle.close()
    expect(get('a')).toBe('x')
  })

  it('throws from a handle that is closed, but closes twice without harm', async () => {
    const handle = fileSystem.create(at('a'))
    handle.close()
    handle.close()
    const closed: unknown = expect.objectContaining({ name: 'FileSystemError', code: 'EBADF', path: at('a') })
    expect(() => handle.read(new Uint8Array(1), 0)).toThrow(closed)
    expect(() => handle.write(new Uint8Array(1), 0)).toThrow(closed)
    expect(() => handle.truncate(0)).toThrow(closed)
    expect(() => handle.size()).toThrow(closed)
    await expect(handle.sync()).rejects.toMatchObject({ code: 'EBADF' })
  })

  it('finishes a sync whose handle is closed meanwhile', async () => {
    const handle = fileSystem.create(at('a'))
    handle.write(text('x'), 0)
    const syncs = Promise.all([handle.sync(), handle.sync(), fileSystem.syncDirectory(directory)])
    handle.close()
    await syncs
    expect(get('a')).toBe('x')
  })

  it('refuses the lock to a second open store until the first releases it', async () => {
    const lock = await fileSystem.lock(directory)
    await expect(fileSystem.lock(directory)).rejects.toMatchObject({ code: 'LEVEL_LOCKED', file: directory })
    await lock.release()
    await lock.release()
    const again = await fileSystem.lock(directory)
    await lock.release()
    await expect(fileSystem.lock(directory)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await again.release()
  })
})

it('the error of a call that failed without a code of the system says what the runtime said', () => {
  const cause = Object.assign(new Error('Requires net access, run again with the --allow-net flag'), { name: 'NotCapable' })
  const error = FileSystemError.from(cause, 'lock', '/db')
  expect(error).toMatchObject({ code: 'EACCES', message: `lock failed: ${cause.message} (/db)`, cause })
  expect(FileSystemError.from(new Error('odd'), 'lock', '/db')).toMatchObject({ code: 'EIO', message: 'lock failed: odd (/db)' })
})
