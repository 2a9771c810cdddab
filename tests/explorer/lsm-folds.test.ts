/** Hazards: a drawing that says other than the engine; a fold whose clone is not the same; a picture that grows with the run. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Run } from '../../packages/explorer/src/run/run.js'
import { LevelsFold } from '../../packages/explorer/src/views/levels-fold.js'
import { LogFold } from '../../packages/explorer/src/views/log-fold.js'
import { MemtableFold } from '../../packages/explorer/src/views/memtable-fold.js'
import { MergeFold } from '../../packages/explorer/src/views/merge-fold.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { SETTINGS } from './support/settings.js'

const LSM = 0

async function perform(run: Run, ...operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) await run.add({ operation })
}

function eventsOf(run: Run, lane: number): TraceEvent[] {
  return run.moments.flatMap(moment => (moment.kind === 'event' && moment.lane === lane ? [moment.event] : []))
}

describe('the folds of an LSM lane', () => {
  let events: TraceEvent[]
  let btreeEvents: TraceEvent[]

  beforeAll(async () => {
    const run = await Run.open(SETTINGS)
    const fill = { kind: 'random', count: 400, valueBytes: 100, keys: 150 } as const
    await run.add({ generator: { ...fill, seed: 3 } })
    await perform(run, { type: 'snapshot', name: 's' }, { type: 'clear', from: 'key000010', to: 'key000020' })
    await run.add({ generator: { ...fill, seed: 4 } })
    await perform(
      run,
      { type: 'del', key: 'key000001' },
      { type: 'del', key: 'key000002', sync: true },
      { type: 'get', key: 'key000002' },
      { type: 'get', key: 'key000003' },
      { type: 'get', key: 'key0000035' },
      { type: 'release', name: 's' },
      { type: 'compact' },
      { type: 'reopen' },
      { type: 'put', key: 'key000003', value: 'new' },
      { type: 'get', key: 'key000003' },
      { type: 'get', key: 'absent' },
    )
    events = eventsOf(run, LSM)
    btreeEvents = eventsOf(run, 1)
    await run.close()
  })

  it('have a tower for every version in a memtable, in the order of keys, also while the clone goes on', () => {
    let fold = new MemtableFold()
    const shape = new LevelsFold()
    let most = 0
    for (const [index, event] of events.entries()) {
      const before = index % 50 === 0 ? { fold, picture: fold.picture() } : undefined
      if (before !== undefined) fold = fold.clone()
      fold.apply(event)
      shape.apply(event)
      if (before !== undefined) expect(before.fold.picture()).toEqual(before.picture)
      if (index % 20 !== 0) continue
      const { memtables } = fold.picture()
      const { memtable, frozen } = shape.picture()
      const held = [memtable, ...frozen].slice(0, memtables.length)
      expect(
        memtables.map(({ entries, bytes, capacityBytes, rangeTombstones }) => ({ entries, bytes, capacityBytes, rangeTombstones })),
      ).toEqual(held)
      for (const { columns, entries } of memtables) {
        expect(columns.reduce((sum, column) => sum + ('omitted' in column ? column.omitted : 1), 0)).toBe(entries)
        const keys = columns.flatMap(column => ('key' in column ? [column.key] : []))
        expect(keys).toEqual([...keys].sort())
        most = Math.max(most, columns.length)
      }
    }
    expect(most).toBeGreaterThan(60)
    expect(most).toBeLessThan(140)
  })

  it('light a path that ends at the tower of the key where the search finds it', () => {
    const fold = new MemtableFold()
    const ends: [found: boolean, key: string | undefined, at: string | undefined][] = []
    for (const event of events) {
      fold.apply(event)
      if (event.type !== 'memtable.search') continue
      const { columns, search } = fold.picture().memtables.find(memtable => memtable.search !== undefined)!
      const end = columns[search!.end ?? -1]
      ends.push([search!.found, search!.key, end !== undefined && 'key' in end ? end.key : undefined])
    }
    expect(ends.some(([found]) => found)).toBe(true)
    for (const [found, key, at] of ends) expect(found).toBe(key === at)
  })

  it('sum the fates of a merge up to what the engine counted', () => {
    const fold = new MergeFold()
    const kinds = new Set<string>()
    for (const event of events) {
      fold.apply(event)
      if (event.type !== 'merge.end') continue
      const { fates, recent, outputs, kind } = fold.picture().merge!
      kinds.add(kind)
      const { dropped, entriesRead, tables } = event
      expect(fates.shadowed).toBe(dropped.shadowed)
      expect(fates.covered).toBe(dropped.covered)
      expect(fates['tombstone-dropped']).toBe(dropped.tombstones)
      expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(entriesRead)
      expect(outputs).toEqual(tables)
      expect(recent.length).toBeLessThanOrEqual(30)
    }
    expect([...kinds].sort()).toEqual(['compaction', 'flush'])
  })

  it('know the tables of a compaction: its inputs are in the tree before, its outputs after', () => {
    const fold = new LevelsFold()
    const numbers = (): number[] => fold.picture().levels.flatMap(level => level.runTables.flat().map(table => table.number))
    let compactions = 0
    for (const event of events) {
      fold.apply(event)
      if (event.type !== 'compaction.pick' && event.type !== 'manifest.edit') continue
      const { compaction, limits, levels } = fold.picture()
      if (event.type === 'compaction.pick') expect(numbers()).toEqual(expect.arrayContaining(compaction!.inputs.flat()))
      if (event.type !== 'manifest.edit' || event.job !== compaction?.job) continue
      compactions++
      expect(compaction.state).toBe('current')
      expect(numbers()).toEqual(expect.arrayContaining([...compaction.outputs]))
      expect(limits.length).toBe(levels.length)
      expect(limits.slice(0, 2)).toEqual([{ runs: 3 }, { bytes: 65536 }].slice(0, limits.length))
    }
    expect(compactions).toBeGreaterThan(2)
  })

  it('list where a get looked, until the next operation', () => {
    const fold = new LevelsFold()
    let expected = 0
    const seen = new Set<string>()
    for (const event of events) {
      fold.apply(event)
      if (event.type === 'operation.begin') expected = 0
      if (event.type === 'get.probe') seen.add(fold.picture().probes[expected++].outcome)
      if (event.type === 'operation.end' && event.kind === 'get') expect(fold.picture().probes.length).toBe(expected)
    }
    expect(seen.size).toBeGreaterThan(2)
  })

  it.each(['lsm', 'btree'])('have the frames of every log of %s one behind the other, and never more durable than written', engine => {
    const fold = new LogFold()
    let released = 0
    for (const event of engine === 'lsm' ? events : btreeEvents) {
      fold.apply(event)
      if (!event.type.startsWith('log.') || (event.type === 'log.append' && event.sequence % 7 > 0)) continue
      const { logs, present } = fold.picture()
      if (present?.what === 'release') released++
      for (const { frames, bytes, syncedBytes, framesBefore } of logs) {
        expect(frames.length).toBeLessThanOrEqual(40)
        if (framesBefore > 0) expect(frames.length).toBe(40)
        expect(syncedBytes).toBeLessThanOrEqual(bytes)
        expect(frames.slice(1).map(({ offset }) => offset)).toEqual(frames.slice(0, -1).map(({ offset, length }) => offset + length))
      }
    }
    expect(released).toBeGreaterThan(0)
  })
})
