import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KIND_DELETE } from '../../src/codec/entry.js'
import type { Engine, EngineStats } from '../../src/engine/contract.js'
import { inlineExecutor } from '../../src/lsm/compaction/executor.js'
import { JobRecorder } from '../../src/lsm/compaction/worker/job-recorder.js'
import { workerExecutor } from '../../src/lsm/compaction/worker/worker-executor.js'
import type { EventOf, EventType, TraceEvent } from '../../src/trace/events.js'
import type { Environment } from '../../src/vfs/environment.js'
import { SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { keyOf, rangeOf } from '../contract/support/opened-engine.js'
import { eventsOf } from '../trace/support/traced-run.js'
import { batchOf, DIRECTORY, emptyFileSystem, filler, put, scan, type Operation } from './support/opened-lsm.js'
import { TracedLsm } from './support/traced-lsm.js'

interface Place {
  readonly environment: Environment
  readonly directory: string
  dispose(): void
}

function inMemory(): Place {
  return { environment: simulatedEnvironment({ seed: 3, fileSystem: emptyFileSystem() }), directory: DIRECTORY, dispose: () => {} }
}

function onDisk(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-trace-'))
  return { environment: nodeEnvironment({ random: new SeededRandom(3) }), directory, dispose: () => rmSync(directory, { recursive: true }) }
}

function name(index: number): string {
  return `k${String(index).padStart(4, '0')}`
}

/** Writes that wait for room, gets that find and miss, scans, snapshots, clears, flushes, compactions, and a store that is opened again. */
async function work(traced: TracedLsm): Promise<Engine> {
  const random = new SeededRandom(7)
  let engine = await traced.open(true)
  for (let round = 0; round < 2; round++) {
    const snapshot = engine.snapshot()
    for (let step = 0; step < 300; step++) {
      const operations: Operation[] = []
      for (let left = 1 + random.uniform(20); left > 0; left--) {
        if (random.uniform(5) === 0) operations.push(['del', name(random.uniform(400))])
        else operations.push(['put', name(random.uniform(400)), filler(random.uniform(300), step)])
      }
      await engine.write(batchOf(operations), { sync: random.uniform(20) === 0 })
      for (let left = 3; left > 0; left--) engine.get(keyOf(name(random.uniform(600))), left === 3 ? snapshot : undefined)
      if (step % 100 === 50) scan(engine)
      if (step % 100 === 60) await engine.clear(rangeOf({ gte: name(random.uniform(200)), lt: name(300) }), { sync: false })
    }
    snapshot.release()
    await engine.compact()
    if (round === 1) break
    await traced.close(engine)
    engine = await traced.open()
  }
  await engine.settle()
  return engine
}

function sumBy<Key extends string>(events: readonly TraceEvent[], type: 'file.read' | 'file.write'): Record<Key, number> {
  const sums: Record<string, number> = {}
  for (const event of events) if (event.type === type) sums[event.part] = (sums[event.part] ?? 0) + event.length
  return sums
}

function withoutZeros(parts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(parts).filter(([, bytes]) => bytes > 0))
}

function groupedBy(events: readonly TraceEvent[], owner: 'operation' | 'job'): Map<number, TraceEvent[]> {
  const groups = new Map<number, TraceEvent[]>()
  for (const event of events) {
    const group = groups.get(event[owner])
    if (group === undefined) groups.set(event[owner], [event])
    else group.push(event)
  }
  groups.delete(0)
  return groups
}

describe.each([
  ['in memory, leveled', inMemory, inlineExecutor, { compaction: 'leveled' }],
  ['in memory, tiered', inMemory, inlineExecutor, { compaction: 'tiered' }],
  ['on disk, in the worker', onDisk, workerExecutor, { compaction: 'leveled' }],
] as const)('the trace of an LSM tree %s', (_name, place, executor, options) => {
  let traced: TracedLsm
  /** Since the tree was opened the second time. */
  let events: readonly TraceEvent[]
  let stats: EngineStats
  let dispose: () => void

  beforeAll(async () => {
    const { environment, directory, dispose: remove } = place()
    dispose = remove
    traced = new TracedLsm({ environment, directory, executor, options })
    const engine = await work(traced)
    stats = engine.stats()
    const opens = traced.events.flatMap((event, index) => (event.type === 'job.begin' && event.kind === 'open' ? [index] : []))
    events = traced.events.slice(opens.at(-1))
    await traced.close(engine)
  })

  afterAll(() => dispose())

  function ofType<Type extends EventType>(type: Type): EventOf<Type>[] {
    return eventsOf(events, type)
  }

  it('leaves no file event without an operation or a job', () => {
    const unowned = traced.events.filter(({ type, operation, job }) => /^(file|directory)\./.test(type) && operation === 0 && job === 0)
    expect(unowned).toEqual([])
  })

  it('has the bytes and syncs of the ledger, part by part', () => {
    const { written, read, syncs } = stats.ledger
    expect(sumBy(events, 'file.write')).toEqual(withoutZeros(written))
    expect(sumBy(events, 'file.read')).toEqual(withoutZeros(read))
    expect(ofType('file.sync').length + ofType('directory.sync').length).toBe(syncs)
  })

  it('has the hits and misses of the cache', () => {
    const { hits, misses } = stats.cache!
    expect([ofType('cache.hit').length, ofType('cache.miss').length]).toEqual([hits, misses])
    expect(ofType('cache.evict').length).toBeGreaterThan(0)
    const cached = new Set<string>()
    for (const event of events) {
      if (event.type === 'cache.miss') cached.add(`${event.file}/${event.id}`)
      else if (event.type === 'cache.hit') expect(cached).toContain(`${event.file}/${event.id}`)
      else if (event.type === 'cache.evict') expect(cached.delete(`${event.file}/${event.id}`)).toBe(true)
    }
  })

  it('has every filter asked, and the bits that answered', () => {
    const { found, missing } = stats.ledger
    const probes = ofType('bloom.probe')
    expect(probes.length).toBe(found.filterProbes + missing.filterProbes)
    expect(probes.filter(probe => !probe.mayContain).length).toBe(found.filterNegatives + missing.filterNegatives)
    // Ten bits per key make for seven positions; an answer of no stops at the first that is not set.
    for (const { positions, mayContain } of probes) {
      if (mayContain) expect(positions).toHaveLength(7)
      else expect(positions.length).toBeLessThanOrEqual(7)
    }
  })

  it('shows where each get looked, which explains the blocks that it touched', () => {
    const blocks = { found: 0, missing: 0 }
    for (const group of groupedBy(events, 'operation').values()) {
      const end = group.at(-1)!
      if (end.type !== 'operation.end' || end.kind !== 'get') continue
      const probes = group.filter(event => event.type === 'get.probe')
      const outcomes = probes.map(probe => probe.outcome)
      const ends = outcomes.map(outcome => ['hit', 'tombstone', 'covered'].includes(outcome))
      expect(ends.lastIndexOf(true)).toBe(ends.includes(true) ? ends.length - 1 : -1)
      expect(outcomes.at(-1) === 'hit').toBe(end.status === 'found')
      const asked = probes.filter(({ source, outcome }) => source.in === 'table' && outcome !== 'range-skip')
      const looked = asked.filter(({ outcome }) => outcome !== 'bloom-skip').length
      const loads = group.filter(event => event.type === 'cache.hit' || event.type === 'cache.miss').length
      expect(group.filter(event => event.type === 'bloom.probe').length).toBe(asked.length)
      // A key whose versions fill a block to its end costs one more.
      expect(loads).toBeGreaterThanOrEqual(looked)
      expect(loads).toBeLessThanOrEqual(2 * looked)
      expect(end.touched!.blocksFromCache + end.touched!.blocksFromDisk).toBe(loads)
      expect(end.touched!.filterFalsePositives).toBe(outcomes.filter(outcome => outcome === 'false-positive').length)
      blocks[end.status as 'found' | 'missing'] += loads
      const sources = probes.map(({ source }) => (source.in === 'memtable' ? -2 : source.in === 'frozen' ? -1 : source.level))
      expect(sources).toEqual([...sources].sort((a, b) => a - b))
    }
    const { found, missing } = stats.ledger
    expect(blocks).toEqual({
      found: found.blocksFromCache + found.blocksFromDisk,
      missing: missing.blocksFromCache + missing.blocksFromDisk,
    })
    expect(blocks.found).toBeGreaterThan(0)
  })

  it('shows what each step of a scan touched, and no step of a clear as one', () => {
    const ends = ofType('operation.end').filter(({ kind }) => kind === 'seek' || kind === 'next')
    const { blocksFromCache, blocksFromDisk, bytesFromDisk } = stats.ledger.scan
    const sum = { blocksFromCache: 0, blocksFromDisk: 0, bytesFromDisk: 0 }
    for (const { touched } of ends) for (const field of Object.keys(sum) as (keyof typeof sum)[]) sum[field] += touched![field]
    let blocksInClears = 0
    for (const group of groupedBy(events, 'operation').values()) {
      const end = group.at(-1)!
      if (end.type !== 'operation.end' || end.kind !== 'clear') continue
      expect(end.touched).toBeUndefined()
      blocksInClears += group.filter(event => event.type === 'cache.hit' || event.type === 'cache.miss').length
    }
    expect(sum.blocksFromCache + sum.blocksFromDisk + blocksInClears).toBe(blocksFromCache + blocksFromDisk)
    expect(sum.blocksFromDisk).toBeGreaterThan(0)
    expect(sum.bytesFromDisk).toBeLessThanOrEqual(bytesFromDisk)
  })

  it('gives the fate of every entry that a merge reads', () => {
    let merges = 0
    const kinds = new Set<string>()
    for (const group of groupedBy(traced.events, 'job').values()) {
      const end = group.find(event => event.type === 'merge.end')
      if (end === undefined) continue
      merges++
      const fates = { kept: 0, expired: 0, shadowed: 0, covered: 0, 'tombstone-dropped': 0 }
      const keys = group.filter(event => event.type === 'compaction.key')
      for (const { fate, kind } of keys) {
        fates[fate]++
        kinds.add(fate)
        if (fate === 'tombstone-dropped') expect(kind).toBe(KIND_DELETE)
      }
      const built = group.filter(event => event.type === 'table.built')
      expect(end.notRecorded).toBe(0)
      expect(keys.length).toBe(end.entriesRead)
      expect({ shadowed: fates.shadowed, covered: fates.covered, tombstones: fates['tombstone-dropped'] }).toEqual(end.dropped)
      expect(fates.kept).toBe(built.reduce((sum, table) => sum + table.entries, 0))
      expect(built.map(table => table.number)).toEqual(end.tables)
    }
    expect(merges).toBeGreaterThan(5)
    expect([...kinds].sort()).toEqual(['covered', 'kept', 'shadowed', 'tombstone-dropped'])
  })

  it('has the blocks of each table without a gap', () => {
    const blocksOf = new Map<number, EventOf<'table.block'>[]>()
    for (const block of traced.of('table.block')) blocksOf.set(block.file, [...(blocksOf.get(block.file) ?? []), block])
    const filters = traced.of('table.filter').map(({ file }) => file)
    for (const table of traced.of('table.built')) {
      const blocks = blocksOf.get(table.number)!
      let end = 0
      for (const { offset, length } of blocks) {
        expect(offset).toBe(end)
        end += length
      }
      expect(end).toBe(table.fileBytes)
      const data = blocks.filter(({ kind }) => kind === 'data')
      expect(data.length).toBe(table.blocks)
      expect(data.reduce((sum, { entries }) => sum + entries, 0)).toBe(table.entries)
      if (table.entries > 0) expect(filters).toContain(table.number)
    }
  })

  it('places edits of the manifest where they stand in it, after they are durable', () => {
    const synced = new Set<string>()
    const ends = new Map<number, number>()
    for (const event of traced.events) {
      if (event.type === 'file.sync') synced.add(event.file)
      else if (event.type === 'file.write') synced.delete(event.file)
      else if (event.type === 'manifest.edit') {
        const file = `MANIFEST-${String(event.manifest).padStart(6, '0')}`
        expect(synced).toContain(file)
        if (ends.has(event.manifest)) expect(event.offset).toBe(ends.get(event.manifest))
        ends.set(event.manifest, event.offset + event.length)
      }
    }
    expect(ends.size).toBe(2)
  })

  it('lists every log before its data have got into tables, and names it when they have', () => {
    const flushed = new Set<number>()
    const listed = new Set<number>()
    const dropped: number[] = []
    for (const event of traced.events) {
      if (event.type === 'manifest.edit') {
        for (const log of event.flushedLogs) flushed.add(log)
        if (event.newLog !== undefined) listed.add(event.newLog)
      } else if (event.type === 'log.replay') {
        // What a kill left need not be listed.
        listed.add(event.log)
      } else if (event.type === 'memtable.drop' && event.log > 0) {
        dropped.push(event.log)
        expect(flushed).toContain(event.log)
        expect(listed).toContain(event.log)
      }
    }
    expect(dropped.length).toBeGreaterThan(3)
  })

  it('says why a table was picked, and the score that made it due', () => {
    const picks = traced.of('compaction.pick')
    expect(picks.length).toBeGreaterThan(3)
    for (const { reason, scores, inputs, inputBytes, overlapBytes } of picks) {
      expect(inputs.flat().length).toBeGreaterThan(0)
      expect(inputBytes).toBeGreaterThanOrEqual(overlapBytes)
      if (['level 0 is full', 'level is too large', 'too many runs'].includes(reason)) expect(Math.max(...scores)).toBeGreaterThanOrEqual(1)
    }
  })

  it('ends every job that it begins', () => {
    const begun = traced.of('job.begin').map(({ job }) => job)
    const ended = traced.of('job.end').map(({ job }) => job)
    expect(ended.sort((a, b) => a - b)).toEqual(begun.sort((a, b) => a - b))
  })
})

describe('a trace', () => {
  it('says why writers wait', async () => {
    const environment = simulatedEnvironment({ seed: 1, fileSystem: emptyFileSystem() })
    const traced = new TracedLsm({ environment, options: { writeBufferSize: 16 << 10 } })
    const engine = await traced.open(true)
    const writes = Array.from({ length: 200 }, async (_, index) => put(engine, name(index), filler(500)))
    await Promise.all(writes)
    const reasons = new Set(traced.of('stall.begin').map(({ reason }) => reason))
    expect(reasons).toContain('memtables wait for their flush')
    expect(traced.of('stall.end')).toHaveLength(traced.of('stall.begin').length)
    await traced.close(engine)
  })

  it('of level job has no steps and no file calls', async () => {
    const environment = simulatedEnvironment({ seed: 1, fileSystem: emptyFileSystem() })
    const traced = new TracedLsm({ environment, level: 'job' })
    const engine = await traced.open(true)
    await put(engine, 'a', '1')
    await engine.compact()
    engine.get(keyOf('a'))
    await traced.close(engine)
    const types = new Set(traced.events.map(({ type }) => type))
    expect([...types].filter(type => /^(file|directory|cache|bloom|get|operation)\./.test(type))).toEqual([])
    expect(types).toContain('manifest.edit')
    const ends = traced.of('job.end').filter(({ kind }) => kind === 'flush')
    expect(ends.every(({ bytesWritten }) => bytesWritten > 0)).toBe(true)
  })

  it('recorded in another thread drops steps beyond its room, counted, but no bytes', () => {
    const recorder = new JobRecorder({ level: 'step', payloads: false, kind: 'compaction' }, () => 0, 2)
    const { span: job } = recorder
    for (let offset = 0; offset < 5; offset++) {
      job.emit({ type: 'table.block', file: 1, kind: 'data', offset, length: 1, entries: 1 })
      job.emit({ type: 'file.write', file: '000001.sst', offset, length: 1, part: 'compaction' })
    }
    const { events, notRecorded } = recorder.record
    expect([events.filter(({ type }) => type === 'table.block').length, notRecorded]).toEqual([2, 3])
    expect(events.filter(({ type }) => type === 'file.write')).toHaveLength(5)
  })
})
