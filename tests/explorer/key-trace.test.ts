/** Hazards: a key said to lie where it is not, or not where it is; an answer that no get gives; bytes that are not those of the version; stale bytes taken for live ones. */
import { beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LANES, HASH } from '../../packages/explorer/src/run/engine-lanes.js'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import type { KeyPlace, KeyTrace } from '../../packages/explorer/src/session/key-place.js'
import { Session } from '../../packages/explorer/src/session/session.js'

const KEYS = 60
const keyOf = (number: number): string => `key${String(number).padStart(6, '0')}`

/** Puts, deletions, clears of few and of many keys, flushes, snapshots and openings, in an order that stays the same. */
function mixed(): Operation[] {
  let state = 11
  const next = (below: number): number => (state = (state * 48271) % 2147483647) % below
  const operations: Operation[] = []
  for (let count = 0; count < 420; count++) {
    const key = keyOf(next(KEYS))
    const kind = next(40)
    if (kind < 24) operations.push({ type: 'put', key, value: `${count} `.repeat(1 + next(60)) })
    else if (kind < 31) operations.push({ type: 'del', key })
    else if (kind < 33) operations.push({ type: 'clear', from: key, to: keyOf(next(KEYS)) })
    else if (kind < 35) operations.push({ type: 'clear', from: key, to: `${key}~` })
    else if (kind === 35) operations.push({ type: 'snapshot', name: `s${count}` })
    else if (kind === 36) operations.push({ type: 'flush' })
    else if (kind === 37) operations.push({ type: 'get', key })
    else if (kind === 38)
      operations.push({
        type: 'batch',
        operations: [
          { type: 'del', key },
          { type: 'put', key: `${key}b`, value: 'b' },
        ],
      })
    else if (next(3) === 0) operations.push({ type: 'reopen' })
  }
  return operations
}

/** What a store holds after an operation. */
function after(state: ReadonlyMap<string, string>, operation: Operation): ReadonlyMap<string, string> {
  const now = new Map(state)
  const writes = operation.type === 'batch' ? operation.operations : [operation]
  for (const write of writes) {
    if (write.type === 'put') now.set(write.key, write.value)
    if (write.type === 'del') now.delete(write.key)
    if (write.type === 'clear') for (const key of state.keys()) if (key >= write.from! && key < write.to!) now.delete(key)
  }
  return now
}

const PLACES: Readonly<Record<string, readonly KeyPlace['in'][]>> = {
  lsm: ['log', 'memtable', 'table'],
  btree: ['leaf', 'leaf in memory', 'log'],
  hash: ['data file', 'log'],
}

describe.each([...DEFAULT_LANES, HASH])('the places of a key in a lane of $name', lane => {
  const session = new Session()
  const operations = mixed()
  const ends: number[] = []
  const states: ReadonlyMap<string, string>[] = []
  beforeAll(async () => {
    await session.begin({ seed: 1, lanes: [lane] })
    const { moments } = await session.add(operations.map(operation => ({ operation })))
    const rows = await session.operations(0, operations.length)
    for (const index of operations.keys()) {
      ends.push((rows[index + 1]?.start ?? moments + 1) - 1)
      states.push(after(states[index - 1] ?? new Map(), operations[index]))
      expect(rows[index].outcomes[0]?.status).not.toBe('failed')
    }
  })

  const trace = async (key: string, position: number): Promise<KeyTrace> => (await session.keyPlaces(0, key, position))!

  it('say what a get would find, at any time', async () => {
    for (let index = 6; index < operations.length; index += 17) {
      const key = keyOf((index * 13) % KEYS)
      const { places, answer } = await trace(key, ends[index])
      const value = states[index].get(key)
      const answering = places.filter(({ answers }) => answers)
      const at = `${key} after operation ${index}: ${JSON.stringify(operations[index])}`
      if (value === undefined) {
        expect([at, answer]).toEqual([at, expect.stringContaining('finds nothing')])
        expect([at, answering.filter(({ kind }) => kind !== 'tombstone')]).toEqual([at, []])
        continue
      }
      expect([at, answering.map(({ kind, valueBytes }) => [kind, valueBytes])]).toEqual([at, [['value', value.length]]])
      if (answering[0].value !== undefined) expect(value.startsWith(beginningOf(answering[0].value))).toBe(true)
    }
  })

  it('have the bytes that they say', async () => {
    const seen = new Set<string>()
    for (let index = 9; index < operations.length; index += 83) {
      for (let number = 0; number < KEYS; number += 11) {
        const { places, others } = await trace(keyOf(number), ends[index])
        for (const place of [...places, ...others]) {
          seen.add(place.in)
          await checkBytes(place, ends[index])
        }
      }
    }
    expect([...seen].sort()).toEqual(PLACES[lane.engine])
  })

  async function checkBytes({ value, bytes, kind }: KeyPlace, position: number): Promise<void> {
    if (bytes === undefined || kind !== 'value') return
    const { file, offset, length } = bytes
    const page = (await session.hex({ lane: 0, position, file, offset, rows: 40 + Math.ceil(length / 8) }))!
    const text = page.lines.map(line => line.text).join('')
    expect(text).toContain(beginningOf(value!).slice(0, 8))
  }
})

/** The characters of a value that are shown. */
function beginningOf(shown: string): string {
  return /^"(.*)"/s.exec(shown)![1]
}

describe('versions that do not count', () => {
  let session: Session
  let end: number
  beforeAll(async () => {
    session = new Session()
    await session.begin({ seed: 1, lanes: DEFAULT_LANES })
    const lines = [
      'put mars old sync',
      'random 150',
      'flush',
      'snapshot before',
      'put mars new',
      'flush',
      'put mars newest',
      'random 60 seed 2',
      'flush',
      'put mars now',
    ]
    ;({ moments: end } = await session.add(linesOf(lines)))
  })

  it('in an LSM tree: what hides each, and which snapshot still reads it', async () => {
    const { places } = (await session.keyPlaces(0, 'mars', end))!
    expect(places.map(({ value, kind }) => value ?? kind)).toEqual(['value', '"newest"', '"new"', '"old"'].slice(0, places.length))
    expect(places.at(-1)).toMatchObject({
      value: '"old"',
      why: expect.stringMatching(/but the snapshot of sequence number \d+ reads it/) as string,
    })
  })

  it('in a B+tree: the leaf of the last checkpoint, one that a snapshot holds, and stale bytes', async () => {
    const { places, others } = (await session.keyPlaces(1, 'mars', end))!
    expect(places.map(({ in: place, value }) => [place, value])).toEqual([
      ['leaf in memory', '"now"'],
      ['leaf', '"newest"'],
    ])
    const leaves = others.filter(({ in: place }) => place === 'leaf')
    expect(leaves.find(({ value }) => value === '"old"')?.why).toContain('still holds it')
    expect(others.filter(({ in: place }) => place === 'log').map(({ value }) => value)).toEqual(['"now"'])
    const stale = leaves.filter(({ why }) => why.startsWith('stale bytes'))
    for (const { value } of stale) expect(['"old"', '"new"']).toContain(value)
  })

  it('are the same in a recording of the lane', async () => {
    const other = new Session()
    const { moments } = await other.openFiles([{ name: 'trace.jsonl', contents: new Blob([await session.trace(1)]) }])
    expect(await other.keyPlaces(0, 'mars', moments)).toEqual(await session.keyPlaces(1, 'mars', end))
  })

  it('after a crash are those that it left, and what the logs bring back', async () => {
    const { lanes } = await session.look({ position: end, pictures: [] })
    const crashes = lanes.map(({ name, events }) => `crash ${name} event ${events} none`)
    const { moments } = await session.add(linesOf(crashes))
    for (const lane of [0, 1]) {
      const { places, answer } = (await session.keyPlaces(lane, 'mars', moments))!
      expect([answer, places[0]]).toEqual([
        expect.stringContaining('A get finds the'),
        expect.objectContaining({ value: '"newest"', answers: true }),
      ])
    }
  })
})
