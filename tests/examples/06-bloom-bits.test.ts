/** What example 6 shows, by hand: the positions from the hash that docs/formats/sstable.md names, the rates from Bloom's formula. */
import { beforeAll, describe, expect, it } from 'vitest'
import xxhash from 'xxhash-wasm'
import { question, run } from '../../examples/06-bloom-bits.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { record } from '../../examples/lab/lab.js'

const ANIMALS = ['ant', 'bat', 'cat', 'dog', 'elk', 'fox', 'gnu', 'hen', 'ibis', 'jay', 'koi', 'zebra']
const BITS = 120
const POSITIONS = 7

let recording: Recording
let hash: (key: string) => bigint

beforeAll(async () => {
  recording = await record(6, '06-bloom-bits', { question, run })
  const { h32 } = await xxhash()
  hash = key => BigInt(h32(key, 0x6b766172))
})

/** ((h + i·d) mod 2^32) mod bits, where d is h rotated right by 15, with its lowest bit set. */
function positionsOf(key: string): number[] {
  const h = hash(key)
  const d = (h >> 15n) | ((h << 17n) & 0xffffffffn) | 1n
  return Array.from({ length: POSITIONS }, (_, i) => Number(((h + BigInt(i) * d) % 2n ** 32n) % BigInt(BITS)))
}

describe('the filter of twelve animals', () => {
  it('has the bits of their positions set, and no other', () => {
    const set = new Set(ANIMALS.flatMap(positionsOf))
    expect(recording.numbers['zoo-set']).toBe(set.size)
    const drawing = recording.items.find(item => item.kind === 'lines')!
    const bits = drawing.lines.map(line => line.slice(4).replaceAll(' ', '')).join('')
    expect(bits).toBe(Array.from({ length: BITS }, (_, at) => (set.has(at) ? '1' : '0')).join(''))
  })

  it.each(['cat', 'cow', 'ghost 317'])('is asked for %s where its hash says, up to the first bit that is not set', key => {
    const set = new Set(ANIMALS.flatMap(positionsOf))
    const positions = positionsOf(key)
    const unset = positions.findIndex(at => !set.has(at))
    const asked = unset === -1 ? positions : positions.slice(0, unset + 1)
    const call = recording.items.findIndex(item => item.kind === 'call' && item.text === `get("${key}")`)
    const probe = recording.items.slice(call).find(item => item.kind === 'event' && item.event.type === 'bloom.probe')
    expect(probe).toMatchObject({ event: { positions: asked, mayContain: unset === -1 } })
  })
})

describe('the share of absent keys that pass', () => {
  it.each([
    // k = (m/n) ln 2: 1.39, 2.77, 4.16, 5.55, 6.93, 8.32, 11.09
    [2, 1],
    [4, 3],
    [6, 4],
    [8, 6],
    [10, 7],
    [12, 8],
    [16, 11],
  ])('with %i bits per key is (1 - e^(-k/b))^k for %i positions, within three deviations', (b, k) => {
    const p = 100 * (1 - Math.exp(-k / b)) ** k
    const { numbers } = recording
    const tries = 4 * 19_000
    const deviation = 100 * Math.sqrt(((p / 100) * (1 - p / 100)) / tries)
    expect(numbers.tries).toBe(tries)
    expect(numbers[`theory-${b}`]).toBeCloseTo(p, 10)
    expect(Math.abs(Number(numbers[`counted-${b}`]) - p)).toBeLessThan(3 * deviation)
    // A get asks four tables, and reads a block of each whose filter lets the key pass.
    expect(numbers[`blocks-${b}`]).toBeCloseTo((4 * Number(numbers[`counted-${b}`])) / 100, 10)
  })

  it('is all of them without a filter', () => {
    expect(recording.numbers).toMatchObject({ 'counted-0': 100, 'blocks-0': 4 })
  })
})
