/** The definition of each number of a report: tooltips, column heads and the list at the end of a page use these. */

export interface Definition {
  readonly name: string
  readonly unit: string
  readonly text: string
  /** The place of the formula. */
  readonly source?: string
}

const LEDGER = 'src/trace/ledger.ts'

export const DEFINITIONS = {
  throughput: {
    name: 'Throughput',
    unit: 'entries per second',
    text: 'Entries written, deleted, looked up or scanned ÷ the time inside the store. Generating and checking the operations is not included. More is better.',
  },
  phaseTime: {
    name: 'Duration of a phase',
    unit: 'milliseconds',
    text: 'Time inside the store, for phases that are one task: settling, reopening. Less is better.',
  },
  latency: {
    name: 'Latency',
    unit: 'microseconds per call',
    text: 'Time from calling the store until its answer. p50, p99 and p99.9: that percentage of the calls finished within the time shown. A batch or a scan is one call. Less is better.',
  },
  latencyDistribution: {
    name: 'Latency distribution',
    unit: 'share of calls',
    text: 'The share of the calls of a phase that finished within each time: the further left and the steeper, the better. The axis is stretched towards 100 % to show the tail.',
  },
  lag: {
    name: 'Event-loop lag',
    unit: 'milliseconds',
    text: 'How long a request that arrives at a random moment waits for the event loop during the phase, measured by a timer of 1 ms. kvarium compare itself yields to timers every 15 ms. Less is better.',
  },
  writeAmplification: {
    name: 'Write amplification',
    unit: 'bytes per byte',
    text: 'All bytes written to files ÷ key and value bytes put and key bytes deleted. Its parts add up to it: log, flush, compaction, page, meta. Less is better.',
    source: `writeAmplification in ${LEDGER}`,
  },
  endOfWrites: {
    name: 'At end of writes',
    unit: '',
    text: 'Measured when the last write was acknowledged: pending background work (flushes, compactions, checkpoints) is not included yet.',
  },
  settled: {
    name: 'Settled',
    unit: '',
    text: 'Measured after background work has finished. Numbers at end of writes flatter an engine that defers work.',
  },
  parts: {
    name: 'Parts of the bytes written',
    unit: 'bytes',
    text: 'log: the write-ahead log. flush: memtables written as tables. compaction: tables merged into tables. page: pages of a B+tree, by checkpoints. meta: manifest, CURRENT and the file of the store.',
    source: `WritePart in ${LEDGER}`,
  },
  compression: {
    name: 'Bytes before compression',
    unit: 'bytes',
    text: 'What the ledger would have without compression: the bytes written, and those that the compression of blocks saved in flushes, compactions and pages.',
    source: `CompressedPart in ${LEDGER}`,
  },
  outside: {
    name: 'Measured from outside',
    unit: 'bytes',
    text: 'Bytes that the process passed to write calls and received from read calls, counted by the operating system. They check the ledger; for peers they are the only measure.',
  },
  readAmplification: {
    name: 'Read amplification',
    unit: 'blocks per get, or per entry scanned',
    text: 'Blocks or pages touched ÷ gets that found an entry, gets that found none, or entries scanned; from cache and file together. Less is better.',
    source: `readAmplification in ${LEDGER}`,
  },
  readBytes: {
    name: 'Read amplification in bytes',
    unit: 'bytes per byte',
    text: 'Bytes read from files ÷ bytes asked for: key and value of the entries that gets found and scans returned, the key of absent ones, by their mean sizes. What a cache or a filter spared is not read. Less is better.',
    source: 'measuredPlace in packages/lab/src/report/map/design-map.ts',
  },
  blocksPerGet: {
    name: 'Blocks per get',
    unit: 'gets',
    text: 'How many gets of a sample touched 0, 1, 2 … blocks or pages. 0: memory or a filter had the answer.',
  },
  filters: {
    name: 'False positives of filters',
    unit: 'share',
    text: 'Filters that said “maybe” for a key that the table does not hold ÷ all filters probed for such a key. Less is better.',
  },
  spaceAmplification: {
    name: 'Space amplification',
    unit: 'bytes per byte',
    text: 'Bytes of all files ÷ live key and value bytes at the end. Peak: the bytes of all files at their peak. Less is better.',
    source: `spaceAmplification in ${LEDGER}`,
  },
  memory: {
    name: 'Memory',
    unit: 'bytes',
    text: 'Memory that the engine holds for data at the end: memtables or pages, cache, indexes and filters. Peak resident: the memory of the process at its peak; npm run bench gives each engine a process of its own. kvarium compare runs all engines in one process with the dataset and the oracle, so its peak ranks none of them. Less is better.',
  },
  cacheHits: {
    name: 'Cache hit rate',
    unit: 'share',
    text: 'Blocks or pages found in memory ÷ all blocks or pages that gets and scans touched. A block that is not in the cache of the engine may still be in the page cache. More is better.',
  },
  cpu: {
    name: 'CPU per call',
    unit: 'microseconds',
    text: 'CPU time of all threads from the first phase until settled ÷ calls of the store. Generating and checking the calls is included, the same for each point. Less is better.',
  },
  stalls: {
    name: 'Stalls',
    unit: 'count, milliseconds',
    text: 'How often and how long writers waited for background work. Less is better.',
  },
  marks: {
    name: 'Flushes, compactions, checkpoints, stalls',
    unit: '',
    text: 'The times of background work, on the axis of the chart above, from the trace of the store. For an engine without a trace they come from its counters, to about ten milliseconds.',
  },
  levels: {
    name: 'Levels or tree',
    unit: 'bytes',
    text: 'Bytes in each level of an LSM tree, or in the leaves and the branches of a B+tree.',
  },
  verdict: {
    name: 'Verdict',
    unit: '',
    text: 'The best engine, and by how much it is better than the next. “No difference”: the ranges over all rounds do not lie apart by more than the wider of them spans, or the medians are within 5 % for times, 0.5 % for bytes. With fewer than three rounds there is no verdict on times, and bytes within 25 % are no difference. Two runs must differ by more: 25 % for times, 50 % for percentiles, 5 % for bytes that vary, and times are compared only if the machine was quiet in both. Engines without files on disk are not ranked, nor are numbers that say nothing about an engine: waiting for background work, hit rates of caches, memory of one process that all engines share.',
  },
  spread: {
    name: 'Median and range',
    unit: '',
    text: 'The median over all rounds and, in small type, the minimum and the maximum. Bytes and counts without a range are those of one round.',
  },
  designMap: {
    name: 'Map of the design space',
    unit: '',
    text: 'Each point is an engine with its options, on the same work, with the same memory for write buffer, filters and cache. The frontier: points that no other point beats, by being at most as large in write, read and space amplification and smaller in one, in steps of 5 %, as those of an LSM tree vary by a few percent. Space is the mean over the calls after the load, not that of one moment; its prediction is for the end. The suggested point has the smallest product of its three amplifications, each divided by the least of the map and raised to its weight. The weights of writes and reads are their shares of the calls, without the load; space has 0.5. What --weigh gives multiplies them. Below 0.1 amplifications count as 0.1.',
    source: 'designMap in packages/lab/src/report/map/design-map.ts',
  },
  prediction: {
    name: 'Predicted and measured',
    unit: '',
    text: 'The result of a published formula for this work and these options, and the measurement. Error: (predicted − measured) ÷ measured.',
  },
} as const satisfies Readonly<Record<string, Definition>>

export type DefinitionName = keyof typeof DEFINITIONS
