import type { EngineReport, PhaseReport, RunReport, Sample } from '../../../../packages/lab/src/report/run-report.js'
import { spreadOf } from '../../../../packages/lab/src/report/run-report.js'
import type { ReadCounts } from '../../../../src/trace/ledger.js'

const PHASES = ['load', 'get', 'settle'] as const

/** A small report made by hand, with round numbers that a reader can check: two engines of ours, one without files, and a peer. */
export function smallRun(): RunReport {
  return {
    format: 'kvarium-report',
    version: 4,
    title: 'A small run',
    createdAt: '2026-01-02T03:04:05.000Z',
    command: 'kvarium compare --limit 1000',
    machine: { cpu: 'A processor', cores: 2, memoryBytes: 4 * 2 ** 30, system: 'Linux 6 x64', fileSystem: 'ext4', otherLoadCores: 0.1 },
    versions: { kvarium: '0.1.0', node: 'v20.19.0', v8: '11.3' },
    work: {
      name: 'dataset',
      about: 'Load, read, settle',
      seed: 1,
      parameters: { batch: 100, shuffle: true },
      entries: 1000,
      keyBytes: 16,
      valueBytes: 84,
      phases: [
        { name: 'load', about: 'Batches', operations: 1000, kind: 'write' },
        { name: 'get', about: 'Gets', operations: 1000, kind: 'read' },
        { name: 'settle', about: 'Waiting', operations: 1, kind: 'other' },
      ],
      digest: 'abcd1234',
    },
    rounds: 3,
    engines: [lsm(), btree(), memory(), peer()],
  }
}

function phases(perSecond: readonly number[], p99Us: number): PhaseReport[] {
  return PHASES.map((name, index) => ({
    name,
    operations: name === 'settle' ? 1 : 1000,
    entries: name === 'settle' ? 1 : 1000,
    ms: spreadOf(perSecond.map(rate => 1e6 / rate)),
    perSecond: spreadOf(perSecond.map(rate => rate * (index + 1))),
    latency: {
      meanUs: spreadOf([5, 5, 6]),
      p50Us: spreadOf([4, 4, 5]),
      p99Us: spreadOf([p99Us, p99Us, p99Us + 1]),
      p999Us: spreadOf([p99Us * 2]),
      maxUs: spreadOf([p99Us * 10]),
      cdf: [
        [1, 0.1],
        [4, 0.5],
        [p99Us, 0.99],
        [p99Us * 10, 1],
      ],
    },
    ...(name === 'get' && { calls: calls(p99Us) }),
    lag: { p50Ms: 0, p99Ms: 1, p999Ms: 2, maxMs: 3, ticksPerSecond: 880 },
    writtenBytes: name === 'load' ? 200_000 : 0,
    readBytes: name === 'get' ? 4_096_000 : 0,
  }))
}

function calls(p99Us: number): NonNullable<PhaseReport['calls']> {
  const latency = { meanUs: spreadOf([5]), p50Us: spreadOf([4]), p99Us: spreadOf([p99Us]), p999Us: spreadOf([40]), maxUs: spreadOf([90]) }
  return [
    { kind: 'get', operations: 950, latency: { ...latency, cdf: [[4, 1]] } },
    { kind: 'put', operations: 50, latency: { ...latency, cdf: [[9, 1]] } },
  ]
}

const reads = (operations: number, blocks: number): ReadCounts => ({
  operations,
  blocksFromCache: blocks / 2,
  blocksFromDisk: blocks / 2,
  bytesFromDisk: blocks * 2048,
  filterProbes: operations,
  filterNegatives: 90,
  filterFalsePositives: 10,
})

function samples(structure: Pick<Sample, 'levels'> | Pick<Sample, 'tree'>): Sample[] {
  return [0, 1, 2, 3, 4, 5].map(index => ({
    atMs: index * 10,
    busyMs: index * 8,
    operations: index * 400,
    entries: index * 400,
    userBytes: Math.min(index, 3) * 33_000,
    written: { log: index * 40_000, flush: index * 20_000, compaction: index * 10_000, page: 0, meta: 100 },
    fileBytes: index * 30_000,
    ...(index > 0 && { window: { p50Us: 4, p99Us: 20 + index, maxUs: 300 } }),
    ...structure,
    cacheHits: index * 10,
    cacheMisses: index * 30,
  }))
}

const timelinePhases = [
  { name: 'load', startMs: 0, endMs: 30 },
  { name: 'get', startMs: 30, endMs: 45 },
  { name: 'settle', startMs: 45, endMs: 50 },
]

function lsm(): EngineReport {
  const parts = { log: 110_000, flush: 100_000, compaction: 90_000, page: 0, meta: 1000 }
  return {
    name: 'lsm-leveled',
    engine: 'lsm',
    kind: 'kvarium',
    options: { compaction: 'leveled', writeBufferSize: 65_536 },
    phases: phases([100_000, 110_000, 105_000], 20),
    write: {
      atEndOfWrites: { userBytes: 100_000, parts: { ...parts, compaction: 10_000 }, amplification: spreadOf([2.2, 2.21, 2.23]) },
      settled: { userBytes: 100_000, parts, amplification: spreadOf([3, 3.01, 3.02]) },
    },
    outside: {
      method: 'By the operating system.',
      userBytes: 100_000,
      writtenBytes: 304_010,
      readBytes: 500_000,
      amplification: spreadOf([3.04]),
      ledgerBytes: 301_000,
    },
    read: {
      found: reads(1000, 1000),
      missing: reads(500, 10),
      scan: reads(1000, 30),
      blocksPerGet: { found: [1, 98, 1], missing: [98, 2] },
    },
    space: space(1.3),
    memory: { peakRssBytes: spreadOf([80e6, 81e6, 82e6]), engineBytes: 200_000 },
    cache: { hits: 520, misses: 520, capacityBytes: 100_000 },
    stalls: { count: 2, totalMs: 12 },
    timeline: {
      phases: timelinePhases,
      samples: samples({
        levels: [
          { level: 0, runs: 2, tables: 2, bytes: 20_000 },
          { level: 1, runs: 1, tables: 3, bytes: 60_000 },
        ],
      }),
      marks: [
        { kind: 'flush', startMs: 5, endMs: 9, detail: '20 kB written' },
        { kind: 'compaction', startMs: 8, endMs: 20, detail: '' },
        { kind: 'stall', startMs: 12, endMs: 12, detail: '' },
      ],
    },
    predictions: [
      {
        metric: 'write amplification',
        part: 'total',
        variant: 'T + 1',
        inputs: [{ name: 'T', value: 10, unit: 'x' }],
        formula: 'log + 1 + (T + 1)',
        source: 'a paper',
        unit: 'x',
        predicted: 4,
        measured: 3.01,
        error: 0.329,
        why: 'The levels are not full.',
      },
    ],
    verification: { entries: 1000, deleted: 0, digest: '12345678', problems: [], problemCount: 0 },
  }
}

function btree(): EngineReport {
  const { predictions: _predictions, stalls: _stalls, ...other } = lsm()
  return {
    ...other,
    name: 'btree',
    engine: 'btree',
    options: {},
    phases: phases([50_000, 55_000, 52_000], 21),
    write: {
      atEndOfWrites: {
        userBytes: 100_000,
        parts: { log: 110_000, flush: 0, compaction: 0, page: 800_000, meta: 9 },
        amplification: spreadOf([9.1]),
      },
      settled: {
        userBytes: 100_000,
        parts: { log: 110_000, flush: 0, compaction: 0, page: 900_000, meta: 9 },
        amplification: spreadOf([10.1]),
      },
    },
    space: space(1.7),
    timeline: {
      phases: timelinePhases,
      samples: samples({
        tree: {
          height: 2,
          levels: [
            { pages: 1, bytes: 4096 },
            { pages: 30, bytes: 122_880 },
          ],
        },
      }),
      marks: [{ kind: 'checkpoint', startMs: 4, endMs: 30, detail: '' }],
    },
    predictions: [],
  }
}

function memory(): EngineReport {
  return {
    name: 'memory',
    engine: 'memory',
    kind: 'kvarium',
    options: {},
    phases: phases([900_000, 910_000, 905_000], 5),
    space: { ...space(0), peakBytes: 0, atEndOfWritesBytes: 0, settledBytes: 0 },
    memory: { engineBytes: 300_000 },
    predictions: [],
    verification: { entries: 1000, deleted: 0, digest: '12345678', problems: [], problemCount: 0 },
  }
}

function peer(): EngineReport {
  return {
    name: 'a-peer',
    engine: 'a-peer',
    kind: 'peer',
    options: {},
    phases: phases([104_000, 106_000, 99_000], 30),
    outside: { method: 'By the operating system.', userBytes: 100_000, writtenBytes: 570_000, amplification: spreadOf([5.6, 5.7, 5.8]) },
    space: space(1.1),
    memory: {},
    timeline: {
      phases: timelinePhases,
      samples: [0, 20, 50].map(atMs => ({
        atMs,
        busyMs: atMs,
        operations: atMs,
        entries: atMs,
        userBytes: atMs * 2000,
        outsideWrittenBytes: atMs * 11_000,
        fileBytes: atMs * 2000,
      })),
      marks: [],
    },
    predictions: [],
    verification: { entries: 0, deleted: 0, digest: '', problems: [], problemCount: 0 },
  }
}

function space(settled: number): EngineReport['space'] {
  return {
    liveBytes: 100_000,
    peakBytes: 250_000,
    atEndOfWritesBytes: 200_000,
    settledBytes: Math.round(settled * 100_000),
    peak: spreadOf([2.5]),
    atEndOfWrites: spreadOf([2]),
    settled: spreadOf([settled]),
    files: 5,
  }
}
