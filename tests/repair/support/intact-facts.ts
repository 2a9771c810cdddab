/**
 * What must be saved of a store when one of its files is cut, emptied or deleted: computed from the undamaged files with the ordinary readers, as
 * facts that each lie in certain bytes of one file. A fact is intact if its bytes, and those of what alone vouches for them, are before the cut.
 */
import { readFreeList } from '../../../src/btree/pages/free-list.js'
import { readMeta } from '../../../src/btree/pages/meta-page.js'
import { PageFile } from '../../../src/btree/pages/page-file.js'
import { Reference } from '../../../src/btree/pages/reference.js'
import { Cache } from '../../../src/cache/cache.js'
import { loadHash32, type Hash32 } from '../../../src/codec/checksum.js'
import { KIND_DELETE_RANGE, KIND_PUT, type EntryKind } from '../../../src/codec/entry.js'
import { Cell, SortedBlock } from '../../../src/codec/sorted-block.js'
import { BatchReader } from '../../../src/engine/batch.js'
import { logName, parseLogName } from '../../../src/engine/durable/log-names.js'
import { dataName } from '../../../src/hash/file-names.js'
import { dataFilesIn } from '../../../src/hash/recovery.js'
import { readManifest } from '../../../src/lsm/versions/manifest.js'
import { tableName } from '../../../src/lsm/file-names.js'
import { Chunk } from '../../../src/sstable/block-source.js'
import { newReadCounts } from '../../../src/trace/ledger.js'
import { EntryTag, readTag } from '../../../src/sstable/entry-tag.js'
import { TRAILER_BYTES } from '../../../src/sstable/format.js'
import { Table } from '../../../src/sstable/table.js'
import { Ledger } from '../../../src/trace/ledger.js'
import type { MemoryFileSystem } from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node/node-deflate.js'
import { LogReader } from '../../../src/wal/reader.js'
import { textOf } from '../../contract/support/opened-engine.js'
import { DIRECTORY, fileSystemOf, type Files } from '../../damage/support/small-store.js'

/** An operation that the files hold: a put or a delete of one key, or a range that is deleted. */
interface Fact {
  readonly key: string
  /** The last key of a range. */
  readonly value: string
  readonly kind: EntryKind
  readonly sequence: number
  readonly file: string
  /** It can be read as long as the file has this many bytes. */
  readonly needs: number
}

export interface Facts {
  /** Live entries, as `key=value`, when `file` is cut to its first `length` bytes. */
  intact(file: string, length: number): readonly string[]
  /** Lengths of a file at which something begins or ends. */
  places(file: string): readonly number[]
}

export async function factsOf(engine: string, files: Files): Promise<Facts> {
  const hash32 = await loadHash32()
  const fileSystem = fileSystemOf(files)
  const facts = FACTS[engine](fileSystem, hash32)
  return {
    intact: (file, length) => liveOf(facts.filter(fact => fact.file !== file || fact.needs <= length)),
    places: file => [...new Set(facts.flatMap(fact => (fact.file === file ? [fact.needs] : [])))],
  }
}

const FACTS: Readonly<Record<string, (fileSystem: MemoryFileSystem, hash32: Hash32) => Fact[]>> = {
  lsm: lsmFacts,
  btree: btreeFacts,
  hash: hashFacts,
}

function liveOf(facts: readonly Fact[]): string[] {
  const newest = new Map<string, Fact>()
  const ranges = facts.filter(({ kind }) => kind === KIND_DELETE_RANGE)
  for (const fact of facts) {
    if (fact.kind === KIND_DELETE_RANGE) continue
    const before = newest.get(fact.key)
    if (before === undefined || before.sequence < fact.sequence) newest.set(fact.key, fact)
  }
  const isCleared = ({ key, sequence }: Fact): boolean =>
    ranges.some(range => range.sequence > sequence && range.key <= key && key <= range.value)
  const live = [...newest.values()].filter(fact => fact.kind === KIND_PUT && !isCleared(fact))
  return live.map(({ key, value }) => `${key}=${value}`).sort((a, b) => (a.slice(0, a.indexOf('=')) < b.slice(0, b.indexOf('=')) ? -1 : 1))
}

function lsmFacts(fileSystem: MemoryFileSystem, hash32: Hash32): Fact[] {
  const manifest = readManifest(fileSystem, DIRECTORY, hash32)!
  const tables = [...manifest.version.files()].flatMap(({ meta }) => tableFacts(fileSystem, meta.number, hash32))
  return [...tables, ...logFacts(fileSystem, hash32, manifest.firstLog, 0)]
}

function tableFacts(fileSystem: MemoryFileSystem, number: number, hash32: Hash32): Fact[] {
  const file = tableName(number)
  const handle = fileSystem.openRead(`${DIRECTORY}/${file}`)
  const counters = newReadCounts()
  const table = Table.open({ file: handle, fileNumber: number, hash32, cache: new Cache(0), counters, deflate: nodeDeflate })
  const { source, footer } = table
  const facts: Fact[] = []
  const cell = new Cell()
  const tag = new EntryTag()
  for (let ordinal = 0; ordinal < source.index.count; ordinal++) {
    const block = source.loadFromChunk(ordinal, new Chunk(), 0, counters)
    const { offset, bytes } = source.handle(ordinal)
    for (let i = 0; i < block.count; i++) {
      block.readCell(i, cell)
      readTag(block, cell, tag)
      const value = textOf(block.bytes.slice(tag.end, cell.payloadEnd))
      const needs = offset + bytes + TRAILER_BYTES
      facts.push({ key: textOf(block.keyAt(i)), value, kind: tag.kind, sequence: tag.sequence, file, needs })
    }
  }
  const needs = footer.ranges.offset + footer.ranges.bytes + TRAILER_BYTES
  for (const { first, last, sequence } of table.rangeTombstones) {
    facts.push({ key: textOf(first), value: textOf(last), kind: KIND_DELETE_RANGE, sequence, file, needs })
  }
  return facts
}

function logFacts(fileSystem: MemoryFileSystem, hash32: Hash32, firstLog: number, since: number): Fact[] {
  const facts: Fact[] = []
  for (const file of fileSystem.list(DIRECTORY)) {
    const logNumber = parseLogName(file) ?? -1
    if (logNumber < firstLog) continue
    const reader = new BatchReader()
    for (const { end, payload } of new LogReader({ fileSystem, path: `${DIRECTORY}/${file}`, logNumber, hash32 }).records()) {
      reader.reset(payload, 0, payload.length)
      for (let sequence = reader.firstSequence; reader.next(); sequence++) {
        if (sequence <= since) continue
        const { kind, key, value } = reader
        facts.push({ key: textOf(key.copy()), value: textOf(value.copy()), kind, sequence, file, needs: end })
      }
    }
  }
  return facts
}

/** By the order of the files: the sequence numbers in merged ones are made up. */
function hashFacts(fileSystem: MemoryFileSystem, hash32: Hash32): Fact[] {
  const names = fileSystem.list(DIRECTORY)
  const data = dataFilesIn(names)
  const firstLog = (data.at(-1)?.to ?? 0) + 1
  const logs = names.flatMap(name => parseLogName(name) ?? []).filter(number => number >= firstLog)
  const sources = [
    ...data.map(name => ({ file: dataName(name), number: name.number })),
    ...logs.map(number => ({ file: logName(number), number })),
  ]
  const reader = new BatchReader()
  let sequence = 0
  return sources.flatMap(({ file, number: logNumber }) =>
    [...new LogReader({ fileSystem, path: `${DIRECTORY}/${file}`, logNumber, hash32 }).records()].flatMap(({ end, payload }) => {
      const facts: Fact[] = []
      for (reader.reset(payload, 0, payload.length); reader.next();) {
        const { kind, key, value } = reader
        facts.push({ key: textOf(key.copy()), value: textOf(value.copy()), kind, sequence: ++sequence, file, needs: end })
      }
      return facts
    }),
  )
}

function btreeFacts(fileSystem: MemoryFileSystem, hash32: Hash32): Fact[] {
  const file = fileSystem.openRead(`${DIRECTORY}/data.btree`)
  const meta = readMeta(file, hash32)
  const pages = new PageFile({
    file,
    unitBytes: meta.unitBytes,
    pageBytes: meta.pageBytes,
    identity: meta.identity,
    hash32,
    ledger: new Ledger(),
  })
  readFreeList(pages, meta)
  const facts: Fact[] = []
  const visit = (reference: Reference, level: number, vouched: number): void => {
    const bytes = pages.contentsOf(reference)
    const block = new SortedBlock(bytes, bytes.length, file.path, 0)
    const end = (reference.offset + reference.units) * meta.unitBytes
    const cell = new Cell()
    for (let i = 0; i < block.count; i++) {
      block.readCell(i, cell)
      if (level > 0) {
        // A leaf needs the one branch that refers to it; which of them are reached from the root does not matter.
        visit(new Reference().read(block.bytes, cell.payloadStart), level - 1, end)
        continue
      }
      const value = textOf(block.bytes.slice(cell.payloadStart, cell.payloadEnd))
      facts.push({ key: textOf(block.keyAt(i)), value, kind: KIND_PUT, sequence: 0, file: 'data.btree', needs: Math.max(vouched, end) })
    }
  }
  if (meta.height > 0) visit(meta.root, meta.height - 1, 0)
  return [...facts, ...logFacts(fileSystem, hash32, meta.firstLog, meta.sequence)]
}
