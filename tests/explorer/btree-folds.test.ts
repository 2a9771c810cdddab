/** Hazards: a drawing of pages, units or the cache that says other than the engine; pages out of order; a picture that grows with the run. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Run } from '../../packages/explorer/src/run/run.js'
import type { History } from '../../packages/explorer/src/session/history.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { CacheFold } from '../../packages/explorer/src/views/cache-fold.js'
import type { Fold } from '../../packages/explorer/src/views/fold.js'
import { PagesFold, type PagesPicture } from '../../packages/explorer/src/views/pages-fold.js'
import { SpaceFold } from '../../packages/explorer/src/views/space-fold.js'
import { BtreeShapeFold } from '../../src/btree/fold-shape.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { SETTINGS } from './support/settings.js'

const BTREE = 1
const KEYS = 400

const get = (key: number): Operation => ({ type: 'get', key: `key${String(key).padStart(6, '0')}` })

async function perform(run: Run, ...operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) await run.add({ operation })
}

describe('the folds of a B+tree lane', () => {
  let events: TraceEvent[]
  let lsmEvents: TraceEvent[]
  /** Index of the first event after the reopening. */
  let reopened: number

  beforeAll(async () => {
    const [lsm, btree] = SETTINGS.lanes.map(lane => ({ ...lane, options: { ...lane.options, cacheSize: 16384 } }))
    const run = await Run.open({ seed: 1, lanes: [lsm, { ...btree, options: { ...btree.options, pageSize: 512 } }] })
    const fill = { kind: 'random', count: 500, valueBytes: 100, keys: KEYS } as const
    const someGets = Array.from({ length: KEYS / 8 }, (_, key) => get(key * 8))
    await run.add({ generator: { ...fill, seed: 3 } })
    await perform(run, { type: 'snapshot', name: 's' }, { type: 'flush' }, ...someGets)
    await run.add({ generator: { ...fill, seed: 4 } })
    await perform(run, { type: 'clear', from: 'key000100', to: 'key000180' }, { type: 'range', from: 'key000050', limit: 30 })
    await perform(run, { type: 'release', name: 's' }, { type: 'compact' }, ...someGets, { type: 'reopen' })
    reopened = eventsOf(run, BTREE).findLastIndex(event => event.type === 'job.begin' && event.kind === 'open')
    await perform(run, ...someGets)
    await run.add({ generator: { ...fill, seed: 5 } })
    await perform(run, ...Array.from({ length: KEYS }, (_, key) => get(key)))
    events = eventsOf(run, BTREE)
    lsmEvents = eventsOf(run, 0)
    await run.close()
  })

  it('count pages, units and cached pages as the engine does', () => {
    const [pages, space, cache, shape] = [new PagesFold(), new SpaceFold(), new CacheFold(), new BtreeShapeFold()]
    let mostDepth = 0
    let mostShadowed = 0
    for (const [index, event] of events.entries()) {
      for (const fold of [pages, space, cache, shape]) fold.apply(event)
      if (event.type !== 'operation.end') continue
      const { tree, memory, file } = shape.shape()
      const picture = pages.picture()
      expect(picture.levels.map(({ depth, pages, bytes }) => ({ depth, pages, bytes }))).toEqual(
        tree.map(({ depth, pages, bytes }) => ({ depth, pages, bytes })),
      )
      mostDepth = Math.max(mostDepth, tree.length)
      mostShadowed = Math.max(mostShadowed, picture.shadowed.count)
      const drawn = picture.levels.flatMap(level => level.drawn)
      // Before the reopening every page is known.
      if (index < reopened)
        expect(picture.levels.map(level => level.before + level.drawn.length + level.after)).toEqual(tree.map(level => level.pages))
      expect(drawn.every(page => page.fill === undefined || (page.fill > 0 && page.fill <= 1))).toBe(true)
      expect(cache.picture()).toMatchObject({ entries: memory.cachedPages, bytes: memory.cachedBytes })
      const { buckets, freeUnits, unitBytes, units } = space.picture()
      expect(freeUnits * unitBytes).toBe(file.freeBytes)
      if (index < reopened) expect(buckets.reduce((sum, bucket) => sum + bucket.free, 0)).toBe(freeUnits)
      // A checkpoint takes units before it writes them.
      expect(units).toBeGreaterThanOrEqual(Math.ceil(file.bytes / unitBytes))
    }
    expect(mostDepth).toBe(3)
    expect(mostShadowed).toBeGreaterThan(1)
  })

  it('have pages in the order of their keys, also those that an opening has found', () => {
    for (const [from, to] of [
      [0, reopened],
      [reopened, events.length],
    ]) {
      const fold = new PagesFold()
      let before = -1
      let gets = 0
      for (const [index, event] of events.entries()) {
        fold.apply(event)
        if (index >= to) break
        if (event.type === 'operation.begin' && event.kind !== 'get') before = -1
        if (index < from || event.type !== 'operation.end' || event.kind !== 'get') continue
        const { levels, path } = fold.picture()
        const leaves = levels.at(-1)!
        const at = leaves.before + leaves.drawn.findIndex(({ page }) => page === path.at(-1)!.page)
        expect(at).toBeGreaterThanOrEqual(before)
        before = at
        gets++
      }
      expect(gets).toBeGreaterThan(KEYS / 8)
    }
  })

  it('show the way of the last operation, and what a split made of a page', () => {
    const fold = new PagesFold()
    let splits = 0
    let merges = 0
    for (const event of events) {
      fold.apply(event)
      if (event.type === 'page.split') {
        const { sharing } = fold.picture()
        expect(sharing).toMatchObject({ kind: 'split', rule: event.rule, operation: event.operation })
        expect(sharing!.after.map(({ entries }) => entries)).toEqual(event.entries)
        expect(sharing!.separators).toHaveLength(sharing!.after.length - 1)
        splits++
      }
      if (event.type === 'page.merge') merges++
      if (event.type === 'operation.end' && event.kind === 'get') {
        const { path, shape, levels } = fold.picture()
        expect(path.map(({ depth }) => depth)).toEqual(levels.map(({ depth }) => depth))
        expect(path).toHaveLength(shape.height)
        expect(levels.flatMap(level => level.drawn.flatMap(({ page, slot }) => (slot === undefined ? [] : [page])))).toEqual(
          path.map(({ page }) => page),
        )
      }
    }
    expect([splits > 20, merges > 0]).toEqual([true, true])
  })

  it('know which pages are changed in memory: the same as the engine counts', () => {
    const fold = new PagesFold()
    for (const event of events) {
      fold.apply(event)
      if (event.type !== 'operation.end') continue
      const { levels, shape } = fold.picture()
      const isDirty = levels.some(level => level.drawn.some(({ state }) => state !== 'clean'))
      if (isDirty) expect(shape.memory.dirtyBytes).toBeGreaterThan(0)
      if (shape.memory.dirtyBytes === 0) expect(isDirty).toBe(false)
    }
  })

  it('know the cache of an LSM tree within its budget', () => {
    const fold = new CacheFold()
    let hits = 0
    for (const event of lsmEvents) {
      fold.apply(event)
      if (event.type === 'cache.hit') hits++
      const { bytes, capacityBytes, newest, evicted } = fold.picture()
      expect(bytes).toBeLessThanOrEqual(capacityBytes ?? 0)
      expect(newest.length + evicted.length).toBeLessThan(100)
    }
    expect(fold.picture().hits).toBe(hits)
    expect(fold.picture().evictions).toBeGreaterThan(0)
  })

  it('stay as they were while a clone goes on', () => {
    let folds: Fold<unknown>[] = [new PagesFold(), new SpaceFold(), new CacheFold()]
    for (const [index, event] of events.entries()) {
      const before = index % 97 === 0 ? { folds, pictures: folds.map(fold => fold.picture()) } : undefined
      if (before !== undefined) folds = folds.map(fold => fold.clone())
      for (const fold of folds) fold.apply(event)
      if (before !== undefined) expect(before.folds.map(fold => fold.picture())).toEqual(before.pictures)
    }
    const fromScratch = [new PagesFold(), new SpaceFold(), new CacheFold()]
    for (const event of events) for (const fold of fromScratch) fold.apply(event)
    expect(folds.map(fold => fold.picture())).toEqual(fromScratch.map(fold => fold.picture()))
  })

  it('draw a bounded part of many leaves, around the path', async () => {
    const run = await Run.open({ seed: 1, lanes: [SETTINGS.lanes[BTREE]] })
    await run.add({ generator: { kind: 'ascending', count: 2500, seed: 1, valueBytes: 100 } })
    await perform(run, get(1200))
    const fold = new PagesFold()
    for (const event of eventsOf(run, 0)) fold.apply(event)
    await run.close()
    const picture: PagesPicture = fold.picture()
    const leaves = picture.levels.at(-1)!
    expect(leaves.before + leaves.drawn.length + leaves.after).toBe(leaves.pages)
    expect(leaves.drawn).toHaveLength(200)
    expect(leaves.drawn.some(({ slot }) => slot !== undefined)).toBe(true)
  })
})

function eventsOf(run: Run, lane: number): TraceEvent[] {
  return run.moments.flatMap(moment => (moment.kind === 'event' && moment.lane === lane ? [moment.event] : []))
}

describe('the history of a page', () => {
  it('is that of the opening at the position, because every opening numbers pages anew', async () => {
    const session = new Session()
    await session.begin({ seed: 1, lanes: [SETTINGS.lanes[BTREE]] })
    const fill = { generator: { kind: 'random', count: 60, seed: 3, valueBytes: 100, keys: 400 } } as const
    const { moments } = await session.add([fill, { operation: { type: 'flush' } }, { generator: { ...fill.generator, seed: 4 } }])
    const { moments: end } = await session.add([{ operation: { type: 'reopen' } }, { operation: get(1) }, fill])
    const of = (page: number, position: number): Promise<History> => session.history({ lane: 0, kind: 'page', page }, position)
    const first = await of(2, moments)
    expect(first.summary.slice(0, 2)).toEqual([
      expect.stringMatching(/^Made by operation 1 \(put key000182 .*\), as a copy of page 1\.$/),
      expect.stringMatching(/^Split by operation 9 \(put key000113 .*\): pages 2, 4 share its entries\.$/),
    ])
    expect(first.summary.some(sentence => sentence.startsWith('Written at unit '))).toBe(true)
    const second = await of(2, end)
    expect(second.summary).not.toContain(first.summary[0])
    expect(second.entries[0].position).toBeGreaterThan(first.entries.at(-1)!.position)
  })
})
