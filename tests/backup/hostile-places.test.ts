import { chmodSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backup, builtInEngines, Kvarium } from '../../src/index.js'
import { ForwardingFileSystem } from '../../src/vfs/forwarding-file-system.js'
import { FileSystemError, MemoryFileSystem } from '../../src/vfs/index.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { DIRECTORY } from '../damage/support/small-store.js'
import { contentsOf, filesOf, run, soundBackup, TARGET, write } from './support/backups.js'

/** A target whose disk is mounted to be read only. */
class ReadOnlyTarget extends ForwardingFileSystem {
  override create(path: string): FileHandle {
    return path.startsWith(TARGET) ? refuse('create', path) : super.create(path)
  }
  override openWrite(path: string): FileHandle {
    return path.startsWith(TARGET) ? refuse('openWrite', path) : super.openWrite(path)
  }
  override makeDirectory(path: string): void {
    if (path.startsWith(TARGET) && this.stat(path) === undefined) refuse('makeDirectory', path)
    super.makeDirectory(path)
  }
}

function refuse(operation: string, path: string): never {
  throw new FileSystemError('EROFS', { operation, path })
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-places-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const at = (...names: string[]): string => join(directory, ...names)

describe.each(['lsm', 'btree'])('a backup of %s', name => {
  const engine = builtInEngines.resolve(name)

  async function put(from: number, count: number, location = at('store')): Promise<void> {
    const db = new Kvarium(location, { engine })
    await db.batch(Array.from({ length: count }, (_, i) => ({ type: 'put', key: `key${from + i}`, value: 'v'.repeat(50) })))
    await db.close()
  }

  async function contents(location: string): Promise<[string, string][]> {
    const db = new Kvarium(location, { engine, readOnly: true })
    try {
      return await db.iterator().all()
    } finally {
      await db.close()
    }
  }

  it('into the store, below it, below another store, or by a link to one of these is refused, and makes nothing there', async () => {
    await put(0, 50)
    await put(0, 5, at('other'))
    symlinkSync(at('store'), at('link'))
    const places = [
      at('store'),
      at('store', 'inside'),
      at('store', 'a', 'b'),
      at('link', 'inside'),
      at('link', 'a', 'b'),
      at('other', 'inside'),
    ]
    for (const target of places) {
      for (const incremental of [false, true]) {
        await expect(backup(at('store'), target, { incremental }), target).rejects.toMatchObject({ code: 'LEVEL_INVALID_LOCATION' })
      }
    }
    // The link itself is the store, whose lock the backup holds.
    for (const incremental of [false, true]) {
      await expect(backup(at('store'), at('link'), { incremental })).rejects.toMatchObject({
        code: expect.stringMatching(/LEVEL_LOCKED|LEVEL_ALREADY_EXISTS/) as string,
      })
    }
    const db = new Kvarium(at('store'), { engine })
    await expect(db.checkpoint(at('link', 'inside'))).rejects.toMatchObject({ code: 'LEVEL_INVALID_LOCATION' })
    await db.close()
    expect(readdirSync(at('store'))).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(inside|a)$/)]))
    expect(readdirSync(at('other'))).not.toContain('inside')
  })

  it('to a file, or around the store, is refused and changes nothing', async () => {
    await put(0, 50)
    writeFileSync(at('file'), 'not a directory')
    for (const incremental of [false, true]) {
      for (const target of [at('file'), at('file', 'below'), directory]) {
        await expect(backup(at('store'), target, { incremental }), target).rejects.toMatchObject({
          code: expect.stringMatching(/^LEVEL_/) as string,
        })
      }
    }
    expect(readFileSync(at('file'), 'utf8')).toBe('not a directory')
    expect(readdirSync(directory).sort()).toEqual(['file', 'store'])
  })

  it('by names that links lead to is one of the store, and can be made again', async () => {
    await put(0, 200)
    mkdirSync(at('disk'))
    symlinkSync(at('disk'), at('mount'))
    await backup(at('store'), `${at('mount', 'backup')}/`, { incremental: true })
    await put(200, 10)
    const report = await backup(`${at('store')}/`, at('disk', 'backup'), { incremental: true, verify: true })
    expect(report.entries).toBe(210)
    expect(await contents(at('mount', 'backup'))).toEqual(await contents(at('store')))
  })

  it('leaves copies of the earlier one as they are that were made by second names of its files', async () => {
    await put(0, 300)
    await backup(at('store'), at('backup'))
    mkdirSync(at('monday'))
    for (const file of readdirSync(at('backup'))) linkSync(at('backup', file), at('monday', file))
    const monday = await contents(at('monday'))
    for (let round = 0; round < 2; round++) {
      await put(100 * round, 20 + round)
      await put(1000 + round, 1)
      await backup(at('store'), at('backup'), { incremental: true, verify: true })
      expect(await contents(at('monday'))).toEqual(monday)
      expect(await contents(at('backup'))).toEqual(await contents(at('store')))
    }
  })

  it('that is a copy of the directory with other rights, or has files of others in it, is made again', async () => {
    await put(0, 100)
    await backup(at('store'), at('backup'))
    cpSync(at('backup'), at('copy'), { recursive: true })
    writeFileSync(at('copy', 'notes.txt'), 'mine')
    chmodSync(at('copy', 'KVARIUM'), 0o600)
    await put(100, 10)
    await backup(at('store'), at('copy'), { incremental: true, verify: true })
    expect(readFileSync(at('copy', 'notes.txt'), 'utf8')).toBe('mine')
    expect(await contents(at('copy'))).toEqual(await contents(at('store')))
  })

  it('on a disk that can only be read says so, and changes nothing', async () => {
    const memory = new MemoryFileSystem()
    await write(memory, name, 0, 60)
    const error = { code: 'LEVEL_IO_ERROR', message: expect.stringMatching(/EROFS|read-only/) as string }
    await expect(run(new ReadOnlyTarget(memory))).rejects.toMatchObject(error)
    await run(memory)
    await write(memory, name, 60, 20)
    const before = filesOf(memory, TARGET)
    await expect(run(new ReadOnlyTarget(memory), { incremental: true })).rejects.toMatchObject(error)
    expect(filesOf(memory, TARGET)).toEqual(before)
  })

  it('beside another one into the same new directory is refused, and the other is whole', async () => {
    const memory = new MemoryFileSystem()
    await write(memory, name, 0, 60)
    const expected = await contentsOf(memory, DIRECTORY, name)
    const outcomes = await Promise.allSettled([run(memory, { incremental: true }), run(memory), run(memory, { incremental: true })])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/LOCKED|EXISTS|UNFINISHED/) as string })
    }
    await soundBackup(memory, name, expected)
  })

  it('of a store that was made again with another engine is refused, and the earlier one stays', async () => {
    const memory = new MemoryFileSystem()
    await write(memory, name, 0, 60)
    await run(memory)
    const before = filesOf(memory, TARGET)
    await Kvarium.destroy(DIRECTORY, { fileSystem: memory })
    await write(memory, name === 'lsm' ? 'btree' : 'lsm', 0, 200)
    await expect(run(memory, { incremental: true })).rejects.toMatchObject({
      code: 'LEVEL_INVALID_TARGET',
      message: expect.stringContaining(`is a backup of a store with the engine "${name}"`) as string,
    })
    expect(filesOf(memory, TARGET)).toEqual(before)
  })
})
