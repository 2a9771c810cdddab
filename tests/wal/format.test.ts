import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadHash32, placeSeed } from '../../src/codec/checksum.js'
import { WriteBatch } from '../../src/engine/batch.js'
import { LogReader, LogWriter } from '../../src/wal/index.js'
import { ByteFile } from './support/byte-file.js'

const text = readFileSync(new URL('../../docs/formats/wal.md', import.meta.url), 'utf8')
/** The document up to the example of version 2, and that. */
const [document, compact] = text.split('## Worked example of version 2')
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.trim().split(/\s+/), byte => parseInt(byte, 16))
const documented = (part = document): Uint8Array => bytesOf(/```hex\n([^`]*)```/.exec(part)![1].replace(/^[0-9a-f]{4} /gm, ' '))

test('the documented example is, byte for byte, what the writer writes', async () => {
  const file = new ByteFile()
  const log = new LogWriter(file, { logNumber: 7, hash32: await loadHash32() })
  const text = new TextEncoder()
  log.append(text.encode('hello'))
  await log.sync()
  log.append(text.encode('glass walls'))
  await log.close({ marker: true })
  expect(Buffer.from(file.contents()).toString('hex')).toBe(Buffer.from(documented()).toString('hex'))
})

test('the documented example reads back, so logs of this version always will', async () => {
  const payloads: string[] = []
  const reader = new LogReader({ file: new ByteFile(documented()), logNumber: 7, hash32: await loadHash32() })
  const result = reader.replay(payload => payloads.push(new TextDecoder().decode(payload)))
  expect(payloads).toEqual(['hello', 'glass walls'])
  expect(result).toEqual({ records: 2, validBytes: 80, droppedBytes: 0, blankBytes: 0, cleanlyClosed: true, lastSynced: 64 })
})

test('the documented example of compact frames is what the writer writes, and reads back', async () => {
  const file = new ByteFile()
  const hash32 = await loadHash32()
  const log = new LogWriter(file, { logNumber: 7, hash32, compact: true })
  const payloads = ['a one', 'b two'].map((entry, i) => {
    const batch = new WriteBatch()
    batch.put(...(entry.split(' ') as [string, string]))
    batch.seal(i + 1)
    return Buffer.from(batch.bytes.subarray(0, batch.byteLength)).toString('hex')
  })
  for (const payload of payloads) log.append(Buffer.from(payload, 'hex'))
  await log.close({ marker: true })
  expect(Buffer.from(file.contents()).toString('hex')).toBe(Buffer.from(documented(compact)).toString('hex'))
  const read: string[] = []
  const reader = new LogReader({ file: new ByteFile(documented(compact)), logNumber: 7, hash32 })
  const result = reader.replay(payload => read.push(Buffer.from(payload).toString('hex')))
  expect(read).toEqual(payloads)
  expect(result).toEqual({ records: 2, validBytes: 80, droppedBytes: 0, blankBytes: 0, cleanlyClosed: true, lastSynced: 64 })
})

test.each([document, compact])('the table of a documented example covers its bytes without gap or overlap', part => {
  const bytes = documented(part)
  let next = 0
  for (const [, offset, hex] of part.matchAll(/^\| `([0-9a-f]{4})` \| `([0-9a-f ]+)` \|/gm)) {
    expect(parseInt(offset, 16)).toBe(next)
    const row = bytesOf(hex)
    expect([...bytes.subarray(next, next + row.length)]).toEqual([...row])
    next += row.length
  }
  expect(next).toBe(bytes.length)
})

test('the documented seeds are those of the frames', () => {
  expect([16, 37, 64].map(offset => placeSeed(7, offset).toString(16))).toEqual(['7ae8f82f', 'd3dfbee1', 'c5b32954'])
  for (const seed of ['7ae8f82f', 'd3dfbee1', 'c5b32954']) expect(document).toContain(seed)
  expect(placeSeed(7, 51).toString(16)).toBe('a27c8851')
  for (const seed of ['7ae8f82f', 'a27c8851', 'c5b32954']) expect(compact).toContain(seed)
})
