import fc from 'fast-check'
import { BEFORE_EVERY_EXPIRY } from '../../../src/codec/expiry.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadHash32, type Hash32 } from '../../../src/codec/checksum.js'
import { Cache } from '../../../src/cache/cache.js'
import { compareKeys, KIND_DELETE, KIND_PUT } from '../../../src/codec/entry.js'
import type { Compaction } from '../../../src/lsm/compaction/compaction.js'
import { JobCancelled } from '../../../src/lsm/compaction/job-cancelled.js'
import { runMergeJob, type MergeJob, type MergeResult } from '../../../src/lsm/compaction/merge-job.js'
import type { RangeTombstone } from '../../../src/lsm/read/range-tombstones.js'
import { tableName } from '../../../src/lsm/file-names.js'
import type { KeyBounds, TableMeta } from '../../../src/lsm/versions/table-file.js'
import { Skiplist } from '../../../src/skiplist/skiplist.js'
import { TableBuilder } from '../../../src/sstable/table-builder.js'
import { Table } from '../../../src/sstable/table.js'
import { newReadCounts } from '../../../src/trace/ledger.js'
import type { MemoryFileSystem } from '../../../src/vfs/index.js'
import { joinPath, SeededRandom } from '../../../src/vfs/index.js'
import { keyOf, textOf } from '../../contract/support/opened-engine.js'
import { internalOrder, type PlainEntry } from '../support/array-cursor.js'
import { DIRECTORY, emptyFileSystem } from '../support/opened-lsm.js'

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

interface Contents {
  readonly entries: readonly PlainEntry[]
  readonly ranges: readonly RangeTombstone[]
}

const KEYS = 24
const nameOf = (key: number): string => `k${String(key).padStart(2, '0')}`
const FIRST_OUTPUT = 100

function build(fileSystem: MemoryFileSystem, number: number, run: number, { entries, ranges }: Contents): TableMeta {
  const file = fileSystem.create(joinPath(DIRECTORY, tableName(number)))
  const builder = new TableBuilder({ file, fileNumber: number, hash32, blockBytes: 128 })
  for (const { key, value, sequence, kind } of [...entries].sort(internalOrder))
    builder.add(key, 0, key.length, value, 0, value.length, sequence, kind)
  for (const { first, last, sequence } of ranges) builder.addRangeTombstone(first, last, sequence)
  const properties = builder.finish()
  file.close()
  const { fileBytes, smallest, largest, minSequence, maxSequence, rangeTombstones, pointTombstones: tombstones } = properties
  const rawBytes = properties.rawKeyBytes + properties.rawValueBytes
  return {
    number,
    level: 0,
    run,
    fileBytes,
    entries: entries.length,
    tombstones,
    rangeTombstones,
    rawBytes,
    smallest,
    largest,
    minSequence,
    maxSequence,
  }
}

function contentsOf(fileSystem: MemoryFileSystem, { number }: TableMeta): Contents {
  const file = fileSystem.openRead(joinPath(DIRECTORY, tableName(number)))
  const table = Table.open({ file, fileNumber: number, hash32, cache: new Cache(0), counters: newReadCounts() })
  const cursor = table.cursor()
  const entries: PlainEntry[] = []
  for (cursor.first(); cursor.valid; cursor.next()) {
    entries.push({ key: cursor.key.copy(), value: cursor.value.copy(), sequence: cursor.sequence, kind: cursor.kind })
  }
  const ranges = [...table.rangeTombstones]
  cursor.close()
  table.close()
  return { entries, ranges }
}

/** A compaction into the one run of level 1. */
function compactionOf(...inputs: (readonly TableMeta[])[]): Compaction {
  return { reason: 'range', score: 1, inputs, outputLevel: 1, outputRun: 0, move: false, drop: false }
}

async function runJob(fileSystem: MemoryFileSystem, job: Partial<MergeJob>): Promise<MergeResult> {
  const output = { maxFileBytes: 400, blockBytes: 128, filterBitsPerKey: 10, compression: 'none' } as const
  const whole = {
    directory: DIRECTORY,
    snapshots: [],
    expiryHorizon: BEFORE_EVERY_EXPIRY,
    older: [],
    firstOutput: FIRST_OUTPUT,
    maxOutputs: 10,
    output,
    cancel: new Int32Array(1),
    ...job,
  }
  return runMergeJob(whole, { fileSystem, hash32, breathe: () => undefined })
}

/** What a reader at `snapshot` sees, if `older` data lies under all of it. */
function view(contents: Contents, snapshot: number): Map<string, string> {
  const seen = new Map<string, string>()
  for (let key = 0; key < KEYS; key++) {
    const name = keyOf(nameOf(key))
    const newest = contents.entries
      .filter(entry => compareKeys(entry.key, name) === 0 && entry.sequence <= snapshot)
      .reduce<PlainEntry | undefined>((best, entry) => (best === undefined || entry.sequence > best.sequence ? entry : best), undefined)
    const cleared = Math.max(
      0,
      ...contents.ranges.filter(range => range.sequence <= snapshot && covers(range, name)).map(({ sequence }) => sequence),
    )
    if (newest === undefined || cleared > newest.sequence) seen.set(nameOf(key), cleared > 0 ? 'deleted' : 'what is older')
    else seen.set(nameOf(key), newest.kind === KIND_DELETE ? 'deleted' : textOf(newest.value))
  }
  return seen
}

function covers({ first, last }: RangeTombstone, key: Uint8Array): boolean {
  return compareKeys(first, key) <= 0 && compareKeys(key, last) <= 0
}

function within(key: Uint8Array, bounds: readonly KeyBounds[]): boolean {
  return bounds.some(({ smallest, largest }) => compareKeys(smallest, key) <= 0 && compareKeys(key, largest) <= 0)
}

const operation = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete', 'clear'),
  key: fc.nat(KEYS - 1),
  span: fc.nat(KEYS),
  run: fc.nat(3),
})

const scenario = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 80, size: '+1' }),
  snapshots: fc.uniqueArray(fc.nat(80), { maxLength: 4 }),
  older: fc.uniqueArray(fc.nat(KEYS - 1), { maxLength: 4 }),
  maxOutputs: fc.integer({ min: 1, max: 8 }),
})

describe('a merge', () => {
  it('a value of megabytes goes into its table by the MiB, and the job may rest after each', async () => {
    const fileSystem = emptyFileSystem()
    const list = new Skiplist({ capacityBytes: 12 << 20, random: new SeededRandom(1) })
    const value = new Uint8Array(5 << 20).fill(7)
    for (const [key, sequence] of [['a', 1] as const, ['b', 2] as const])
      list.insert(keyOf(key), 0, 1, value, 0, value.length, sequence, KIND_PUT)
    const hashed: number[] = []
    let bytes = 0
    const counting: Hash32 = (input, seed) => {
      bytes += input.length
      return hash32(input, seed)
    }
    const breathe = (): Promise<void> => {
      hashed.push(bytes)
      bytes = 0
      return Promise.resolve()
    }
    const output = { maxFileBytes: 1 << 30, blockBytes: 4096, filterBitsPerKey: 10, compression: 'none' } as const
    const job = {
      directory: DIRECTORY,
      memtable: { list, ranges: [] },
      snapshots: [],
      expiryHorizon: BEFORE_EVERY_EXPIRY,
      older: [],
      firstOutput: FIRST_OUTPUT,
      maxOutputs: 1,
    }
    const { tables } = await runMergeJob({ ...job, output }, { fileSystem, hash32: counting, breathe })
    expect(Math.max(...hashed)).toBeLessThanOrEqual((1 << 20) + 100)
    const { entries } = contentsOf(fileSystem, tables[0])
    expect(entries.map(entry => [textOf(entry.key), Buffer.compare(entry.value, value)])).toEqual([
      ['a', 0],
      ['b', 0],
    ])
  })

  it('changes nothing that a snapshot or the present sees, and keeps nothing that no reader needs', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ operations, snapshots: moments, older: edges, maxOutputs }) => {
        const fileSystem = emptyFileSystem()
        const snapshots = [...moments].sort((a, b) => a - b)
        const sorted = [...edges].sort((a, b) => a - b)
        const older = sorted.flatMap((from, i) =>
          i % 2 === 0 ? [{ smallest: keyOf(nameOf(from)), largest: keyOf(nameOf(sorted[i + 1] ?? from)) }] : [],
        )
        const before: { entries: PlainEntry[]; ranges: RangeTombstone[] } = { entries: [], ranges: [] }
        const runs: { entries: PlainEntry[]; ranges: RangeTombstone[] }[] = [0, 1, 2, 3].map(() => ({ entries: [], ranges: [] }))
        operations.forEach(({ kind, key, span, run }, index) => {
          const sequence = index + 1
          const name = keyOf(nameOf(key))
          for (const { entries, ranges } of [before, runs[run]]) {
            if (kind === 'clear') ranges.push({ first: name, last: keyOf(nameOf(Math.min(KEYS - 1, key + span))), sequence })
            else
              entries.push({
                key: name,
                value: kind === 'put' ? keyOf(`value of ${sequence}`) : keyOf(''),
                sequence,
                kind: kind === 'put' ? KIND_PUT : KIND_DELETE,
              })
          }
        })
        const filled = runs.filter(({ entries, ranges }) => entries.length + ranges.length > 0)
        const compaction = compactionOf(...filled.map((run, index) => [build(fileSystem, index + 1, index + 1, run)]))
        const result = await runJob(fileSystem, { compaction, snapshots, older, maxOutputs })

        const tables = result.tables.map(table => contentsOf(fileSystem, table))
        const after: Contents = { entries: tables.flatMap(({ entries }) => entries), ranges: tables.flatMap(({ ranges }) => ranges) }
        const isOlder = (name: string): boolean => within(keyOf(name), older)
        // Where nothing older lies, deleted and never there are the same.
        const normal = (seen: Map<string, string>): [string, string][] =>
          [...seen].map(([key, value]) => [key, value === 'deleted' && !isOlder(key) ? 'what is older' : value])
        for (const moment of [...snapshots, Number.MAX_SAFE_INTEGER])
          expect(normal(view(after, moment))).toEqual(normal(view(before, moment)))

        // The tables of the output are a run, and their metas are right.
        expect(result.tables.length).toBeLessThanOrEqual(maxOutputs)
        result.tables.forEach((meta, index) => {
          const { entries, ranges } = tables[index]
          expect(meta).toMatchObject({
            number: FIRST_OUTPUT + index,
            level: 1,
            run: 0,
            entries: entries.length,
            rangeTombstones: ranges.length,
          })
          expect(meta.tombstones).toBe(entries.filter(({ kind }) => kind === KIND_DELETE).length)
          for (const key of [...entries.map(entry => entry.key), ...ranges.flatMap(({ first, last }) => [first, last])])
            expect(within(key, [meta])).toBe(true)
          if (index > 0) expect(compareKeys(result.tables[index - 1].largest, meta.smallest)).toBeLessThan(0)
        })

        // Nothing is kept in vain: a reader sees each version, and each tombstone has something to hide or a snapshot to serve.
        const oldest = snapshots[0] ?? Infinity
        const present = [...snapshots, Infinity]
        for (const entry of after.entries) {
          const newer = [
            ...before.entries.filter(other => compareKeys(other.key, entry.key) === 0 && other.sequence > entry.sequence),
            ...before.ranges.filter(range => range.sequence > entry.sequence && covers(range, entry.key)),
          ]
          expect(present.some(moment => moment >= entry.sequence && newer.every(({ sequence }) => sequence > moment))).toBe(true)
          if (entry.kind === KIND_DELETE) expect(entry.sequence > oldest || within(entry.key, older)).toBe(true)
        }
        for (const range of after.ranges) {
          const whole = before.ranges.find(({ sequence }) => sequence === range.sequence)!
          expect(
            range.sequence > oldest ||
              older.some(({ smallest, largest }) => compareKeys(smallest, whole.last) <= 0 && compareKeys(largest, whole.first) >= 0),
          ).toBe(true)
        }
        const dropped = result.dropped.shadowed + result.dropped.covered + result.dropped.tombstones
        expect([result.entriesRead, result.entriesRead - dropped]).toEqual([before.entries.length, after.entries.length])
      }),
      { numRuns: 150 },
    )
  })

  it('cuts a range tombstone where it cuts tables, so that the tables of a run stay disjoint', async () => {
    const fileSystem = emptyFileSystem()
    const entries = Array.from(
      { length: 20 },
      (_, i) => ({ key: keyOf(nameOf(i)), value: keyOf('x'.repeat(100)), sequence: 10 + i, kind: KIND_PUT }) as const,
    )
    const ranges = [{ first: keyOf('a'), last: keyOf('z'), sequence: 5 }]
    const compaction = compactionOf([build(fileSystem, 1, 1, { entries, ranges })])
    const { tables } = await runJob(fileSystem, { compaction, older: [{ smallest: keyOf('a'), largest: keyOf('b') }] })
    expect(tables.length).toBeGreaterThan(3)
    const pieces = tables.map(table => contentsOf(fileSystem, table).ranges)
    expect(pieces.every(each => each.length === 1)).toBe(true)
    expect([textOf(tables[0].smallest), textOf(tables.at(-1)!.largest)]).toEqual(['a', 'z'])
    for (let i = 1; i < pieces.length; i++) expect(textOf(pieces[i][0].first)).toBe(`${textOf(pieces[i - 1][0].last)}\0`)
  })

  it('of nothing but range tombstones that still have work makes one table, and none if they have not', async () => {
    const fileSystem = emptyFileSystem()
    const ranges = [{ first: keyOf('a'), last: keyOf('c'), sequence: 5 }]
    const compaction = compactionOf([build(fileSystem, 1, 1, { entries: [], ranges })])
    const kept = await runJob(fileSystem, { compaction, older: [{ smallest: keyOf('b'), largest: keyOf('b') }] })
    expect(kept.tables).toMatchObject([{ entries: 0, rangeTombstones: 1 }])
    expect(
      (await runJob(fileSystem, { compaction, firstOutput: 200, older: [{ smallest: keyOf('d'), largest: keyOf('d') }] })).tables,
    ).toEqual([])
  })

  it('of a memtable keeps its range tombstones', async () => {
    const fileSystem = emptyFileSystem()
    const list = new Skiplist({ capacityBytes: 4096, shared: false, random: new SeededRandom(1) })
    const [key, value] = [keyOf('m'), keyOf('v')]
    list.insert(key, 0, 1, value, 0, 1, 7, KIND_PUT)
    const ranges = [{ first: keyOf('a'), last: keyOf('z'), sequence: 6 }]
    const older = [{ smallest: keyOf('b'), largest: keyOf('b') }]
    const { tables } = await runJob(fileSystem, { memtable: { list: list.transferable(), ranges }, older, maxOutputs: 1 })
    expect(contentsOf(fileSystem, tables[0])).toMatchObject({ entries: [{ sequence: 7 }], ranges: [{ sequence: 6 }] })
  })

  it('that is cancelled, or fails, leaves no file behind', async () => {
    const fileSystem = emptyFileSystem()
    const entries = Array.from(
      { length: 2000 },
      (_, i) => ({ key: keyOf(String(i).padStart(4, '0')), value: keyOf('x'.repeat(50)), sequence: i + 1, kind: KIND_PUT }) as const,
    )
    const input = build(fileSystem, 1, 1, { entries, ranges: [] })
    const cancel = new Int32Array(1)
    let breaths = 0
    const output = { maxFileBytes: 4096, blockBytes: 512, filterBitsPerKey: 10, compression: 'none' } as const
    const job = {
      directory: DIRECTORY,
      compaction: compactionOf([input]),
      snapshots: [],
      expiryHorizon: BEFORE_EVERY_EXPIRY,
      older: [],
      firstOutput: FIRST_OUTPUT,
      maxOutputs: 50,
      output,
      cancel,
    }
    const breathe = (): undefined => {
      if (++breaths === 3) cancel[0] = 1
    }
    await expect(runMergeJob(job, { fileSystem, hash32, breathe })).rejects.toBeInstanceOf(JobCancelled)
    expect(fileSystem.list(DIRECTORY)).toEqual(['000001.sst'])

    const image = new Uint8Array(input.fileBytes)
    const file = fileSystem.openWrite(joinPath(DIRECTORY, tableName(1)))
    file.read(image, 0)
    file.write(Uint8Array.of(image[60_000] ^ 1), 60_000)
    file.close()
    cancel[0] = 0
    await expect(runMergeJob(job, { fileSystem, hash32, breathe: () => undefined })).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      file: '/store/000001.sst',
    })
    expect(fileSystem.list(DIRECTORY)).toEqual(['000001.sst'])
  })

  it('lets others run, and can be cancelled, between two large values', async () => {
    const fileSystem = emptyFileSystem()
    const value = new Uint8Array(100_000)
    const entries = Array.from({ length: 20 }, (_, i) => ({ key: keyOf(nameOf(i)), value, sequence: i + 1, kind: KIND_PUT }) as const)
    const input = build(fileSystem, 1, 1, { entries, ranges: [] })
    let breaths = 0
    const output = { maxFileBytes: 1 << 30, blockBytes: 512, filterBitsPerKey: 10, compression: 'none' } as const
    const job = {
      directory: DIRECTORY,
      compaction: compactionOf([input]),
      snapshots: [],
      expiryHorizon: BEFORE_EVERY_EXPIRY,
      older: [],
      firstOutput: FIRST_OUTPUT,
      maxOutputs: 1,
      output,
    }
    const breathe = (): undefined => void breaths++
    await runMergeJob({ ...job, cancel: new Int32Array(1) }, { fileSystem, hash32, breathe })
    expect(breaths).toBe(20)
  })
})
