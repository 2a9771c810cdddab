import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Kvarium } from '../../src/index.js'
import type { CorruptionError } from '../../src/index.js'
import { openStore, readerOf } from './support/shared-store.js'

const keyOf = (number: number): string => `key ${String(number).padStart(4, '0')}`

interface Answer {
  readonly value?: string | undefined
  readonly code?: string
  readonly file?: string
  readonly offset?: number
}

function answerOf(read: () => string | undefined): Answer {
  try {
    return { value: read() }
  } catch (error) {
    const { code, file, offset } = error as CorruptionError
    return { code, file: file!, offset: offset! }
  }
}

/** The file with the most data: a table, or the data file of a B+tree. */
function largestFile(db: Kvarium): string {
  const paths = readdirSync(db.location)
    .filter(name => !name.endsWith('.log'))
    .map(name => join(db.location, name))
  return paths.reduce((largest, path) => (statSync(path).size > statSync(largest).size ? path : largest))
}

function flip(path: string, offset: number): void {
  const file = openSync(path, 'r+')
  const byte = new Uint8Array(1)
  readSync(file, byte, 0, 1, offset)
  byte[0] ^= 0x40
  writeSync(file, byte, 0, 1, offset)
  closeSync(file)
}

const SUBJECTS = [
  ['lsm', 'none'],
  ['btree', 'none'],
  ['btree', 'lz4'],
] as const

describe.each(SUBJECTS)('damage under a reader of %s with compression %s', (engine, compression) => {
  it('is the same LEVEL_CORRUPTION, with file and offset, that the store reports, and never a missing key', async () => {
    const db = await openStore(engine, { compression, cacheSize: 0, maxFileSize: 1 << 20 })
    await db.batch(Array.from({ length: 2000 }, (_, i) => ({ type: 'put', key: keyOf(i), value: `value ${i} `.repeat(8) })))
    await db.compactRange()
    await db.settle()
    const path = largestFile(db)
    const { size } = statSync(path)
    const share = await db.share()
    let damaged = 0
    for (let part = 1; part < 8; part++) {
      const offset = Math.floor((size * part) / 8)
      const reader = await readerOf(share, { cacheSize: 0 })
      flip(path, offset)
      for (let i = 0; i < 2000; i += 7) {
        const stores = answerOf(() => db.getSync(keyOf(i)))
        expect(answerOf(() => reader.getSync(keyOf(i)))).toEqual(stores)
        if (stores.code === undefined) expect(stores.value).toBeDefined()
        else damaged++
        if (stores.code !== undefined) expect(stores).toMatchObject({ code: 'LEVEL_CORRUPTION', file: path })
      }
      flip(path, offset)
      await reader.close()
    }
    expect(damaged).toBeGreaterThan(3)
  })

  it('in what is read at the opening fails the opening, and the store goes on', async () => {
    const db = await openStore(engine, { compression, maxFileSize: 1 << 20 })
    await db.batch(Array.from({ length: 2000 }, (_, i) => ({ type: 'put', key: keyOf(i), value: `value ${i}` })))
    await db.clear({ lt: keyOf(1000) })
    await db.flush()
    const path = largestFile(db)
    const share = await db.share()
    const handle = share.handle()
    const { size } = statSync(path)
    const before = openSync(path, 'r+')
    const bytes = new Uint8Array(size)
    readSync(before, bytes, 0, size, 0)
    writeSync(before, new Uint8Array(size), 0, size, 0)
    const outcome = await readerOf({ handle: () => handle } as typeof share).then(
      async reader => answerOf(() => reader.getSync(keyOf(1500))).code,
      (error: unknown) => (error as CorruptionError).code,
    )
    writeSync(before, bytes, 0, size, 0)
    closeSync(before)
    expect(outcome).toBe('LEVEL_CORRUPTION')
    expect(await db.get(keyOf(1500))).toBe('value 1500')
  })
})
