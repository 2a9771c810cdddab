import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteView, KIND_DELETE, KIND_PUT, MAX_SEQUENCE, Skiplist } from '../../src/skiplist/index.js'
import { bundledProgram } from '../support/bundled-program.js'
import { seededRandom } from './support/seeded-random.js'

const bytes = (text: string) => new TextEncoder().encode(text)

function contents(list: Skiplist): string[] {
  const cursor = list.cursor()
  const seen: string[] = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    seen.push(`${cursor.key.copy().join(',')}@${cursor.sequence}:${cursor.kind}=${cursor.value.copy().join(',')}`)
  }
  return seen
}

describe('the arena of a skiplist', () => {
  it('an entry that does not fit leaves no trace', () => {
    const list = new Skiplist({ capacityBytes: 2000, random: seededRandom(3) })
    let i = 0
    while (list.put(bytes(`key ${i % 7} ${i}`), new Uint8Array(30).fill(i))) i++
    expect(i).toBeGreaterThan(15)
    const before = new Uint8Array(list.transferable().buffer).slice()
    const used = list.bytesUsed
    for (const key of ['a', 'key 3', 'z']) expect(list.put(bytes(key), new Uint8Array(200))).toBe(false)
    expect(list.insert(bytes('k'), 0, 1, new Uint8Array(4000), 0, 4000, 9, KIND_PUT)).toBe(false)
    expect(new Uint8Array(list.transferable().buffer)).toEqual(before)
    expect([list.count, list.bytesUsed]).toEqual([i, used])
  })

  it('bytesFor is enough for every entry, also under the tallest tower', () => {
    fc.assert(
      fc.property(fc.nat(70), fc.nat(150), fc.integer(), (keyLength, valueLength, seed) => {
        const promised = Skiplist.bytesFor(keyLength, valueLength)
        const list = new Skiplist({ capacityBytes: Skiplist.HEAD_BYTES + promised, random: seededRandom(seed) })
        expect(list.put(new Uint8Array(keyLength), new Uint8Array(valueLength).fill(7))).toBe(true)
        expect(list.bytesUsed).toBeLessThanOrEqual(list.capacityBytes)
        expect(list.get(new Uint8Array(keyLength))).toEqual(new Uint8Array(valueLength).fill(7))
      }),
    )
    // The worst draw: zero bits all through, the tallest tower.
    const tall = new Skiplist({ capacityBytes: Skiplist.HEAD_BYTES + Skiplist.bytesFor(5, 9), random: { uint32: () => 0 } })
    expect(tall.put(new Uint8Array(5), new Uint8Array(9))).toBe(true)
    expect(tall.bytesUsed).toBe(tall.capacityBytes)
  })

  it('a key of 64 KiB and a value of megabytes come back whole', () => {
    const key = new Uint8Array(65536).map((_, i) => i * 31)
    const longer = Uint8Array.from([...key, 0])
    const value = new Uint8Array(5_000_001).map((_, i) => i * 17)
    const list = new Skiplist({ capacityBytes: 6 << 20, random: seededRandom(4) })
    expect(list.put(longer, bytes('longer'))).toBe(true)
    expect(list.put(key, value)).toBe(true)
    const view = new ByteView()
    list.setValueView(list.find(key, 0, key.length, MAX_SEQUENCE), view)
    expect(Buffer.compare(view.copy(), value)).toBe(0)
    expect(list.get(longer)).toEqual(bytes('longer'))
    const cursor = list.cursor()
    expect(cursor.first() && cursor.key.length).toBe(65536)
    expect(cursor.next() && cursor.key.length).toBe(65537)
  })

  it('offsets near 2^31 do not overflow', () => {
    // Untouched pages of so large an arena cost no memory: only the words in use are set ahead.
    const list = new Skiplist({ capacityBytes: 2 ** 31 - 8, random: seededRandom(4) })
    list.put(bytes('low'), bytes('first'))
    const words = new Int32Array(list.transferable().buffer)
    words[1] = 2 ** 29 - 2 - 400
    let i = 0
    while (list.put(bytes(`high ${i}`), bytes(`value ${i}`))) i++
    expect(i).toBeGreaterThan(30)
    for (let j = 0; j < i; j++) expect(list.get(bytes(`high ${j}`))).toEqual(bytes(`value ${j}`))
    expect(contents(list).length).toBe(i + 1)
    expect(list.get(bytes('low'))).toEqual(bytes('first'))
  })

  it('what earlier entries left in a reset arena is never read', () => {
    const list = new Skiplist({ capacityBytes: 4000, random: seededRandom(5) })
    const empty = list.bytesUsed
    while (list.insert(bytes('ffffffffff'), 0, 10, new Uint8Array(33).fill(255), 0, 33, list.count, KIND_PUT));
    list.reset()
    expect([list.count, list.bytesUsed, list.cursor().first(), list.get(bytes('ffffffffff'))]).toEqual([0, empty, false, undefined])
    const fresh = new Skiplist({ capacityBytes: 4000, random: seededRandom(6) })
    const again = new Skiplist({ capacityBytes: 4000, random: seededRandom(6) })
    while (again.put(bytes(`x${again.count}`), new Uint8Array(57).fill(255)));
    again.reset()
    const keys = ['b', '', 'ab', 'abcde', 'a', 'abcd', ...Array.from({ length: 60 }, (_, i) => String((i * 37) % 61))]
    for (const [i, key] of keys.entries()) {
      for (const each of [list, fresh, again]) each.insert(bytes(key), 0, key.length, bytes(key), 0, key.length, i, KIND_PUT)
    }
    expect(contents(list)).toEqual(contents(fresh))
    expect(contents(again)).toEqual(contents(fresh))
  })

  it('the same seed gives the same bytes', () => {
    const image = (seed: number) => {
      const list = new Skiplist({ capacityBytes: 20_000, random: seededRandom(seed) })
      for (let i = 0; i < 150; i++) list.put(bytes(`key ${(i * 37) % 101}`), bytes(`value ${i}`))
      return new Uint8Array(list.transferable().buffer)
    }
    expect(image(1)).toEqual(image(1))
    expect(image(1)).not.toEqual(image(2))
  })

  it('a view sees what its owner sees and cannot write', () => {
    for (const shared of [false, true]) {
      const list = new Skiplist({ capacityBytes: 1 << 16, shared, random: seededRandom(7) })
      for (let i = 0; i < 100; i++) list.put(bytes(`key ${(i * 37) % 101}`), bytes(`value ${i}`))
      const view = Skiplist.view(list.transferable())
      expect(contents(view)).toEqual(contents(list))
      list.put(bytes('later'), bytes('seen'))
      expect([view.count, view.bytesUsed, view.get(bytes('later'))]).toEqual([list.count, list.bytesUsed, bytes('seen')])
      expect(() => view.put(bytes('a'), bytes('b'))).toThrow(/read-only/)
      expect(() => view.reset()).toThrow(/read-only/)
    }
  })

  it('another thread reads a shared list without a copy', async () => {
    const list = new Skiplist({ capacityBytes: 1 << 18, shared: true, random: seededRandom(8) })
    for (let i = 0; i < 1000; i++) {
      const key = bytes(`key ${(i * 37) % 211}`)
      list.insert(key, 0, key.length, key, 0, i % key.length, 2 ** 40 + i, i % 9 === 0 ? KIND_DELETE : KIND_PUT)
    }
    const worker = new Worker(bundledProgram(join(import.meta.dirname, 'support/reader-worker.ts')), { workerData: list.transferable() })
    const report = await new Promise<{ forward: string[]; backward: string[] }>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    const forward = contents(list)
    expect(forward.length).toBe(1000)
    expect(report).toEqual({
      count: 1000,
      shared: true,
      found: 1000,
      forward,
      backward: forward.map(entry => entry.split('@')[0]).reverse(),
    })
  })

  it('misuse is refused by name', () => {
    const random = seededRandom(9)
    for (const capacityBytes of [0, -1, 1.5, Number.NaN, 2 ** 31, Skiplist.HEAD_BYTES - 1]) {
      expect(() => new Skiplist({ capacityBytes, random })).toThrow(/capacityBytes of a skiplist must be a whole number/)
    }
    const list = new Skiplist({ capacityBytes: 1000, random })
    const key = bytes('key')
    expect(() => list.insert(key, 0, 4, key, 0, 3, 1, KIND_PUT)).toThrow(/key range 0\.\.4 is not within its array of 3 bytes/)
    expect(() => list.insert(key, 0, 3, key, 2, 1, 1, KIND_PUT)).toThrow(/value range 2\.\.1/)
    for (const sequence of [-1, 2 ** 53, Number.NaN])
      expect(() => list.insert(key, 0, 3, key, 0, 3, sequence, KIND_PUT)).toThrow(/sequence must be/)
    expect(list.count).toBe(0)
    expect(() => Skiplist.view({ buffer: new ArrayBuffer(1000) })).toThrow(/holds no skiplist/)
    expect(() => Skiplist.view({ buffer: new ArrayBuffer(3) })).toThrow(/holds no skiplist/)
  })

  it('used as a plain map it hides old and deleted values', () => {
    const list = new Skiplist({ capacityBytes: 10_000, random: seededRandom(10) })
    for (const value of ['one', 'two', 'three']) list.put(bytes('key'), bytes(value))
    expect(list.get(bytes('key'))).toEqual(bytes('three'))
    list.insert(bytes('key'), 0, 3, bytes(''), 0, 0, list.count + 1, KIND_DELETE)
    expect(list.get(bytes('key'))).toBe(undefined)
    expect(list.count).toBe(4)
  })
})
