import { expect, it } from 'vitest'
import { encodeMeta, metaOffset, readMeta, readMetas, type Meta } from '../../src/btree/pages/meta-page.js'
import { Reference } from '../../src/btree/pages/reference.js'
import { loadHash32, placeSeed } from '../../src/codec/checksum.js'
import { CorruptionError, FormatError } from '../../src/errors.js'
import { joinPath } from '../../src/vfs/index.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { DIRECTORY, emptyFileSystem, openBtree, put } from './support/opened-btree.js'

function metaOf(number: number, hasExpiries = false, pageBytes = 256): Meta {
  const root = Object.assign(new Reference(), { offset: 40, units: 4, check: 0x89abcdef, entries: 7, liveBytes: 2 ** 40 })
  const freeList = Object.assign(new Reference(), { offset: 2 ** 33, units: 1, check: 3, entries: 2, liveBytes: 5 })
  const tree = { height: 2, root, freeList, length: 2 ** 33 + 1, pages: [9, 1], units: [9, 4] }
  return {
    unitBytes: 256,
    pageBytes,
    identity: 0x11223344,
    number,
    sequence: 2 ** 45,
    firstLog: 3,
    lastLog: 4,
    ends: new Map([[3, 120]]),
    hasExpiries,
    ...tree,
  }
}

async function fileWith(...metas: readonly Meta[]) {
  const file = new MemoryFileSystem().create('/data.btree')
  const hash32 = await loadHash32()
  for (const meta of metas) file.write(encodeMeta(meta, hash32), metaOffset(meta.number))
  return { file, hash32 }
}

it('a meta page reads back as it was written, also numbers beyond 32 bits', async () => {
  const { file, hash32 } = await fileWith(metaOf(6), metaOf(7, true))
  expect(readMetas(file, hash32)).toEqual([metaOf(7, true), metaOf(6)])
  expect(readMeta(file, hash32)).toEqual(metaOf(7, true))
})

it.each([false, true])(
  'the meta page of a file with compression reads back, with entries that expire or without: %s',
  async hasExpiries => {
    const { file, hash32 } = await fileWith(metaOf(6, hasExpiries, 2048))
    expect(readMeta(file, hash32)).toEqual(metaOf(6, hasExpiries, 2048))
  },
)

it('a meta page is written over the older one, and a torn write leaves the newer one current', async () => {
  expect(metaOffset(8)).toBe(metaOffset(6))
  const { file, hash32 } = await fileWith(metaOf(6), metaOf(7))
  file.write(encodeMeta(metaOf(8), hash32).subarray(0, 300), metaOffset(8))
  expect(readMeta(file, hash32)).toEqual(metaOf(7))
})

it('a meta page in the place of the other one does not count, and without a valid one the tree is damaged', async () => {
  const { file, hash32 } = await fileWith(metaOf(6), metaOf(7))
  const bytes = new Uint8Array(512)
  file.read(bytes, metaOffset(7))
  file.write(bytes, metaOffset(6))
  expect(readMetas(file, hash32)).toEqual([metaOf(7)])
  file.write(new Uint8Array(512), metaOffset(7))
  expect(() => readMeta(file, hash32)).toThrow(CorruptionError)
})

it('a tree of a newer format is refused as such', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true })
  await put(engine, 'a', '1')
  await engine.close()
  const hash32 = await loadHash32()
  const file = fileSystem.openWrite(joinPath(DIRECTORY, 'data.btree'))
  for (const offset of [0, 4096]) {
    const meta = new Uint8Array(512)
    file.read(meta, offset)
    meta[8] = 4
    new DataView(meta.buffer).setUint32(508, hash32(meta.subarray(0, 508), placeSeed(0x6b766274, offset)), true)
    file.write(meta, offset)
  }
  file.close()
  await expect(openBtree({ fileSystem })).rejects.toThrow(FormatError)
})
