import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, type EntryKind } from '../../src/codec/entry.js'
import { MAX_KEY_BYTES } from '../../src/codec/limits.js'
import { BATCH_HEADER_BYTES, BatchReader, WriteBatch } from '../../src/engine/batch.js'
import { CorruptionError } from '../../src/errors.js'

interface Operation {
  readonly kind: EntryKind
  readonly key: Uint8Array
  readonly value: Uint8Array
}

function build(operations: readonly Operation[], batch = new WriteBatch()): WriteBatch {
  for (const { kind, key, value } of operations) {
    if (kind === KIND_PUT) batch.put(key, value)
    else if (kind === KIND_DELETE) batch.del(key)
    else batch.deleteRange(key, value)
  }
  return batch
}

function read(reader: BatchReader): Operation[] {
  const operations = []
  while (reader.next()) operations.push({ kind: reader.kind, key: reader.key.copy(), value: reader.value.copy() })
  return operations
}

const bytes = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 120, max: 600 }).map(size => new Uint8Array(size).fill(size)) },
)
const operation = fc
  .record({ kind: fc.constantFrom<EntryKind>(KIND_PUT, KIND_DELETE, KIND_DELETE_RANGE), key: bytes, value: bytes })
  .map(({ kind, key, value }): Operation => ({ kind, key, value: kind === KIND_DELETE ? new Uint8Array(0) : value }))

describe('the write batch', () => {
  it('comes back as it went in, at every size where its memory grows, also when reused', () => {
    const reused = new WriteBatch()
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), fc.maxSafeNat(), (operations, sequence) => {
        const first = Math.min(sequence, Number.MAX_SAFE_INTEGER - 100)
        reused.clear()
        for (const batch of [build(operations), build(operations, reused)]) {
          batch.seal(first)
          const reader = batch.reader()
          expect([reader.firstSequence, reader.count, batch.count]).toEqual([first, operations.length, operations.length])
          expect(read(reader)).toEqual(operations)
          expect(batch.userBytes).toBe(operations.reduce((sum, { key, value }) => sum + key.length + value.length, 0))
        }
      }),
    )
  })

  it('an operation of any kind may be the one for which the memory grows', () => {
    for (const kind of [KIND_PUT, KIND_DELETE, KIND_DELETE_RANGE] as const) {
      for (let size = 0; size < 600; size++) {
        const last: Operation = { kind, key: new Uint8Array(40).fill(7), value: new Uint8Array(kind === KIND_DELETE ? 0 : 40).fill(9) }
        const operations: Operation[] = [{ kind: KIND_PUT, key: new Uint8Array(1), value: new Uint8Array(size) }, last]
        const batch = build(operations)
        batch.seal(1)
        expect(read(batch.reader())[1]).toEqual(last)
      }
    }
  })

  it('text is stored as UTF-8', () => {
    const batch = new WriteBatch()
    batch.put('kł😀', '\ud800é')
    batch.seal(1)
    const [put] = read(batch.reader())
    expect(put?.key).toEqual(new TextEncoder().encode('kł😀'))
    expect(put?.value).toEqual(new TextEncoder().encode('\ufffdé'))
  })

  it('a key that is too long is refused and leaves the batch as it was', () => {
    const batch = new WriteBatch()
    batch.put('a', '1')
    const key = new Uint8Array(MAX_KEY_BYTES + 1)
    for (const add of [() => batch.put(key, ''), () => batch.del(key), () => batch.deleteRange(key, key)]) {
      expect(add).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_KEY' }))
    }
    batch.seal(1)
    expect(read(batch.reader())).toHaveLength(1)
  })

  it('bytes that are cut off, added or of no known kind are not taken for a batch', () => {
    const batch = build([
      { kind: KIND_PUT, key: new Uint8Array(3), value: new Uint8Array(200) },
      { kind: KIND_DELETE, key: new Uint8Array(3), value: new Uint8Array(0) },
    ])
    batch.seal(1)
    const whole = batch.bytes.slice(0, batch.byteLength)
    const readAll = (damaged: Uint8Array): Operation[] => read(new BatchReader().reset(damaged, 0, damaged.length))
    expect(readAll(whole)).toHaveLength(2)
    for (let end = 0; end < whole.length; end++) expect(() => readAll(whole.subarray(0, end))).toThrow(CorruptionError)
    expect(() => readAll(Uint8Array.from([...whole, 0]))).toThrow(CorruptionError)
    const unknown = whole.slice()
    unknown[BATCH_HEADER_BYTES] = 4
    expect(() => readAll(unknown)).toThrow(CorruptionError)
    const endless = whole.slice().fill(0xff, BATCH_HEADER_BYTES + 1)
    expect(() => readAll(endless)).toThrow(CorruptionError)
  })

  it('encodes a long text in pieces that cut no character, or at once when its bytes are asked for', () => {
    const piece = 256 * 1024
    for (const before of [piece - 3, piece - 2, piece - 1, piece]) {
      const text = 'x'.repeat(before) + '😀é€\ud800'.repeat(1 << 20)
      for (const inSlices of [true, false]) {
        const batch = new WriteBatch()
        batch.put('a', text)
        batch.put('b', 'behind')
        expect(batch.isEncoded).toBe(false)
        let pieces = 0
        if (inSlices) for (const _ of batch.encodeInSlices()) pieces++
        expect(pieces).toBeGreaterThanOrEqual(inSlices ? Math.ceil(text.length / piece) : 0)
        batch.seal(1)
        const reader = batch.reader()
        expect([reader.next(), batch.isEncoded]).toEqual([true, true])
        expect(Buffer.compare(reader.value.copy(), Buffer.from(text))).toBe(0)
        expect([reader.next(), String.fromCharCode(...reader.value.copy()), reader.next()]).toEqual([true, 'behind', false])
      }
    }
  })
})
