import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Hash32 } from '../../src/codec/checksum.js'
import { loadHash32, mix32, placeSeed } from '../../src/codec/checksum.js'
import { CorruptionError, FormatError, KvariumError } from '../../src/errors.js'
import { encodeFrameHeader, frameCheckSeed } from '../../src/wal/format.js'
import type { LogReplay } from '../../src/wal/index.js'
import { FRAME_HEADER_BYTES, LOG_HEADER_BYTES, LogReader, LogWriter } from '../../src/wal/index.js'
import { ByteFile } from './support/byte-file.js'

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

const NUMBER = 7
const PATH = 'store/000007.log'

interface Read extends LogReplay {
  readonly payloads: string[]
}

function replay(bytes: Uint8Array, logNumber = NUMBER): Read {
  const payloads: string[] = []
  const file = new ByteFile(bytes, PATH)
  const result = new LogReader({ file, logNumber, hash32 }).replay(view => payloads.push(Buffer.from(view).toString('hex')))
  return { payloads, ...result }
}

/** What went wrong with the log as a whole, or what it holds. */
function outcome(bytes: Uint8Array): Read | CorruptionError {
  try {
    return replay(bytes)
  } catch (error) {
    if (error instanceof CorruptionError) return error
    throw error
  }
}

interface Written {
  readonly bytes: Uint8Array
  readonly offsets: number[]
  readonly payloads: string[]
}

/** A log with records of the given lengths, synced after those whose index is in `syncedAfter`. */
async function written(lengths: number[], syncedAfter: number[], marker = false): Promise<Written> {
  const file = new ByteFile()
  const log = new LogWriter(file, { logNumber: NUMBER, hash32, growBytes: 0 })
  const offsets: number[] = []
  const payloads: string[] = []
  for (const [i, length] of lengths.entries()) {
    const payload = Uint8Array.from({ length }, (_, k) => (k * 7 + i * 13) & 255)
    offsets.push(log.append(payload))
    payloads.push(Buffer.from(payload).toString('hex'))
    if (syncedAfter.includes(i)) await log.sync()
  }
  await log.close({ marker })
  return { bytes: file.contents(), offsets, payloads }
}

const LENGTHS = [5, 1, 40, 17, 100, 3]
const ALL = LENGTHS.map((_, i) => i)

/** The index of the record that byte `at` belongs to. */
const recordAt = (offsets: number[], at: number): number => offsets.findLastIndex(offset => offset <= at)

test('a torn tail of any length is dropped, and only the tail', async () => {
  const log = await written(LENGTHS, [])
  for (let length = 0; length <= log.bytes.length; length++) {
    const ends = log.offsets.map((offset, i) => offset + FRAME_HEADER_BYTES + LENGTHS[i])
    const whole = ends.filter(end => end <= length).length
    const validBytes = length < LOG_HEADER_BYTES ? 0 : whole === 0 ? LOG_HEADER_BYTES : ends[whole - 1]
    const read = replay(log.bytes.slice(0, length))
    expect(read).toMatchObject({ records: whole, validBytes, droppedBytes: length - validBytes, cleanlyClosed: false })
    expect(read.payloads).toEqual(log.payloads.slice(0, whole))
  }
})

test('an empty file is an empty log', () => {
  expect(replay(new Uint8Array(0))).toMatchObject({ records: 0, validBytes: 0, droppedBytes: 0, cleanlyClosed: false, lastSynced: 0 })
})

test('any changed byte before a later synced record is corruption at the record it hit', async () => {
  const log = await written(LENGTHS, ALL)
  const last = log.offsets.at(-1)!
  for (let at = 0; at < last; at++) {
    for (const change of [1, 0x80, 0xff]) {
      const damaged = log.bytes.slice()
      damaged[at] ^= change
      const error = outcome(damaged)
      expect(error, `byte ${at}`).toBeInstanceOf(CorruptionError)
      const offset = at < LOG_HEADER_BYTES ? 0 : log.offsets[recordAt(log.offsets, at)]
      expect(error).toMatchObject({ code: 'LEVEL_CORRUPTION', file: PATH, offset })
    }
  }
})

test('a changed byte in the last record of a log that was not closed looks like a torn tail', async () => {
  const log = await written(LENGTHS, ALL)
  for (let at = log.offsets.at(-1)!; at < log.bytes.length; at++) {
    const damaged = log.bytes.slice()
    damaged[at] ^= 0x10
    expect(replay(damaged).payloads).toEqual(log.payloads.slice(0, -1))
  }
})

test('damage anywhere in a cleanly closed log is corruption; in the marker itself it costs only the marker', async () => {
  const log = await written(LENGTHS, [], true)
  const marker = log.bytes.length - FRAME_HEADER_BYTES
  expect(replay(log.bytes)).toMatchObject({ cleanlyClosed: true, validBytes: log.bytes.length, lastSynced: marker })
  for (let at = 0; at < log.bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = log.bytes.slice()
      damaged[at] ^= 1 << bit
      const result = outcome(damaged)
      if (at < marker) {
        const offset = at < LOG_HEADER_BYTES ? 0 : log.offsets[recordAt(log.offsets, at)]
        expect(result, `byte ${at}`).toBeInstanceOf(CorruptionError)
        expect(result).toMatchObject({ offset })
      } else {
        expect(result).toMatchObject({ payloads: log.payloads, cleanlyClosed: false, droppedBytes: FRAME_HEADER_BYTES })
      }
    }
  }
})

test('bytes after the marker of a clean close are corruption', async () => {
  const log = await written(LENGTHS, [], true)
  for (const extra of [1, 16, 500]) {
    const longer = new Uint8Array(log.bytes.length + extra)
    longer.set(log.bytes)
    expect(outcome(longer)).toMatchObject({ code: 'LEVEL_CORRUPTION', offset: log.bytes.length })
  }
})

test('a tail of zeros was written ahead and is no torn record, whatever its length', async () => {
  const log = await written(LENGTHS, ALL)
  for (const zeros of [1, 15, 16, 17, 4096, 300_000]) {
    const longer = new Uint8Array(log.bytes.length + zeros)
    longer.set(log.bytes)
    expect(replay(longer)).toMatchObject({ payloads: log.payloads, droppedBytes: 0, blankBytes: zeros, cleanlyClosed: false })
  }
})

test('holes where unsynced sectors were lost drop what follows, though records after them are whole', async () => {
  const log = await written([20, 20, 20, 20, 20, 20], [1])
  for (const hole of [2, 3, 4]) {
    const image = log.bytes.slice()
    image.fill(0, log.offsets[hole], log.offsets[hole] + 36)
    expect(replay(image)).toMatchObject({ payloads: log.payloads.slice(0, hole), droppedBytes: image.length - log.offsets[hole] })
  }
  for (const lost of [0, 1]) {
    const image = log.bytes.slice()
    image.fill(0, log.offsets[lost], log.offsets[lost] + 36)
    expect(outcome(image)).toMatchObject({ code: 'LEVEL_CORRUPTION', offset: log.offsets[lost] })
  }
})

test('a file header lost with everything unsynced is an empty log; with proof of a sync it is corruption', async () => {
  const unsynced = await written(LENGTHS, [])
  const synced = await written(LENGTHS, [0])
  for (const log of [unsynced, synced]) log.bytes.fill(0, 0, LOG_HEADER_BYTES)
  expect(replay(unsynced.bytes)).toMatchObject({ records: 0, validBytes: 0, droppedBytes: unsynced.bytes.length })
  expect(outcome(synced.bytes)).toMatchObject({ code: 'LEVEL_CORRUPTION', offset: 0 })
})

test('records left over from another log in a recycled file are neither delivered nor proof', async () => {
  const file = new ByteFile()
  const old = new LogWriter(file, { logNumber: NUMBER - 1, hash32 })
  for (let i = 0; i < 10; i++) {
    old.append(new Uint8Array(40).fill(i))
    await old.sync()
  }
  const log = new LogWriter(file, { logNumber: NUMBER, hash32 })
  for (let i = 0; i < 3; i++) log.append(new Uint8Array(40).fill(0xa0 + i))
  const read = replay(file.contents())
  expect(read.records).toBe(3)
  expect(read.validBytes).toBe(log.size)
  const torn = file.contents()
  torn[log.size - 1] ^= 1
  expect(replay(torn).records).toBe(2)
})

test('a log under the name of another is refused, never read as empty', async () => {
  const log = await written(LENGTHS, ALL)
  expect(() => replay(log.bytes, NUMBER + 1)).toThrow(/it is log 7, log 8 belongs here/)
})

test('a record copied to another place in its log is not valid there', async () => {
  const log = await written([20, 20, 20], [])
  log.bytes.copyWithin(log.offsets[2], log.offsets[0], log.offsets[1])
  expect(replay(log.bytes).payloads).toEqual(log.payloads.slice(0, 2))
})

test('a log of a newer format version is refused as such', async () => {
  const { bytes } = await written(LENGTHS, ALL)
  const view = new DataView(bytes.buffer)
  bytes[7] = 3
  expect(outcome(bytes)).toBeInstanceOf(CorruptionError)
  const word = (at: number): number => view.getUint32(at, true)
  view.setUint32(12, mix32(mix32(mix32(0x6b766c66, word(0)), word(4)), word(8)), true)
  expect(() => replay(bytes)).toThrow(FormatError)
  expect(() => replay(bytes)).toThrow(/format version 3/)
})

test('bytes that are no log at all are an empty log, all of it dropped', () => {
  const foreign = new TextEncoder().encode('{"this":"is not a log","but":"some other JSON"}')
  expect(replay(foreign)).toMatchObject({ records: 0, validBytes: 0, droppedBytes: foreign.length })
})

test('a frame without payload that is not the close marker of its place is not valid', async () => {
  const log = await written(LENGTHS, [])
  for (const synced of [0, 16, log.bytes.length - 1, log.bytes.length]) {
    const longer = new Uint8Array(log.bytes.length + FRAME_HEADER_BYTES)
    longer.set(log.bytes)
    const offset = log.bytes.length
    const checksum = hash32(new Uint8Array(0), placeSeed(NUMBER, offset))
    encodeFrameHeader(longer.subarray(offset), frameCheckSeed(NUMBER), offset, 0, synced, checksum)
    expect(replay(longer)).toMatchObject({ records: LENGTHS.length, cleanlyClosed: synced === offset })
  }
})

test('records that straddle every chunk edge are read whole, also by inspection', async () => {
  const lengths = Array.from({ length: 400 }, (_, i) => 1 + ((i * 977) % 3000))
  lengths.splice(200, 0, 400_000)
  const log = await written(lengths, [100])
  expect(replay(log.bytes).payloads).toEqual(log.payloads)
  const reader = new LogReader({ file: new ByteFile(log.bytes), logNumber: NUMBER, hash32 })
  const records = [...reader.records()]
  expect(records.map(record => record.offset)).toEqual(log.offsets)
  expect(records.map(record => Buffer.from(record.payload).toString('hex'))).toEqual(log.payloads)
})

test('a file that shrinks while it is read is reported, not looped on', async () => {
  const log = await written([300_000, 5], [])
  const file = new ByteFile(log.bytes)
  const size = file.size()
  file.truncate(1000)
  file.size = () => size
  expect(() => new LogReader({ file, logNumber: NUMBER, hash32 }).replay(() => {})).toThrow(/became shorter/)
})

test('arbitrary bytes give a typed error or a valid result', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), bytes => {
      try {
        const read = replay(bytes)
        expect(read.validBytes + read.droppedBytes + read.blankBytes).toBe(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(KvariumError)
      }
    }),
  )
})

test('whatever is overwritten in a log, what is delivered is a prefix of what was written', async () => {
  const log = await written([...LENGTHS, 300, 2, 9], [0, 3, 7])
  const edit = fc.record({ at: fc.nat(log.bytes.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(log.bytes.length), (edits, cut) => {
      const damaged = log.bytes.slice(0, log.bytes.length - (cut % 64))
      for (const { at, bytes } of edits) damaged.set(bytes.subarray(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length))
      const delivered: string[] = []
      const reader = new LogReader({ file: new ByteFile(damaged), logNumber: NUMBER, hash32 })
      try {
        reader.replay(view => delivered.push(Buffer.from(view).toString('hex')))
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
      expect(delivered).toEqual(log.payloads.slice(0, delivered.length))
    }),
  )
})
