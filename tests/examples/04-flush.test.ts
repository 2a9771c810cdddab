import { expect, test } from 'vitest'
import * as example from '../../examples/04-flush.js'
import { record } from '../../examples/lab/lab.js'

test('the table of example 4 has the bytes that its format takes for these keys', async () => {
  const { numbers } = await record(4, '', example)
  // 40 keys of 9 bytes; 8 values "left", 32 "joined in 19xx"; 48 versions were put.
  const values = 8 * 4 + 32 * 14
  expect(numbers).toMatchObject({ versions: 48, dropped: 8, entries: 40, values, 'user-bytes': 40 * 9 + values })
  // 5 blocks: two words of header, a byte and a word of trailer each. A slot is a word of key and a word of place.
  expect(numbers).toMatchObject({ headers: 5 * 8, trailers: 5 * 5, slots: 40 * 8, lengths: 40 * 2 })
  // A tag of one byte has room for sequence numbers up to 31. The first 8 keys have 41 to 48, the others 9 to 40.
  expect(numbers['tags']).toBe((31 - 8) * 1 + (8 + 40 - 31) * 2)
  // 10 bits per key and 8 bytes of header; a trailer. The footer: four handles of 12, number 8, version 4, checksum 4, magic 8.
  expect(numbers).toMatchObject({ filter: 8 + (40 * 10) / 8 + 5, footer: 4 * 12 + 8 + 4 + 4 + 8 })
  // "user:0011" in a block of "user:001...": a slot; two lengths, a suffix of 1, a tag of 1, the value.
  expect(numbers['entry-bytes']).toBe(8 + 2 + 1 + 1 + 14)

  const parts = [
    'headers',
    'prefixes',
    'slots',
    'lengths',
    'suffixes',
    'tags',
    'values',
    'trailers',
    'filter',
    'index',
    'properties',
    'footer',
  ]
  expect(parts.reduce((sum, part) => sum + Number(numbers[part]), 0)).toBe(numbers['file-bytes'])
})
