import { beforeAll, expect, test } from 'vitest'
import type { Hash32 } from '../../src/codec/checksum.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { IoError, MisuseError, PoisonedError } from '../../src/errors.js'
import { FRAME_HEADER_BYTES, LogReader, LogWriter, MAX_LOG_BYTES, MAX_PAYLOAD_BYTES } from '../../src/wal/index.js'
import { ByteFile } from './support/byte-file.js'

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

const NUMBER = 7
const start = (file: ByteFile): LogWriter => new LogWriter(file, { logNumber: NUMBER, hash32 })

function payload(length: number, seed = length): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + seed
  return bytes
}

function replay(bytes: Uint8Array) {
  const payloads: Uint8Array[] = []
  const result = new LogReader({ file: new ByteFile(bytes), logNumber: NUMBER, hash32 }).replay(view => payloads.push(view.slice()))
  return { payloads, ...result }
}

/** A medium whose syncs end when the test says so. */
function heldMedium(file: ByteFile) {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  file.medium = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  const settle = () => new Promise<void>(resolve => setTimeout(resolve, 0))
  return {
    async finish(error?: Error) {
      const sync = waiting.shift()
      if (sync === undefined) throw new Error('no sync is under way')
      if (error === undefined) sync.resolve()
      else sync.reject(error)
      await settle()
    },
    get running() {
      return waiting.length
    },
  }
}

test('what is appended comes back in order and byte for byte', () => {
  const file = new ByteFile()
  const log = start(file)
  const payloads = [1, 2, 15, 16, 17, 130, 4095, 4096, 5000, 70_000, 3].map(length => payload(length))
  const offsets = payloads.map(bytes => log.append(bytes))
  expect(offsets[0]).toBe(16)
  expect(offsets[1]).toBe(16 + 16 + 1)
  expect(log.size).toBe(file.size())
  expect(log.writtenBytes).toBe(file.size())
  const read = replay(file.contents())
  read.payloads.forEach((bytes, i) => expect(Buffer.compare(bytes, payloads[i])).toBe(0))
  expect(read).toMatchObject({ records: payloads.length, validBytes: file.size(), droppedBytes: 0, cleanlyClosed: false })
})

test('a part of an array is appended without its surroundings', () => {
  const file = new ByteFile()
  start(file).append(payload(100), 10, 60)
  expect(replay(file.contents()).payloads).toEqual([payload(100).slice(10, 60)])
})

test('a small record is one write, a huge one is not copied', () => {
  const file = new ByteFile()
  const log = start(file)
  file.writes = 0
  log.append(payload(256 * 1024))
  expect(file.writes).toBe(1)
  log.append(payload(256 * 1024 + 1))
  expect(file.writes).toBe(3)
})

test('records of a megabyte and of twenty survive among small ones', async () => {
  const file = new ByteFile()
  const log = start(file)
  const payloads = [payload(10), payload(2 ** 20 + 1), payload(11), payload(20 * 2 ** 20), payload(12)]
  for (const bytes of payloads) log.append(bytes)
  await log.close({ marker: true })
  const read = replay(file.contents())
  expect(read.cleanlyClosed).toBe(true)
  expect(read.payloads.map(bytes => bytes.length)).toEqual(payloads.map(bytes => bytes.length))
  read.payloads.forEach((bytes, i) => expect(Buffer.compare(bytes, payloads[i])).toBe(0))
})

test('sixty-four concurrent sync callers share two syncs', async () => {
  const file = new ByteFile()
  const medium = heldMedium(file)
  const log = start(file)
  const callers = Array.from({ length: 64 }, () => {
    log.append(payload(130))
    return log.sync()
  })
  expect(file.syncs).toBe(1)
  await medium.finish()
  expect(file.syncs).toBe(2)
  await medium.finish()
  await Promise.all(callers)
  expect(file.syncs).toBe(2)
  expect(log.syncs).toBe(2)
  expect(log.syncedBytes).toBe(log.size)
})

test('a caller is not acknowledged by a sync that started before its append', async () => {
  const file = new ByteFile()
  const medium = heldMedium(file)
  const log = start(file)
  const acknowledged: string[] = []
  const first = log.append(payload(5))
  void log.sync().then(() => acknowledged.push('first'))
  const sizeAtStart = log.size
  log.append(payload(6))
  void log.sync().then(() => acknowledged.push('second'))
  await medium.finish()
  expect(acknowledged).toEqual(['first'])
  expect(log.syncedBytes).toBe(sizeAtStart)
  expect(medium.running).toBe(1)
  const third = log.append(payload(7))
  await medium.finish()
  expect(acknowledged).toEqual(['first', 'second'])
  expect(log.syncedBytes).toBe(third)
  expect(first).toBe(16)
})

test('callers with nothing new join the sync under way, or need none', async () => {
  const file = new ByteFile()
  const medium = heldMedium(file)
  const log = start(file)
  log.append(payload(5))
  const both = Promise.all([log.sync(), log.sync()])
  await medium.finish()
  await both
  await log.sync()
  expect(file.syncs).toBe(1)
})

test('every frame carries the watermark of its moment', async () => {
  const file = new ByteFile()
  const log = start(file)
  log.append(payload(5))
  await log.sync()
  const durable = log.size
  log.append(payload(6))
  log.append(payload(7))
  const reader = new LogReader({ file, logNumber: NUMBER, hash32 })
  const records = [...reader.records()]
  expect(records.map(record => record.synced)).toEqual([0, durable, durable])
  expect(records.map(record => record.offset)).toEqual([16, 37, 59])
  expect(records.map(record => record.length)).toEqual([5, 6, 7])
  expect(records[2].payload).toEqual(payload(7))
  expect(file.closed).toBe(false)
})

test('a failed append poisons the log and nothing is written after it', async () => {
  const file = new ByteFile()
  const log = start(file)
  log.append(payload(5))
  const before = file.contents()
  file.before = () => {
    throw new Error('ENOSPC: the disk is full')
  }
  expect(() => log.append(payload(6))).toThrow(IoError)
  file.before = () => {}
  expect(log.poisoned).toBe(true)
  expect(() => log.append(payload(7))).toThrow(PoisonedError)
  expect(() => log.append(payload(7))).toThrow(/000007\.log.*ENOSPC/)
  await expect(log.sync()).rejects.toThrow(PoisonedError)
  await log.close({ marker: true })
  expect(file.contents()).toEqual(before)
  expect(file.syncs).toBe(0)
  expect(file.closed).toBe(true)
})

test('a huge append that fails half way leaves a torn tail, not a wrong record', () => {
  const file = new ByteFile()
  const log = start(file)
  log.append(payload(5))
  let writes = 0
  file.before = () => {
    if (++writes === 2) throw new Error('EIO')
  }
  expect(() => log.append(payload(300 * 1024))).toThrow(IoError)
  expect(replay(file.contents())).toMatchObject({ records: 1, droppedBytes: FRAME_HEADER_BYTES })
})

test('a failed sync fails its callers, refuses those that waited behind it, and is not retried', async () => {
  const file = new ByteFile()
  const medium = heldMedium(file)
  const log = start(file)
  log.append(payload(5))
  const failing = log.sync()
  log.append(payload(6))
  const waiting = log.sync()
  const outcomes = Promise.allSettled([failing, waiting])
  const cause = new Error('EIO: the medium failed')
  await medium.finish(cause)
  const [first, second] = await outcomes
  expect(first).toMatchObject({ status: 'rejected', reason: { code: 'LEVEL_IO_ERROR', cause } })
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'LEVEL_WRITES_STOPPED' } })
  expect(log.poisoned).toBe(true)
  expect(log.syncedBytes).toBe(0)
  expect(() => log.append(payload(7))).toThrow(PoisonedError)
  await log.close({ marker: true })
  expect(file.syncs).toBe(1)
  expect(replay(file.contents()).cleanlyClosed).toBe(false)
})

test('a clean close waits for syncs, makes everything durable first, and ends in a marker', async () => {
  const file = new ByteFile()
  const medium = heldMedium(file)
  const log = start(file)
  log.append(payload(5))
  const caller = log.sync()
  log.append(payload(6))
  const size = log.size
  const closing = log.close({ marker: true })
  expect(() => log.append(payload(1))).toThrow(MisuseError)
  await expect(log.sync()).rejects.toThrow(/has been closed/)
  for (let i = 0; i < 3; i++) {
    expect(file.closed).toBe(false)
    expect(file.size()).toBe(i < 2 ? size : size + FRAME_HEADER_BYTES)
    await medium.finish()
  }
  await Promise.all([caller, closing, log.close({ marker: true })])
  expect(file.closed).toBe(true)
  expect(replay(file.contents())).toMatchObject({ records: 2, cleanlyClosed: true, lastSynced: size, droppedBytes: 0 })
})

test('a clean close of a durable log needs one sync, a close without marker none', async () => {
  const durable = new ByteFile()
  const log = start(durable)
  log.append(payload(5))
  await log.sync()
  await log.close({ marker: true })
  expect(durable.syncs).toBe(2)
  const plain = new ByteFile()
  const other = start(plain)
  other.append(payload(5))
  await other.close({ marker: false })
  expect(plain.syncs).toBe(0)
  expect(plain.closed).toBe(true)
  expect(replay(plain.contents())).toMatchObject({ records: 1, cleanlyClosed: false })
})

test('a close that fails says so, and closes the file', async () => {
  const file = new ByteFile()
  const log = start(file)
  log.append(payload(5))
  file.before = operation => {
    if (operation === 'sync') throw new Error('EIO')
  }
  await expect(log.close({ marker: true })).rejects.toThrow(IoError)
  expect(file.closed).toBe(true)
  expect(log.poisoned).toBe(true)
})

test('a recycled file is cut to the log at a clean close', async () => {
  const old = new ByteFile()
  const before = new LogWriter(old, { logNumber: 6, hash32 })
  for (let i = 0; i < 20; i++) before.append(payload(50, i))
  await before.sync()
  for (let i = 0; i < 20; i++) before.append(payload(50, i))
  const file = new ByteFile(old.contents())
  const log = start(file)
  log.append(payload(50))
  expect(replay(file.contents())).toMatchObject({ records: 1, cleanlyClosed: false })
  await log.close({ marker: true })
  expect(file.size()).toBe(16 + 16 + 50 + 16)
  expect(replay(file.contents())).toMatchObject({ records: 1, cleanlyClosed: true, droppedBytes: 0 })
})

test('an empty record, one too long, and a range outside its array are refused without harm', () => {
  const log = start(new ByteFile())
  const size = log.size
  expect(() => log.append(new Uint8Array(0))).toThrow(MisuseError)
  expect(() => log.append(payload(10), 5, 5)).toThrow(MisuseError)
  expect(() => log.append(payload(10), 5, 11)).toThrow(/bytes 5 to 11 of 10/)
  expect(() => log.append(payload(10), -1, 5)).toThrow(MisuseError)
  expect(() => log.append(payload(10), NaN, 5)).toThrow(MisuseError)
  expect(() => log.append(new Uint8Array(MAX_PAYLOAD_BYTES + 1))).toThrow(MisuseError)
  expect(log.size).toBe(size)
  expect(log.poisoned).toBe(false)
  for (const logNumber of [-1, 1.5, 2 ** 32, NaN]) {
    expect(() => new LogWriter(new ByteFile(), { logNumber, hash32 })).toThrow(/a log number must be/)
  }
})

test('a log that would outgrow its offsets refuses the record, keeps room for its marker and stays usable', async () => {
  const file = new ByteFile()
  let end = 0
  file.write = (_source, position, from = 0, to = _source.length) => {
    end = position + to - from
  }
  file.size = () => end
  const log = new LogWriter(file, { logNumber: NUMBER, hash32: () => 0 })
  const large = new Uint8Array(2 ** 30)
  for (let i = 0; i < 3; i++) log.append(large)
  expect(() => log.append(large)).toThrow(/start a new one/)
  const rest = MAX_LOG_BYTES - log.size - 2 * FRAME_HEADER_BYTES
  expect(() => log.append(large, 0, rest + 1)).toThrow(MisuseError)
  log.append(large, 0, rest)
  expect(() => log.append(large, 0, 1)).toThrow(MisuseError)
  await log.close({ marker: true })
  expect(end).toBe(MAX_LOG_BYTES)
})

test('small commits grow the file ahead with zeros, which no reader takes for records and a close cuts off', async () => {
  const file = new ByteFile()
  const log = new LogWriter(file, { logNumber: NUMBER, hash32, growBytes: 50_000 })
  for (let i = 0; i < 40; i++) {
    log.append(payload(500, i))
    await log.sync()
    expect(log.fileBytes).toBe(file.size())
  }
  expect(file.size()).toBeGreaterThan(log.size)
  expect(log.writtenBytes).toBe(log.size + 50_000)
  expect(replay(file.contents())).toMatchObject({ records: 40, droppedBytes: 0, blankBytes: file.size() - log.size })
  await log.close({ marker: true })
  expect(file.size()).toBe(log.size)
  expect(replay(file.contents())).toMatchObject({ records: 40, cleanlyClosed: true, blankBytes: 0 })
})

test('a log that is synced seldom, or in large commits, is not grown', async () => {
  const file = new ByteFile()
  const log = start(file)
  for (let i = 0; i < 20; i++) {
    for (let k = 0; k < 40; k++) log.append(payload(500, k))
    await log.sync()
  }
  expect(file.size()).toBe(log.size)
})

test('a disk without room to grow ahead does not fail a commit', async () => {
  const file = new ByteFile()
  const log = start(file)
  const write = file.write.bind(file)
  file.write = (source, position, from, to) => {
    if (source.length > 100_000) throw new Error('ENOSPC')
    write(source, position, from, to)
  }
  for (let i = 0; i < 10; i++) {
    log.append(payload(500, i))
    await log.sync()
  }
  expect(log.poisoned).toBe(false)
  expect(replay(file.contents()).records).toBe(10)
})

/** A log of which a sync is under way, which the test ends, and another one waits to begin. */
async function withWaitingSync(options: { readonly onOwnWrite?: () => void } = {}) {
  const file = new ByteFile()
  const log = new LogWriter(file, { logNumber: NUMBER, hash32, growBytes: 0, ...options })
  const medium = heldMedium(file)
  log.append(payload(10))
  const first = log.sync()
  log.append(payload(20))
  const next = log.sync()
  return { file, log, medium, first, next }
}

test('records whose callers wait for a sync that has not begun are written at once, before it', async () => {
  const booked: number[] = []
  const { file, log, medium, first, next } = await withWaitingSync({ onOwnWrite: () => booked.push(log.writtenBytes) })
  const { writes, syncs } = file
  const written = log.writtenBytes
  const lengths = [1, 17, 4096, 5000, 300]
  const offsets = lengths.map(length => log.append(payload(length), 0, length, true))
  const later = log.sync()
  expect(offsets[1]).toBe(offsets[0] + FRAME_HEADER_BYTES + 1)
  expect(file).toMatchObject({ writes, syncs })
  expect(log).toMatchObject({ writtenBytes: written, fileBytes: file.size() })
  await medium.finish()
  await first
  expect(file).toMatchObject({ writes: writes + 1, syncs: syncs + 1 })
  expect(log.size).toBe(file.size())
  expect(booked).toEqual([file.size()])
  await medium.finish()
  await Promise.all([next, later])
  expect(log.syncedBytes).toBe(file.size())
  expect(replay(file.contents()).payloads).toEqual([10, 20, ...lengths].map(length => payload(length)))
})

test.each<[string, (log: LogWriter) => unknown]>([
  ['a record that is not held', (log: LogWriter) => void log.append(payload(30))],
  ['a record too long to be held', (log: LogWriter) => void log.append(payload(300_000), 0, 300_000, true)],
  ['a record in slices', (log: LogWriter) => log.appendInSlices(payload(30), 0, 30, async work => work())],
  ['what must not come before them', (log: LogWriter) => log.writeHeld()],
])('held records are in the file before %s', async (_, write) => {
  const { file, log, medium } = await withWaitingSync()
  log.append(payload(40), 0, 40, true)
  log.append(payload(50), 0, 50, true)
  await write(log)
  const { payloads, droppedBytes } = replay(file.contents())
  expect(payloads.slice(0, 4)).toEqual([10, 20, 40, 50].map(length => payload(length)))
  expect(droppedBytes).toBe(0)
  expect(log.size).toBe(file.size())
  await medium.finish()
  await medium.finish()
})

test('more records than are held at once are written in order', async () => {
  const { file, log, medium, next } = await withWaitingSync()
  const { writes } = file
  for (let i = 0; i < 40; i++) log.append(payload(10_000, i), 0, 10_000, true)
  expect(file.writes).toBe(writes + 1)
  await medium.finish()
  await medium.finish()
  await next
  expect(replay(file.contents()).payloads.slice(2)).toEqual(Array.from({ length: 40 }, (_, i) => payload(10_000, i)))
})

test('a failed write of held records fails all who wait, and stops the log', async () => {
  const { file, log, medium, first, next } = await withWaitingSync()
  log.append(payload(40), 0, 40, true)
  const later = log.sync()
  const { syncs } = file
  const before = file.contents()
  file.before = operation => {
    if (operation === 'write') throw new Error('ENOSPC')
  }
  const outcomes = Promise.allSettled([first, next, later])
  await medium.finish()
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  await expect(next).rejects.toThrow(IoError)
  expect(log.poisoned).toBe(true)
  expect(log.fileBytes).toBe(before.length)
  expect(() => log.append(payload(1))).toThrow(PoisonedError)
  file.before = () => {}
  await log.close({ marker: true })
  expect(file.contents()).toEqual(before)
  expect(file.syncs).toBe(syncs)
})

test('nothing is held after a failed sync, nor written', async () => {
  const { file, log, medium, first, next } = await withWaitingSync()
  log.append(payload(40), 0, 40, true)
  const before = file.contents()
  const outcomes = Promise.allSettled([first, next])
  await medium.finish(new Error('EIO'))
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await log.close({ marker: true })
  expect(file.contents()).toEqual(before)
})

test('a close waits for held records', async () => {
  const { file, log, medium, next } = await withWaitingSync()
  log.append(payload(40), 0, 40, true)
  const closed = log.close({ marker: true })
  for (let i = 0; i < 3; i++) await medium.finish()
  await Promise.all([next, closed])
  expect(replay(file.contents())).toMatchObject({ records: 3, cleanlyClosed: true })
})
