/** Hazards: a directory that leads elsewhere than the engine reads, files or merges drawn otherwise than they are, a picture that grows with the run. */
import { beforeAll, describe, expect, it } from 'vitest'
import { HASH } from '../../packages/explorer/src/run/engine-lanes.js'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Run } from '../../packages/explorer/src/run/run.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { DataFold, type DataPicture } from '../../packages/explorer/src/views/data-fold.js'
import { HashShapeFold } from '../../src/hash/fold-shape.js'
import type { TraceEvent } from '../../src/trace/events.js'

const KEYS = 120
const keyOf = (number: number): string => `key${String(number).padStart(6, '0')}`
const get = (key: number): Operation => ({ type: 'get', key: keyOf(key) })
const FILL = { kind: 'random', count: 300, valueBytes: 100, keys: KEYS } as const

describe('the folds of a hash lane', () => {
  let events: readonly TraceEvent[]

  beforeAll(async () => {
    const run = await Run.open({ seed: 1, lanes: [HASH] })
    await run.add({ generator: { ...FILL, seed: 3 } })
    const operations: readonly Operation[] = [
      { type: 'snapshot', name: 's' },
      { type: 'clear', from: keyOf(10), to: keyOf(30) },
      ...Array.from({ length: 20 }, (_, key) => get(key * 5)),
      { type: 'release', name: 's' },
      { type: 'del', key: keyOf(50) },
      { type: 'compact' },
      { type: 'reopen' },
      ...Array.from({ length: 20 }, (_, key) => get(key * 5)),
    ]
    for (const operation of operations) await run.add({ operation })
    await run.add({ generator: { ...FILL, seed: 4 } })
    events = run.moments.flatMap(moment => (moment.kind === 'event' ? [moment.event] : []))
    await run.close()
  })

  it('lead every search to where the directory says, and know the same files', () => {
    const [fold, shape] = [new DataFold(), new HashShapeFold()]
    const outcomes = new Set<string>()
    for (const event of events) {
      if (event.type === 'directory.search') {
        const key = new TextDecoder().decode(event.key)
        outcomes.add(event.outcome)
        expect(pick(fold.find(key))).toEqual(pick(event.outcome === 'hit' ? event : undefined))
      }
      fold.apply(event)
      shape.apply(event)
    }
    const picture = fold.picture()
    expect(outcomes).toEqual(new Set(['hit', 'miss']))
    expect(picture.shape).toEqual(shape.shape())
    expect(picture.placed).toBe(shape.shape().entries)
    expect(picture).toMatchObject({ mergeThreshold: 50, maxFileSize: 16_384 })
  })

  it('count every put that a merge meets', () => {
    const fold = new DataFold()
    let merges = 0
    for (const event of events) {
      const { shape } = fold.picture()
      fold.apply(event)
      const { merge } = fold.picture()
      if (event.type !== 'data.add' || event.replaces.length === 0) continue
      merges++
      const puts = shape.files.filter(({ number }) => event.replaces.includes(number)).reduce((sum, file) => sum + file.puts, 0)
      const { kept, dead, expired } = merge!.fates
      expect([merge!.inputs, merge!.output, kept + dead + expired]).toEqual([event.replaces, event.file, puts])
      expect(kept).toBe(event.puts)
    }
    expect(merges).toBeGreaterThan(1)
  })

  it('go on by themselves after a clone, and are bounded', () => {
    const fold = new DataFold()
    const middle = Math.floor(events.length / 2)
    for (const event of events.slice(0, middle)) fold.apply(event)
    const before = JSON.stringify(fold.picture())
    const clone = fold.clone()
    for (const event of events.slice(middle)) clone.apply(event)
    expect(JSON.stringify(fold.picture())).toBe(before)
    for (const event of events.slice(middle)) fold.apply(event)
    const picture: DataPicture = fold.picture()
    expect(clone.picture()).toEqual(picture)
    expect(picture.records.length).toBeLessThan(60)
    expect(JSON.stringify(picture).length).toBeLessThan(20_000)
  })
})

it('predicts a hash lane beside what it has measured', async () => {
  const session = new Session()
  await session.begin({ seed: 1, lanes: [HASH] })
  const { moments } = await session.add([{ generator: { ...FILL, count: 500, seed: 5 } }, { operation: get(3) }])
  const { rows } = await session.prediction(0, moments)
  const errors = rows.map(({ name, predicted, measured }) => [name, Math.abs(predicted - measured!) / measured!] as const)
  expect(rows.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['written per user byte', 'merges', 'memory per key', 'files per live byte']),
  )
  for (const [name, error] of errors)
    if (name === 'written per user byte' || name === 'log') expect([name, error < 0.15]).toEqual([name, true])
})

function pick(place: { readonly file?: number; readonly offset?: number } | undefined): readonly unknown[] {
  return [place?.file, place?.offset]
}
