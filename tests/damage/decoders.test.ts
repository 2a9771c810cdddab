import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { metaOffset, readMeta } from '../../src/btree/pages/meta-page.js'
import { loadHash32, type Hash32 } from '../../src/codec/checksum.js'
import { SortedBlock } from '../../src/codec/sorted-block.js'
import { BatchReader, WriteBatch } from '../../src/engine/batch.js'
import { CorruptionError, FormatError } from '../../src/errors.js'
import { decodeVersionEdit, encodeVersionEdit } from '../../src/lsm/versions/version-edit.js'
import { encodeFilter, FilterReader } from '../../src/sstable/bloom-filter.js'
import { decodeFooter, encodeFooter, FOOTER_BYTES, noHandle } from '../../src/sstable/format.js'
import { decodeProperties, encodeProperties } from '../../src/sstable/properties.js'
import { decodeRangeTombstones } from '../../src/sstable/range-tombstone.js'
import { encodeIdentity, occupancyOf } from '../../src/store/identity.js'
import { salvageLog } from '../../src/wal/salvage.js'
import { LogWriter } from '../../src/wal/writer.js'
import { fileSystemOf, filesOf, openSubject, DIRECTORY } from './support/small-store.js'
import { SUBJECTS } from './support/subjects.js'

let hash32: Hash32

beforeAll(async () => {
  hash32 = await loadHash32()
})

const KEY = Uint8Array.of(1, 2, 3)
const META = {
  number: 7,
  level: 1,
  run: 2,
  fileBytes: 1000,
  entries: 10,
  tombstones: 1,
  rangeTombstones: 0,
  rawBytes: 500,
  smallest: KEY,
  largest: KEY,
  minSequence: 1,
  maxSequence: 2 ** 40,
}

interface Decoder {
  readonly valid: () => Uint8Array | Promise<Uint8Array>
  /** Throws, or does something with all that was decoded. */
  readonly decode: (bytes: Uint8Array) => unknown
}

const block = (bytes: Uint8Array): SortedBlock => new SortedBlock(bytes, bytes.length, 'file', 0)

function fileOf(bytes: Uint8Array): ReturnType<ReturnType<typeof fileSystemOf>['openRead']> {
  return fileSystemOf(new Map([['file', bytes]])).openRead(`${DIRECTORY}/file`)
}

const DECODERS: Readonly<Record<string, Decoder>> = {
  'a batch': {
    valid() {
      const batch = new WriteBatch()
      batch.put(KEY, new Uint8Array(200))
      batch.del(KEY)
      batch.deleteRange(KEY, KEY)
      batch.seal(2 ** 40)
      return batch.bytes.slice(0, batch.byteLength)
    },
    decode(bytes) {
      const reader = new BatchReader().reset(bytes, 0, bytes.length)
      let total = 0
      while (reader.next()) total += reader.key.copy().length + reader.value.copy().length
      return total
    },
  },
  'a version edit': {
    valid: () =>
      encodeVersionEdit({
        nextFile: 9,
        lastSequence: 2 ** 45,
        firstLog: 3,
        logs: [3, 4],
        deleted: [1],
        added: [META],
        wholeLogs: [{ number: 3, bytes: 99 }],
      }),
    decode: decodeVersionEdit,
  },
  'the properties of a table': {
    valid: () =>
      encodeProperties({
        entries: 1,
        pointTombstones: 2,
        rangeTombstones: 3,
        rawKeyBytes: 4,
        rawValueBytes: 5,
        smallest: KEY,
        largest: KEY,
        minSequence: 6,
        maxSequence: 2 ** 50,
        blocks: 7,
        dataBytes: 8,
        filterBytes: 9,
        indexBytes: 10,
      }),
    decode: bytes => decodeProperties(block(bytes), 100),
  },
  'a block of range tombstones': {
    valid: () => Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 16, 0, 0, 0, 3, 2, 1, 2, 3, 6, 9),
    decode: bytes => decodeRangeTombstones(block(bytes)),
  },
  'a filter': {
    valid: () => encodeFilter(Uint32Array.of(1, 2, 3), 3, 10),
    decode: bytes => new FilterReader(bytes, { file: 'file', offset: 0 }).mayContain(7),
  },
  'the footer of a table': {
    valid: () => encodeFooter({ ranges: noHandle(), filter: noHandle(), index: noHandle(), properties: noHandle() }, hash32, 7, 1000),
    decode: bytes => {
      if (bytes.length === FOOTER_BYTES) decodeFooter(bytes, hash32, 7, 'file', 1000)
    },
  },
  'the file KVARIUM': {
    valid: () => encodeIdentity('lsm', hash32),
    decode: bytes => occupancyOf(fileSystemOf(new Map([['KVARIUM', bytes]])), DIRECTORY, hash32),
  },
  'a log that is salvaged': {
    async valid() {
      const fileSystem = fileSystemOf(new Map())
      const log = LogWriter.create({ fileSystem, path: `${DIRECTORY}/file`, logNumber: 7, hash32 })
      for (let i = 1; i < 5; i++) log.append(new Uint8Array(i * 10).fill(i))
      await log.close({ marker: true })
      return filesOf(fileSystem).get('file')!
    },
    decode(bytes) {
      let end = 0
      const cover = (from: number, to: number): void => {
        expect(from).toBeGreaterThanOrEqual(end)
        expect(to).toBeGreaterThan(from)
        end = to
      }
      salvageLog(fileOf(bytes), 7, hash32, {
        record: (payload, offset) => cover(offset, offset + 16 + payload.length),
        lost: (from, to) => to > from && cover(from, to),
      })
      expect(end).toBeLessThanOrEqual(bytes.length)
    },
  },
  'the meta pages of a tree': {
    async valid() {
      const subject = SUBJECTS.find(({ name }) => name === 'btree')!
      const fileSystem = fileSystemOf(new Map())
      await (await openSubject(subject, fileSystem, true)).close()
      return filesOf(fileSystem)
        .get('data.btree')!
        .slice(0, metaOffset(1) + 600)
    },
    decode: bytes => readMeta(fileOf(bytes), hash32),
  },
}

/** The decoder ends with a value or with a typed error. */
function expectTyped(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes)
  } catch (error) {
    if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error
  }
}

describe.each(Object.entries(DECODERS))('decoding %s', (_name, { valid, decode }) => {
  it('takes what was encoded', async () => {
    decode(await valid())
  })

  it('ends in a value or a typed error for random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 700 }), bytes => expectTyped(decode, bytes)))
  })

  it('ends in a value or a typed error for right bytes with some changed, cut off, doubled or added', async () => {
    const right = await valid()
    const change = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) })
    const cases = fc.record({
      changes: fc.array(change, { maxLength: 4 }),
      end: fc.nat(),
      tail: fc.uint8Array({ maxLength: 20 }),
      isCut: fc.boolean(),
    })
    fc.assert(
      fc.property(cases, ({ changes, end, tail, isCut }) => {
        const bytes = right.slice()
        for (const { at, bytes: noise } of changes) {
          const start = at % bytes.length
          bytes.set(noise.subarray(0, bytes.length - start), start)
        }
        const kept = isCut ? bytes.subarray(0, end % (bytes.length + 1)) : bytes
        const whole = new Uint8Array(kept.length + tail.length)
        whole.set(kept)
        whole.set(tail, kept.length)
        expectTyped(decode, whole)
        expectTyped(decode, bytes)
      }),
      { numRuns: 300 },
    )
  })
})
