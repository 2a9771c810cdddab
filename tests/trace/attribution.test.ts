import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TraceEvent } from '../../src/trace/events.js'
import { ForwardingFileSystem } from '../../src/vfs/forwarding-file-system.js'
import { FileSystemError, MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { ENGINES, ledgerSums, mixedLoad, openTraced, simulated, sumsOf } from './support/traced-runs.js'
import { slice } from '../support/thoroughness.js'

class WithoutLinks extends ForwardingFileSystem {
  override link(_from: string, path: string): void {
    throw new FileSystemError('ENOTSUP', { operation: 'link', path })
  }
}

const FILE_EVENTS = /^(file\.|directory\.sync)/

/** File events without an operation or a job. */
function orphans(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return events.filter(event => FILE_EVENTS.test(event.type) && event.operation === 0 && event.job === 0)
}

describe.each(Object.entries(ENGINES))('the trace of %s', (_name, options) => {
  it('attributes every byte and every sync to an operation or a job, and its parts add up to the ledger', async () => {
    const seeds = fc.integer({ min: 1, max: 1e6 })
    await fc.assert(
      fc.asyncProperty(seeds, async seed => {
        const fileSystem = new MemoryFileSystem()
        for (const session of [0, 1, 2]) {
          const { db, events } = await openTraced({ environment: simulated(seed + session, fileSystem), options })
          expect(sumsOf(events), 'after opening').toEqual(ledgerSums(db.stats().ledger))
          await mixedLoad(db, seed + session, 40)
          await db.settle()
          expect(sumsOf(events), 'after settling').toEqual(ledgerSums(db.stats().ledger))
          await db.close()
          expect(orphans(events)).toEqual([])
        }
      }),
      { numRuns: slice(1, 4) },
    )
  })

  it('adds up after a crash of the process and one of the machine', async () => {
    const fileSystem = new MemoryFileSystem()
    const { db } = await openTraced({ environment: simulated(1, fileSystem), options })
    await mixedLoad(db, 2, 30)
    await db.put('last', 'synced', { sync: true })
    await db.put('very last', 'not synced')
    for (const image of [fileSystem.processCrashClone(), fileSystem.crashClone('none')]) {
      const reopened = await openTraced({ environment: simulated(3, image), options })
      await mixedLoad(reopened.db, 4, 10)
      await reopened.db.settle()
      expect(sumsOf(reopened.events)).toEqual(ledgerSums(reopened.db.stats().ledger))
      await reopened.db.close()
      expect(orphans(reopened.events)).toEqual([])
    }
    await db.close()
  })

  it('begins and ends every operation and every job once, and every event in between is of one that was begun', async () => {
    const { db, events } = await openTraced({ environment: simulated(5), options })
    await mixedLoad(db, 6, 60)
    await db.close()
    const begun = { operation: new Set<number>(), job: new Set<number>() }
    const ended = { operation: new Set<number>(), job: new Set<number>() }
    let sequence = 0
    for (const event of events) {
      expect(event.sequence).toBe(++sequence)
      if (event.type === 'operation.begin') begun.operation.add(event.operation)
      else if (event.type === 'job.begin') begun.job.add(event.job)
      for (const owner of ['operation', 'job'] as const) {
        const number = event[owner]
        if (number > 0 && !begun[owner].has(number)) throw new Error(`${event.type} is of ${owner} ${number}, which has not begun`)
        if (event.type !== `${owner}.end`) continue
        if (ended[owner].has(number)) throw new Error(`${owner} ${number} ends twice`)
        ended[owner].add(number)
      }
    }
    expect([...ended.job].sort()).toEqual([...begun.job].sort())
    expect([...ended.operation].sort()).toEqual([...begun.operation].sort())
  })

  it('counts the bytes of jobs at level job as it does where file events are emitted', async () => {
    const totals: number[][] = []
    for (const level of ['job', 'io'] as const) {
      const { db, events } = await openTraced({ environment: simulated(7), level, options })
      await mixedLoad(db, 8, 40)
      await db.close()
      totals.push(events.flatMap(event => (event.type === 'job.end' ? [event.bytesRead, event.bytesWritten] : [])))
      if (level === 'job') expect(events.some(event => FILE_EVENTS.test(event.type))).toBe(false)
    }
    expect(totals[0]).toEqual(totals[1])
  })
})

describe.each(['lsm', 'btree'])('writes that stall in %s', name => {
  it('go on as the operations that they are, and no durable one ends before a sync that names it', async () => {
    const { db, events } = await openTraced({ environment: simulated(9), options: ENGINES[name] })
    const writes: Promise<void>[] = []
    for (let i = 0; i < 600; i++) writes.push(db.put(`key ${i % 50}`, 'v'.repeat(400), { sync: i % 5 === 0 }))
    await Promise.all(writes)
    await db.close()
    const waited = events.filter(event => event.type === 'stall.end')
    expect(waited.length).toBeGreaterThan(0)
    expect(waited.length).toBe(events.filter(event => event.type === 'stall.begin').length)
    const durable = new Set<number>()
    const named = new Set<number>()
    const appended = new Map<number, number>()
    for (const event of events) {
      if (event.type === 'operation.begin' && event.sync === true) durable.add(event.operation)
      else if (event.type === 'log.commit') for (const operation of event.operations) named.add(operation)
      else if (event.type === 'log.append') appended.set(event.operation, (appended.get(event.operation) ?? 0) + 1)
      else if (event.type === 'operation.end' && durable.has(event.operation)) expect(named.has(event.operation)).toBe(true)
    }
    expect(named).toEqual(durable)
    expect([...appended]).toEqual(Array.from({ length: 600 }, (_, i) => [i + 1, 1]))
    expect(waited.every(event => event.operation > 0)).toBe(true)
  })
})

describe.each(['lsm', 'btree', 'hash'])('a checkpoint of %s that is open for reading', name => {
  it('counts what it copies as backup where the disk has no second names, and adds up to the ledger', async () => {
    const environment = simulated(11, new WithoutLinks(new MemoryFileSystem()))
    const options = ENGINES[name]
    const writer = await openTraced({ environment, options })
    await mixedLoad(writer.db, 11, 12)
    await writer.db.close()
    const { db, events } = await openTraced({ environment, options: { ...options, readOnly: true } })
    await db.checkpoint('/copy')
    const { ledger } = db.stats()
    expect(sumsOf(events)).toEqual(ledgerSums(ledger))
    expect(ledger.read.backup).toBeGreaterThan(10_000)
    expect(ledger.read.compaction).toBe(0)
    await db.close()
  })
})

describe('on a disk, where another thread merges', () => {
  it('counts the bytes of its jobs also where no file event is emitted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kvarium-job-bytes-'))
    try {
      const { db, events } = await openTraced({
        environment: nodeEnvironment(),
        location: directory,
        level: 'job',
        options: ENGINES['lsm'],
      })
      for (let i = 0; i < 1500; i++) await db.put(`key ${(i * 7919) % 1000}`, 'v'.repeat(50))
      await db.flush()
      await db.settle()
      const { flush, compaction, meta } = db.stats().ledger.written
      const ended = { flush: 0, compaction: 0 }
      for (const event of events) {
        if (event.type === 'job.end' && (event.kind === 'flush' || event.kind === 'compaction')) ended[event.kind] += event.bytesWritten
      }
      await db.close()
      expect(compaction).toBeGreaterThan(0)
      // Each also writes to the manifest.
      for (const [kind, bytes] of [
        ['flush', flush],
        ['compaction', compaction],
      ] as const) {
        expect(ended[kind], kind).toBeGreaterThanOrEqual(bytes)
        expect(ended[kind], kind).toBeLessThanOrEqual(bytes + meta)
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it.each(['lsm', 'btree', 'hash'])('adds up as well: %s', async name => {
    const location = mkdtempSync(join(tmpdir(), 'kvarium-trace-'))
    try {
      for (const seed of [1, 2]) {
        const { db, events } = await openTraced({ environment: nodeEnvironment(), location, options: ENGINES[name] })
        await mixedLoad(db, seed, 60)
        await db.settle()
        expect(sumsOf(events)).toEqual(ledgerSums(db.stats().ledger))
        await db.close()
        expect(orphans(events)).toEqual([])
        const jobs = new Set(events.flatMap(event => (event.type === 'job.begin' && event.kind === 'flush' ? [event.job] : [])))
        const flushed = events.filter(event => event.type === 'file.write' && event.part === 'flush')
        expect(flushed.every(event => jobs.has(event.job))).toBe(true)
        if (name === 'lsm') expect(flushed.length).toBeGreaterThan(0)
      }
    } finally {
      rmSync(location, { recursive: true, force: true })
    }
  })
})
