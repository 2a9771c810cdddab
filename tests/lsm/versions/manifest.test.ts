import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../../src/codec/checksum.js'
import { CorruptionError } from '../../../src/errors.js'
import { ManifestWriter, readManifest } from '../../../src/lsm/versions/manifest.js'
import type { MemoryFileSystem } from '../../../src/vfs/index.js'
import { joinPath } from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import { DIRECTORY, emptyFileSystem, filler, get, leftovers, openLsm, put, scan, sizeOf } from '../support/opened-lsm.js'

function replaceFile(fileSystem: MemoryFileSystem, name: string, contents: Uint8Array): void {
  const path = joinPath(DIRECTORY, name)
  if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
  const file = fileSystem.create(path)
  file.write(contents, 0)
  file.close()
}

function bytesOfFile(fileSystem: MemoryFileSystem, name: string): Uint8Array {
  const file = fileSystem.openRead(joinPath(DIRECTORY, name))
  const bytes = new Uint8Array(file.size())
  file.read(bytes, 0)
  file.close()
  return bytes
}

describe('the format document', () => {
  const text = readFileSync(new URL('../../../docs/formats/manifest.md', import.meta.url), 'utf8')
  const dump = /```hex\n([\s\S]*?)```/.exec(text)![1].replaceAll(/^[0-9a-f]{4} /gm, ' ')
  const documented = Uint8Array.from(dump.trim().split(/\s+/), byte => parseInt(byte, 16))

  const keys = { smallest: keyOf('apple'), largest: keyOf('cow') }
  const counts = { fileBytes: 559, entries: 3, tombstones: 1, rangeTombstones: 1, rawBytes: 27, minSequence: 1, maxSequence: 4 }
  const table = { number: 4, level: 0, run: 4, ...counts, ...keys }

  it('the worked example is byte for byte what is written', async () => {
    const fileSystem = emptyFileSystem()
    const whole = { nextFile: 3, lastSequence: 0, firstLog: 1, logs: [1], added: [] }
    const manifest = await ManifestWriter.start(fileSystem, DIRECTORY, 2, await loadHash32(), whole)
    await manifest.append({ nextFile: 5, lastSequence: 4, firstLog: 3, deleted: [], added: [table] })
    await manifest.append({ nextFile: 5, lastSequence: 4, firstLog: 3, deleted: [4], added: [{ ...table, level: 1, run: 0 }] })
    await manifest.append({ wholeLogs: [{ number: 3, bytes: 97 }] })
    await manifest.close(true)
    expect([...bytesOfFile(fileSystem, 'MANIFEST-000002')]).toEqual([...documented])
    expect(bytesOfFile(fileSystem, 'CURRENT')).toEqual(keyOf('MANIFEST-000002\n'))
  })

  it('the worked example reads back, so manifests of this version always will', async () => {
    const fileSystem = emptyFileSystem()
    replaceFile(fileSystem, 'MANIFEST-000002', documented)
    replaceFile(fileSystem, 'CURRENT', keyOf('MANIFEST-000002\n'))
    const state = readManifest(fileSystem, DIRECTORY, await loadHash32())!
    expect(state).toMatchObject({ nextFile: 5, lastSequence: 4, firstLog: 3, logs: [], manifestNumber: 2 })
    expect([...state.version.files()].map(file => file.meta)).toEqual([{ ...table, level: 1, run: 0 }])
    expect([...state.wholeLogs]).toEqual([[3, 97]])
  })

  it('the table of the worked example covers its bytes without gap or overlap', () => {
    let next = 0
    for (const [, offset, hex] of text.matchAll(/^\| `([0-9a-f]{4})`\s+\| `([0-9a-f ]+)`\s+\|/gm)) {
      expect(parseInt(offset, 16)).toBe(next)
      const row = hex.split(' ').map(byte => parseInt(byte, 16))
      expect([...documented.subarray(next, next + row.length)]).toEqual(row)
      next += row.length
    }
    expect(next).toBe(documented.length)
  })
})

describe('a store with tables, closed', () => {
  async function closedStore(): Promise<MemoryFileSystem> {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true })
    for (let i = 0; i < 100; i++) await put(engine, `k${i}`, filler(500, i))
    await engine.compact()
    await put(engine, 'in the log', 'x')
    await engine.close()
    return fileSystem
  }

  const manifestOf = (fileSystem: MemoryFileSystem): string => fileSystem.list(DIRECTORY).find(name => name.startsWith('MANIFEST'))!

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['without its newline', 'MANIFEST-000002'],
    ['naming a manifest that is not there', 'MANIFEST-000999\n'],
    ['naming a table', '000004.sst\n'],
    ['naming a path', '../MANIFEST-000002\n'],
    ['endless', 'MANIFEST-000002\n'.repeat(100)],
  ])('is not opened as an empty one when CURRENT is %s', async (_what, contents) => {
    const fileSystem = await closedStore()
    const before = fileSystem.files()
    if (contents === undefined) fileSystem.remove(joinPath(DIRECTORY, 'CURRENT'))
    else replaceFile(fileSystem, 'CURRENT', keyOf(contents))
    await expect(openLsm({ fileSystem })).rejects.toBeInstanceOf(CorruptionError)
    for (const [path, size] of before) if (!path.endsWith('CURRENT')) expect(fileSystem.files().get(path)).toBe(size)
  })

  it('reports any flipped byte of its manifest, or has lost nothing by it', async () => {
    const original = await closedStore()
    const name = manifestOf(original)
    const bytes = bytesOfFile(original, name)
    let errors = 0
    for (let at = 0; at < bytes.length; at += 3) {
      const fileSystem = original.processCrashClone()
      replaceFile(
        fileSystem,
        name,
        bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte)),
      )
      try {
        const engine = await openLsm({ fileSystem })
        expect(scan(engine)).toHaveLength(101)
        await engine.close()
      } catch (error) {
        errors++
        expect(error, `byte ${at}`).toMatchObject({ file: joinPath(DIRECTORY, name) })
      }
    }
    // All but the marker of the clean close.
    expect(errors).toBeGreaterThanOrEqual(Math.floor((bytes.length - 16) / 3))
  })

  it('is refused, with the file named, when its manifest is empty', async () => {
    const fileSystem = await closedStore()
    const name = manifestOf(fileSystem)
    replaceFile(fileSystem, name, new Uint8Array(0))
    await expect(openLsm({ fileSystem })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: joinPath(DIRECTORY, name) })
  })
})

describe('a manifest that grows', () => {
  it('is begun anew, the old one goes, and nothing is lost', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true, manifestBytes: 300 })
    const numbers = new Set<string>()
    for (let i = 0; i < 400; i++) {
      await put(engine, `k${(i * 37) % 400}`, filler(300, i), i % 50 === 0)
      if (i % 20 === 0) {
        await engine.settle()
        numbers.add(
          fileSystem
            .list(DIRECTORY)
            .filter(name => name.startsWith('MANIFEST'))
            .join(),
        )
        expect(engine.stats().ledger.fileBytes).toBe(sizeOf(fileSystem))
      }
    }
    expect(numbers.size).toBeGreaterThan(2)
    expect([...numbers].every(names => !names.includes(','))).toBe(true)
    await engine.close()
    const again = await openLsm({ fileSystem })
    expect(scan(again)).toHaveLength(400)
    expect(get(again, 'k37')).toBe(filler(300, 1))
    await again.settle()
    expect(leftovers(again, fileSystem)).toEqual([])
    await again.close()
  })

  it('is not begun anew for every edit when the version alone is larger than the limit', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true, manifestBytes: 1, options: { maxFileSize: 4096 } })
    for (let i = 0; i < 1500; i++) await put(engine, `k${i}`, filler(300, i))
    await engine.settle()
    const { meta: metaBytes } = engine.stats().ledger.written
    const name = fileSystem.list(DIRECTORY).find(each => each.startsWith('MANIFEST'))!
    // As many tables were added as there are: at twice the size, the rewrites add up to a few times the last one.
    expect(metaBytes).toBeLessThan(12 * bytesOfFile(fileSystem, name).length)
    await engine.close()
  })
})
