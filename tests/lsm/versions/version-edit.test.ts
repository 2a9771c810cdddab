import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CorruptionError } from '../../../src/errors.js'
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from '../../../src/lsm/versions/version-edit.js'

const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const key = fc.uint8Array({ maxLength: 300 })
const REQUIRED = [
  'number',
  'level',
  'run',
  'fileBytes',
  'entries',
  'tombstones',
  'rangeTombstones',
  'rawBytes',
  'minSequence',
  'maxSequence',
  'smallest',
  'largest',
] as const
const meta = fc.record(
  {
    number,
    level: fc.nat(64),
    run: number,
    fileBytes: number,
    entries: number,
    tombstones: number,
    rangeTombstones: number,
    rawBytes: number,
    minSequence: number,
    maxSequence: number,
    smallest: key,
    largest: key,
    halfExpiredAt: number,
    blobs: fc.array(fc.tuple(number, number)),
  },
  { requiredKeys: [...REQUIRED] },
)
const edit = fc.record(
  {
    nextFile: number,
    lastSequence: number,
    firstLog: number,
    logs: fc.array(number),
    deleted: fc.array(number),
    added: fc.array(meta),
    wholeLogs: fc.array(fc.record({ number, bytes: number })),
    blobs: fc.array(fc.record({ number, fileBytes: number, valueBytes: number })),
  },
  { requiredKeys: ['logs', 'deleted', 'added', 'wholeLogs', 'blobs'] },
)

describe('a version edit', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(edit, original => {
        expect(decodeVersionEdit(encodeVersionEdit(original as VersionEdit))).toEqual(original)
      }),
    )
  })

  it('with a field of an unknown kind is refused, not guessed at', () => {
    expect(() => decodeVersionEdit(Uint8Array.of(1, 5, 99, 1))).toThrow(CorruptionError)
    expect(() => decodeVersionEdit(Uint8Array.of(0))).toThrow(CorruptionError)
  })

  it('that puts a table into an absurd level is refused before anything is sized by it', () => {
    const [absurd] = fc.sample(meta, 1).map(each => ({ ...each, level: 1e9 }))
    expect(() => decodeVersionEdit(encodeVersionEdit({ added: [absurd] }))).toThrow(CorruptionError)
  })

  it('that is cut off or is any other bytes is a CorruptionError or an edit, never a crash or a hang', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          edit.map(each => encodeVersionEdit(each as VersionEdit)),
        ),
        fc.nat(),
        (bytes, cut) => {
          try {
            decodeVersionEdit(bytes.subarray(0, cut % (bytes.length + 1)))
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptionError)
          }
        },
      ),
    )
  })
})
