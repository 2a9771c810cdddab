import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FormatError } from '../../src/errors.js'
import { loadHash32, placeSeed } from '../../src/codec/checksum.js'
import { joinPath } from '../../src/vfs/index.js'
import { DIRECTORY, emptyFileSystem, openBtree, put } from './opened-btree.js'
import { dump, exampleFile } from './example-file.js'

it('the worked example of the format document is byte for byte what the engine writes', async () => {
  const text = readFileSync(new URL('../../docs/formats/btree.md', import.meta.url), 'utf8')
  const documented = /```hex\n([\s\S]*?)```/.exec(text)![1].trimEnd()
  expect(dump(await exampleFile())).toBe(documented)
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
    meta[8] = 2
    new DataView(meta.buffer).setUint32(508, hash32(meta.subarray(0, 508), placeSeed(0x6b766274, offset)), true)
    file.write(meta, offset)
  }
  file.close()
  await expect(openBtree({ fileSystem })).rejects.toThrow(FormatError)
})
