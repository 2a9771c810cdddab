import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ActivityWatch } from '../../../packages/lab/src/compare/activity-watch.js'
import { compare } from '../../../packages/lab/src/compare/compare.js'
import { comparisonRunReport } from '../../../packages/lab/src/compare/comparison-run-report.js'
import { datasetPhases } from '../../../packages/lab/src/compare/dataset-phases.js'
import type { Operation, Phase } from '../../../packages/lab/src/compare/operation.js'
import { describeMachine } from '../../../packages/lab/src/compare/process-counters.js'
import { describeWork } from '../../../packages/lab/src/compare/work-digest.js'
import type { EngineStats } from '../../../src/engine/contract.js'
import { renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
import type { RunReport } from '../../../packages/lab/src/report/run-report.js'
import { Ledger } from '../../../src/trace/ledger.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const sum = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((total, part) => total + part, 0)

describe('the report of a comparison', () => {
  let directory = ''
  let report: RunReport
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kvarium-run-report-'))
    const entries = Array.from({ length: 1500 }, (_, index) => ({ key: bytes(`key/${index}`), value: new Uint8Array(120).fill(index) }))
    const work = { seed: 1, overwriteShare: 0.5, deleteShare: 0.2, reads: 600, batchSize: 50, shuffle: true, revise: () => bytes('new') }
    const phases = datasetPhases(entries, work)
    const small = { writeBufferSize: 16384 }
    const engines = [
      { name: 'lsm', engine: 'lsm', options: { ...small, maxFileSize: 16384, level1Size: 32768 } },
      { name: 'btree', engine: 'btree', options: small },
      { name: 'memory', engine: 'memory' },
    ]
    const comparison = await compare({ engines, phases, rounds: 2, directory })
    const described = await describeWork(phases)
    const made = comparisonRunReport(comparison, {
      title: 'Small',
      createdAt: new Date(0),
      command: 'kvarium compare',
      machine: describeMachine(directory),
      versions: { kvarium: '0', node: process.version },
      work: { name: 'dataset', about: 'Everything', seed: 1, parameters: {}, entries: 1500, keyBytes: 8, valueBytes: 120, ...described },
      predictedWork: { puts: 2550, keys: 1500, keyBytes: 8, valueBytes: 120, distribution: 'uniform', batchPuts: 2 },
    })
    // As it would be read from a file.
    report = parseRunReport(JSON.stringify(made))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('is a valid one and can be shown', () => {
    expect(report.engines.map(engine => engine.verification.problemCount)).toEqual([0, 0, 0])
    expect(renderHtml(report)).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('has the times and the bytes of every round', () => {
    expect(report.rounds).toBe(2)
    for (const { phases, write, space, read } of report.engines) {
      for (const { ms, perSecond, latency } of phases)
        expect([ms, perSecond, latency.p99Us].map(({ values }) => values.length)).toEqual([2, 2, 2])
      expect(space.settled.values).toHaveLength(2)
      if (write !== undefined)
        expect([write.settled.amplification, read!.blocks!.found!].map(({ values }) => values.length)).toEqual([2, 2])
    }
  })

  it('the parts of what was written never exceed what the operating system saw, and are close to it', () => {
    for (const { name, write, outside } of report.engines.slice(0, 2)) {
      expect(sum(write!.settled.parts), name).toBeGreaterThanOrEqual(sum(write!.atEndOfWrites.parts))
      expect(write!.settled.amplification.values[0]).toBeCloseTo(sum(write!.settled.parts) / write!.settled.userBytes, 9)
      if (outside === undefined) continue
      expect(outside.writtenBytes, name).toBeGreaterThanOrEqual(outside.ledgerBytes!)
    }
  })

  it('the timeline ends where the totals are', () => {
    for (const { name, write, timeline, phases } of report.engines) {
      const last = timeline!.samples.at(-1)!
      expect(timeline!.samples.length, name).toBeGreaterThan(40)
      expect(last.entries).toBe(phases.reduce((total, phase) => total + phase.entries, 0))
      expect(timeline!.phases.map(phase => phase.name)).toEqual(report.work.phases.map(phase => phase.name))
      if (write !== undefined) expect(last.written).toEqual(write.settled.parts)
    }
  })

  it('shows when the background worked, levels or the tree, blocks per get, and predictions', () => {
    const [lsm, btree, memory] = report.engines
    expect(lsm.timeline!.marks.map(mark => mark.kind)).toEqual(expect.arrayContaining(['flush', 'compaction']))
    expect(btree.timeline!.marks.map(mark => mark.kind)).toContain('checkpoint')
    for (const { startMs, endMs } of [...lsm.timeline!.marks, ...btree.timeline!.marks]) expect(endMs).toBeGreaterThanOrEqual(startMs)
    expect(lsm.timeline!.samples.at(-1)!.levels!.length).toBeGreaterThan(1)
    expect(btree.timeline!.samples.at(-1)!.tree!.height).toBeGreaterThan(1)
    expect(btree.read!.blocksPerGet!.found.reduce((total, gets) => total + gets, 0)).toBeGreaterThan(50)
    expect(btree.read!.blocksPerGet!.found[0] ?? 0).toBe(0)
    expect(lsm.predictions.some(row => row.metric === 'write amplification' && row.measured !== null)).toBe(true)
    expect(btree.predictions.length).toBeGreaterThan(2)
    expect([memory.write, memory.read, memory.predictions]).toEqual([undefined, undefined, []])
  })

  it('knows from the trace which level a compaction was for, and so what each level was predicted to cost and did', () => {
    const [lsm] = report.engines
    const compactions = lsm.timeline!.marks.filter(mark => mark.kind === 'compaction')
    expect(compactions.some(({ detail }) => /^[\d.]+ \w+ written into level 1$/.test(detail))).toBe(true)
    const byLevel = lsm.predictions.filter(row => row.part === 'compaction' && row.level !== undefined && row.variant === 'T')
    const total = byLevel.reduce((all, { measured }) => all + measured!, 0)
    const { parts, userBytes } = lsm.write!.settled
    expect(byLevel.length).toBeGreaterThan(0)
    // Predictions are of puts alone, so their bytes of the user are not quite those of the ledger.
    expect((total * (2550 * 128)) / userBytes).toBeCloseTo(parts.compaction / userBytes, 6)
  })

  it('predicts what checkpoints wrote also of those before the store was opened again', () => {
    const [, btree] = report.engines
    const { predicted, measured } = btree.predictions.find(row => row.part === 'page' && row.variant === 'distinct pages')!
    expect(measured).toBeGreaterThan(1)
    expect(predicted / measured!).toBeGreaterThan(0.5)
    expect(predicted / measured!).toBeLessThan(2)
  })

  it('holds space against the bytes that are alive by count, not by estimate', () => {
    for (const { predictions, space } of report.engines.slice(0, 2)) {
      const rows = predictions.filter(row => row.metric === 'space amplification')
      expect(rows.length).toBeGreaterThan(0)
      for (const { measured, why } of rows) {
        expect(measured).toBeCloseTo(space.settled.values[0], 9)
        expect(why).not.toContain('estimate')
      }
    }
  })

  it('shows how late the event loop was and the memory of the process, and no calls apart where a phase has one kind', () => {
    for (const { phases, memory } of report.engines) {
      expect(memory.peakRssBytes!.median).toBeGreaterThan(10 * 2 ** 20)
      for (const { lag, calls } of phases) {
        expect(lag!.maxMs).toBeGreaterThanOrEqual(lag!.p50Ms)
        expect(calls).toBeUndefined()
      }
    }
  })

  it('latencies are a distribution: both of its columns ascend, to all calls', () => {
    for (const { latency, operations } of report.engines.flatMap(engine => engine.phases)) {
      if (operations === 0) continue
      const { cdf } = latency
      expect(cdf.at(-1)![1]).toBe(1)
      for (let index = 1; index < cdf.length; index++) {
        expect(cdf[index][0]).toBeGreaterThan(cdf[index - 1][0])
        expect(cdf[index][1]).toBeGreaterThan(cdf[index - 1][1])
      }
    }
  })
})

describe('the digest of work', () => {
  const digest = async (...operations: readonly Operation[]): Promise<string> =>
    (await describeWork([{ name: 'all', about: '', operations: () => operations } satisfies Phase])).digest
  const put = (key: string, value: string): Operation => ({ type: 'put', key: bytes(key), value: bytes(value) })

  it('distinguishes any two different streams', async () => {
    const streams: Operation[][] = [
      [put('a', 'b')],
      [put('ab', '')],
      [put('', 'ab')],
      [put('a', 'c')],
      [put('a', 'b'), put('a', 'b')],
      [{ type: 'del', key: bytes('a') }],
      [{ type: 'get', key: bytes('a') }],
      [{ type: 'get-sync', key: bytes('a') }],
      [{ ...put('a', 'b'), sync: true } as Operation],
      [{ type: 'batch', operations: [{ type: 'put', key: bytes('a'), value: bytes('b') }] }],
      [{ type: 'scan' }],
      [{ type: 'scan', reverse: true }],
      [{ type: 'scan', limit: 3 }],
      [{ type: 'scan', gte: bytes('a') }],
      [{ type: 'scan', lt: bytes('a') }],
      [{ type: 'clear', gte: bytes('a') }],
      [{ type: 'settle' }],
      [{ type: 'flush' }],
    ]
    const digests = await Promise.all(streams.map(stream => digest(...stream)))
    expect(new Set(digests).size).toBe(streams.length)
    expect(await digest(...streams[0])).toBe(digests[0])
  })

  it('the kind of a phase follows from what is in it', async () => {
    const phase = (...operations: readonly Operation[]): Phase => ({ name: 'p', about: '', operations: () => operations })
    const get: Operation = { type: 'get', key: bytes('a') }
    const { phases } = await describeWork([phase(put('a', 'b')), phase(get), phase(put('a', 'b'), get), phase({ type: 'settle' })])
    expect(phases.map(({ kind, operations }) => [kind, operations])).toEqual([
      ['write', 1],
      ['read', 1],
      ['mixed', 2],
      ['other', 1],
    ])
  })
})

describe('what looking at an engine now and then shows', () => {
  const stats = (written: Partial<Ledger['written']>, jobs: number, stalls = { count: 0, totalMs: 0 }): EngineStats => {
    const ledger = new Ledger()
    Object.assign(ledger.written, written)
    return { engine: 'x', ledger: ledger.counts(0), memoryBytes: 0, pending: { memoryBytes: 0, jobs }, stalls }
  }

  it('a flush lasts from when work came up until its bytes are counted', () => {
    const watch = new ActivityWatch()
    watch.look(0, stats({ log: 1 }, 0))
    watch.look(10, stats({ log: 2 }, 1))
    watch.look(20, stats({ log: 3 }, 1))
    watch.look(30, stats({ log: 3, flush: 2048 }, 0))
    expect(watch.marks()).toEqual([{ kind: 'flush', startMs: 10, endMs: 30, detail: '2.00 KiB written' }])
  })

  it('a compaction that follows another begins where that one ended', () => {
    const watch = new ActivityWatch()
    watch.look(0, stats({}, 0))
    watch.look(10, stats({}, 1))
    watch.look(30, stats({ compaction: 100 }, 1))
    watch.look(50, stats({ compaction: 200 }, 0))
    expect(watch.marks().map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [10, 30],
      [30, 50],
    ])
  })

  it('pages that are written in consecutive polls are one checkpoint; a stall is as long as writers waited', () => {
    const watch = new ActivityWatch()
    watch.look(0, stats({}, 0))
    watch.look(10, stats({ page: 10 }, 1))
    watch.look(20, stats({ page: 20 }, 1, { count: 1, totalMs: 4 }))
    watch.look(30, stats({ page: 20 }, 0, { count: 1, totalMs: 4 }))
    expect(watch.marks()).toEqual([
      { kind: 'checkpoint', startMs: 0, endMs: 20, detail: '20 B written' },
      { kind: 'stall', startMs: 16, endMs: 20, detail: '' },
    ])
  })

  it('a store that was opened again counts from zero, which is no work', () => {
    const watch = new ActivityWatch()
    watch.look(0, stats({ log: 100, flush: 100 }, 0))
    watch.look(10, stats({ log: 1, flush: 50 }, 0))
    expect(watch.marks()).toEqual([])
  })
})
