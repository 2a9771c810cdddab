import fc from 'fast-check'
import { KIND_DELETE, KIND_PUT, MAX_SEQUENCE } from '../../../src/codec/entry.js'
import { compareEntries, type Entry } from './built-table.js'

/** Keys that share prefixes, contain zeros, are empty, or are as long as a key may be. */
const letters = fc.constantFrom(0, 1, 0x61, 0x62, 0xff)
export const nastyKey = fc.oneof(
  { weight: 10, arbitrary: fc.array(letters, { maxLength: 7 }).map(bytes => Uint8Array.from(bytes)) },
  { weight: 5, arbitrary: fc.array(letters, { maxLength: 3 }).map(bytes => Uint8Array.from([0x61, 0x61, 0x61, 0x61, 0x61, ...bytes])) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(126, 300, 65_536), letters).map(([n, byte]) => new Uint8Array(n).fill(byte)) },
)

const sequence = fc.oneof(fc.nat(40), fc.constantFrom(2 ** 26 - 1, 2 ** 26, 2 ** 31, 2 ** 33 + 1, 2 ** 40, MAX_SEQUENCE - 1, MAX_SEQUENCE))
const value = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(120, 128, 700, 5000), fc.nat(255)).map(([n, byte]) => new Uint8Array(n).fill(byte)) },
  { weight: 1, arbitrary: fc.constantFrom(65_536, 300_000).map(n => new Uint8Array(n).fill(n)) },
)

/** Entries in internal order, without repeats: several versions of many keys. */
export const entryLists = fc
  .array(fc.record({ key: nastyKey, sequence, deleted: fc.boolean(), value }), { minLength: 1, maxLength: 60 })
  .map(list => {
    const entries = list.map(({ key, sequence, deleted, value }): Entry =>
      deleted ? { key, sequence, kind: KIND_DELETE, value: new Uint8Array(0) } : { key, sequence, kind: KIND_PUT, value },
    )
    entries.sort(compareEntries)
    return entries.filter((entry, i) => i === 0 || compareEntries(entries[i - 1], entry) !== 0)
  })
