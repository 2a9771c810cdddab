import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { WriteBatch } from '../../src/engine/batch.js'
import { hexRows, type Span } from '../../src/inspect/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { LogWriter } from '../../src/wal/writer.js'
import { exampleFile } from '../btree/support/example-file.js'
import { buildTable, del, FILE_NUMBER, put } from '../sstable/support/built-table.js'
import { coverageFault, look, spansAt } from './support/covered.js'

const hash32 = await loadHash32()

/** The file of a worked example, as its document dumps it. */
function documented(name: string): Uint8Array {
  const text = readFileSync(new URL(`../../docs/formats/${name}.md`, import.meta.url), 'utf8')
  const [, dump] = /```hex\n([\s\S]*?)```/.exec(text)!
  const digits = dump
    .split('\n')
    .flatMap(line => [...line.slice(0, 8 + 3 * 16 + 2).matchAll(/(?<= )[0-9a-f]{2}(?= |$)/g)].map(([byte]) => byte))
  return Uint8Array.from(digits, byte => parseInt(byte, 16))
}

const leaves = (spans: readonly Span[]): Span[] => spans.flatMap(span => (span.children === undefined ? [span] : leaves(span.children)))
const entries = (spans: readonly Span[]): string[] =>
  spans.flatMap(span => (span.entry === true ? [`${span.name}: ${span.value}`] : entries(span.children ?? [])))

async function logOf(...batches: readonly WriteBatch[]): Promise<Uint8Array> {
  const fileSystem = new MemoryFileSystem()
  const log = LogWriter.create({ fileSystem, path: '000009.log', logNumber: 9, hash32, growBytes: 0 })
  let sequence = 1
  for (const batch of batches) {
    batch.seal(sequence)
    sequence += batch.count
    log.append(batch.bytes.subarray(0, batch.byteLength))
    await log.sync()
  }
  await log.close({ marker: true })
  const file = fileSystem.openRead('000009.log')
  const bytes = new Uint8Array(file.size())
  file.read(bytes, 0)
  return bytes
}

function batchOf(...operations: readonly (readonly [string, string?])[]): WriteBatch {
  const batch = new WriteBatch()
  for (const [key, value] of operations) {
    if (value === undefined) batch.del(key)
    else batch.put(key, value)
  }
  return batch
}

describe('the worked examples of the format documents', () => {
  it('a manifest: each edit, and the version they add up to', async () => {
    const { kind, parts, facts, outline, problems } = await look('MANIFEST-000002', documented('manifest'))
    expect([kind, problems]).toEqual(['manifest', []])
    expect(parts.map(({ offset, name }) => [offset, name])).toEqual([
      [0, 'file header'],
      [0x10, 'record 1'],
      [0x28, 'record 2'],
      [0x54, 'record 3'],
      [0x82, 'record 4'],
      [0x95, 'close marker'],
    ])
    expect(entries(parts)).toContain(
      'added table: 000004.sst level 0 run 4, 559 bytes, 3 entries (1 + 1 tombstones), "apple" to "cow", sequence 1 to 4',
    )
    expect(entries(parts)).toContain('deleted table: 000004.sst')
    expect(outline).toHaveLength(1)
    expect(outline[0].label).toBe('level 1: 1 table of 559 bytes')
    expect(facts).toContainEqual({ name: 'live logs', value: '000003.log (whole with 97 bytes)' })
  })

  it('a table: the places and values that the document has', async () => {
    const bytes = documented('sstable')
    const { kind, parts, problems } = await look('000007.sst', bytes)
    expect([kind, problems, bytes.length]).toEqual(['table', [], 0x22d])
    expect(parts.map(({ offset, name }) => [offset, name])).toEqual([
      [0, 'data block 0'],
      [0x30, 'data block 1'],
      [0x54, 'range tombstones'],
      [0x72, 'filter'],
      [0x87, 'index'],
      [0xb2, 'properties'],
      [0x1e5, 'footer'],
    ])
    expect(entries(parts.slice(0, 3))).toEqual([
      'entry 0: put "apple" = "red" at 3',
      'entry 1: delete "apricot" at 2',
      'entry 0: put "banana" = "yellow" at 1',
      'entry 0: delete range "cat" to "cow" at 4',
    ])
    expect(leaves(parts).find(span => span.offset === 0x12)).toMatchObject({
      length: 8,
      name: 'slot 1',
      value: 'head "rico", cell at 0x23',
    })
    expect(leaves(parts).find(span => span.offset === 0x72)).toMatchObject({ name: 'hash id', value: 1 })
  })

  it('a tree: the current meta page, its pages, what is free', async () => {
    const { kind, parts, facts, outline, problems } = await look('data.btree', await exampleFile())
    expect([kind, problems]).toEqual(['btree', []])
    expect(facts).toContainEqual({ name: 'current meta page', value: '0, number 4' })
    expect(parts.map(({ offset, name }) => [offset, name])).toEqual([
      [0, 'meta page 0'],
      [0x200, 'not in use'],
      [0x1000, 'meta page 1'],
      [0x1200, 'not in use'],
      [0x2000, 'free'],
      [0x2100, 'leaf at unit 33'],
      [0x2200, 'free'],
      [0x2600, 'leaf at unit 38'],
      [0x2700, 'branch at unit 39'],
      [0x2b00, 'free list'],
    ])
    expect(entries(parts.slice(7, 8))[0]).toBe('entry 0: "apple" = "red"')
    expect(outline.map(({ label }) => label.replace(/ full$/, ''))).toEqual([
      'root at unit 39 (0x2700), 5 entries from the first key to the last, 7.5 %',
      '  leaf at unit 38 (0x2600), 3 entries from the first key to before "c", 75.8 %',
      '  leaf at unit 33 (0x2100), 2 entries from "c" to the last, 57.0 %',
    ])
  })

  it('a tree with compression: the contents of leaves, decompressed', async () => {
    const { facts, parts, outline, problems } = await look('data.btree', await exampleFile('lz4'))
    expect(problems).toEqual([])
    expect(facts).toContainEqual({ name: 'leaf in memory', value: '256 bytes' })
    const leaf = parts.find(({ offset }) => offset === 0x24a0)!
    expect(leaf).toMatchObject({ length: 0x60, value: 'level 0, 3 entries, "apple" to "banana", 75.8 % full, compressed from 256 bytes' })
    expect(leaf.children!.map(({ offset, length, name }) => [offset, length, name])).toEqual([
      [0x24a0, 2, 'length'],
      [0x24a2, 0x56, 'contents'],
      [0x24f8, 8, 'zeros'],
    ])
    expect(entries(leaf.children![1].decompressed!.spans)[0]).toBe('entry 0: "apple" = "red"')
    expect(outline.map(({ label }) => label)[1]).toBe(
      '  leaf at unit 293 (0x24a0), 3 entries from the first key to before "c", 75.8 % full, compressed to 3 units',
    )
  })

  it('a log: the frames that the document has, though their payloads are no batches', async () => {
    const { parts, problems } = await look('000007.log', documented('wal'))
    expect(parts.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 16],
      [16, 21],
      [37, 27],
      [64, 16],
    ])
    expect(problems.map(({ offset, message }) => [offset, message.slice(0, 29)])).toEqual([
      [16, 'a record is not a write batch'],
      [37, 'a record is not a write batch'],
    ])
  })
})

describe('a file', () => {
  it('is known by its content under any name', async () => {
    const log = await logOf(batchOf(['a', '1']))
    const table = buildTable([put('a', 1, 'x')]).image
    const found = [log, documented('manifest'), table, await exampleFile()].map(async bytes => (await look('renamed', bytes)).kind)
    expect(await Promise.all(found)).toEqual(['log', 'manifest', 'table', 'btree'])
  })

  it('that is none of a store is said to be unknown', async () => {
    const { kind, problems } = await look('notes.txt', new TextEncoder().encode('buy milk'))
    expect([kind, problems.length]).toEqual(['unknown', 1])
  })

  it('in the wrong place is recognized by its number', async () => {
    const { problems } = await look('000008.sst', buildTable([put('a', 1)]).image)
    expect(problems[0].message).toBe(`the file is table ${FILE_NUMBER}, but its name says 8: it is in the wrong place`)
  })
})

describe('damage', () => {
  it('in a durable record is distinguished from a torn tail, and what follows is shown as not replayed', async () => {
    const bytes = await logOf(batchOf(['a', '1']), batchOf(['b', '2'], ['c']), batchOf(['d', '4']))
    const sound = (await look('000009.log', bytes)).parts
    expect(entries(sound)).toEqual(['#1: put "a" = "1"', '#2: put "b" = "2"', '#3: delete "c"', '#4: put "d" = "4"'])
    const second = sound[2]
    const damaged = bytes.slice()
    damaged[second.offset + second.length - 1] ^= 1
    const { parts, problems, facts } = await look('000009.log', damaged)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ offset: second.offset, length: second.length })
    expect(problems[0].message).toContain('shows that these bytes had been made durable')
    expect(problems[0].expected).not.toBe(problems[0].found)
    expect(parts[3].value).toBe(`1 operation, sequence 4 (not replayed: it is behind byte ${second.offset})`)
    expect(facts).toContainEqual({ name: 'records', value: '1 (17 bytes)' })
    const torn = await look('000009.log', bytes.slice(0, second.offset + 20))
    expect(torn.problems).toMatchObject([{ offset: second.offset, length: 20, torn: true }])
  })

  it('in a footer hides no block that can be found all the same', async () => {
    const { image } = buildTable([put('a', 3, 'x'), del('b', 2), put('c', 1, 'y')])
    const damaged = image.slice()
    damaged[image.length - 20] ^= 1
    const { parts, problems } = await look('000007.sst', damaged)
    expect(problems.map(({ message }) => message)).toEqual(['the footer fails its checksum'])
    expect(entries(parts)).toContain('entry 0: put "a" = "x" at 3')
  })

  it('in a branch hides no leaf that matches the reference to it', async () => {
    const bytes = await exampleFile()
    // In the gap of the root: the page no longer matches, but what is in it is as it was.
    bytes[0x2750] ^= 1
    const { parts, problems, facts } = await look('data.btree', bytes)
    expect(problems).toMatchObject([{ offset: 0x2700, length: 0x400, message: 'branch at unit 39 does not match the reference to it' }])
    expect(facts).toContainEqual({ name: 'read', value: '3 pages, 2 of them leaves with 5 entries' })
    expect(spansAt(parts, 0x2720).every(span => span.unverified === true)).toBe(true)
  })

  it('in a compressed leaf leaves its bytes without contents, or with contents that are not trusted', async () => {
    const sound = await exampleFile('lz4')
    for (let at = 0x24a0; at < 0x2500; at++) {
      const bytes = sound.slice()
      bytes[at] ^= 1
      const { parts, problems } = await look('data.btree', bytes)
      expect(problems).toMatchObject([{ offset: 0x24a0, length: 0x60 }])
      expect(problems[0].message).toContain('leaf at unit 293')
      expect(coverageFault(parts, 0, bytes.length)).toBeUndefined()
      expect(spansAt(parts, at).every(span => span.unverified === true || span.problem !== undefined)).toBe(true)
    }
  })

  it('of the newer meta page makes the older one current', async () => {
    const bytes = await exampleFile()
    bytes[30] ^= 1
    const { problems, facts } = await look('data.btree', bytes)
    expect(problems[0]).toMatchObject({ offset: 0, length: 512, message: 'meta page 0 fails its check' })
    expect(facts).toContainEqual({ name: 'current meta page', value: '1, number 3' })
  })
})

describe('annotated hex', () => {
  it('has every byte of a file on exactly one row', async () => {
    for (const [name, bytes] of [
      ['000007.sst', buildTable([put('a', 1, 'x'.repeat(100))]).image],
      ['data.btree', await exampleFile()],
      ['data.btree', await exampleFile('lz4')],
    ] as const) {
      const { parts } = await look(name, bytes)
      expect(coverageFault(parts, 0, bytes.length)).toBeUndefined()
      const seen = new Uint8Array(bytes.length)
      for (const part of parts) {
        for (const row of hexRows(part, (offset, length) => bytes.subarray(offset, offset + length), { width: 8, rows: Infinity })) {
          if (row.decompressed === true) continue
          expect([...row.bytes]).toEqual([...bytes.subarray(row.offset, row.offset + row.bytes.length)])
          for (let i = 0; i < row.bytes.length; i++) seen[row.offset + i]++
        }
      }
      expect(seen.every(times => times === 1)).toBe(true)
    }
  })

  it('says what it leaves out', async () => {
    const bytes = buildTable([put('a', 1, 'x'.repeat(100))]).image
    const { parts } = await look('000007.sst', bytes)
    const rows = [...hexRows(parts[0], (offset, length) => bytes.subarray(offset, offset + length), { width: 8, rows: 2 })]
    expect(rows.filter(row => row.omitted !== undefined).map(row => row.omitted)).toEqual([84])
  })
})
