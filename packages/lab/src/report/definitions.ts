/** What each number of a report means: the one place that tooltips, column heads and the list at the end of a page take it from. */

export interface Definition {
  readonly name: string
  readonly unit: string
  readonly text: string
  /** Where the formula is. */
  readonly source?: string
}

const LEDGER = 'src/trace/ledger.ts'

export const DEFINITIONS = {
  throughput: {
    name: 'Throughput',
    unit: 'entries per second',
    text: 'Entries written, deleted, looked up or scanned ÷ the time spent inside the store for them. Making and checking the operations is not in it. More is better.',
  },
  phaseTime: {
    name: 'Time of a phase',
    unit: 'milliseconds',
    text: 'Time spent inside the store, for phases that are one task: settling, reopening. Less is better.',
  },
  latency: {
    name: 'Latency',
    unit: 'microseconds per call',
    text: 'Time from calling the store until its answer. p50, p99 and p99.9: that percentage of the calls finished within the time shown. A batch or a scan is one call. Less is better.',
  },
  latencyDistribution: {
    name: 'Latency distribution',
    unit: 'share of calls',
    text: 'The share of the calls of a phase that finished within each time: the further left and the steeper, the better. The axis is stretched towards 100 %, so that the tail can be seen.',
  },
  lag: {
    name: 'Event-loop lag',
    unit: 'milliseconds',
    text: 'How long a request that arrives at a random moment waits for its turn while the phase runs, by a timer of 1 ms. kvarium compare itself gives timers a turn every 15 ms. Less is better.',
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
    text: 'Taken when the last write was acknowledged: what the background still owes (flushes, compactions, checkpoints) is not in it yet.',
  },
  settled: {
    name: 'Settled',
    unit: '',
    text: 'Taken when all work in the background was done: the debt is paid. Numbers at end of writes flatter an engine that puts work off.',
  },
  parts: {
    name: 'Parts of what is written',
    unit: 'bytes',
    text: 'log: the write-ahead log. flush: memtables written as tables. compaction: tables merged into tables. page: pages of a B+tree, by checkpoints. meta: manifest, CURRENT and the file of the store.',
    source: `WritePart in ${LEDGER}`,
  },
  outside: {
    name: 'Measured from outside',
    unit: 'bytes',
    text: 'What the process passed to write calls and got from read calls, by the operating system. It is next to the ledger so that either can be checked by the other; of peers there is nothing else.',
  },
  readAmplification: {
    name: 'Read amplification',
    unit: 'blocks per get, or per entry scanned',
    text: 'Blocks or pages touched ÷ gets that found an entry, gets that found none, or entries scanned; from cache and file together. Less is better.',
    source: `readAmplification in ${LEDGER}`,
  },
  blocksPerGet: {
    name: 'Blocks per get',
    unit: 'gets',
    text: 'How many of a sample of gets touched 0, 1, 2 … blocks or pages. 0: memory or a filter had the answer.',
  },
  filters: {
    name: 'False positives of filters',
    unit: 'share',
    text: 'Filters that said “maybe” for a key that the table does not hold ÷ all that were asked for such a key. Less is better.',
  },
  spaceAmplification: {
    name: 'Space amplification',
    unit: 'bytes per byte',
    text: 'Bytes of all files ÷ key and value bytes alive in the end. Peak: the most there ever were at once. Less is better.',
    source: `spaceAmplification in ${LEDGER}`,
  },
  memory: {
    name: 'Memory',
    unit: 'bytes',
    text: 'Held by the engine for data: memtables or pages, cache, indexes and filters, in the end. Peak resident: the most memory of the process meanwhile; npm run bench gives each engine a process of its own, kvarium compare runs all in one, beside the dataset and what it verifies with. Less is better.',
  },
  cacheHits: {
    name: 'Cache hit rate',
    unit: 'share',
    text: 'Blocks or pages found in memory ÷ all that gets and scans touched. What is not in the cache of the engine may still be in that of the operating system. More is better.',
  },
  stalls: {
    name: 'Stalls',
    unit: 'count, milliseconds',
    text: 'How often and how long writers waited for the background. Less is better.',
  },
  marks: {
    name: 'Flushes, compactions, checkpoints, stalls',
    unit: '',
    text: 'When the background worked, on the axis of the chart above: from the trace of the store. For an engine that emits nothing they are known to about ten milliseconds, by looking at its counters.',
  },
  levels: {
    name: 'Levels or tree',
    unit: 'bytes',
    text: 'Bytes in each level of an LSM tree, or in the leaves and the branches of a B+tree.',
  },
  verdict: {
    name: 'Verdict',
    unit: '',
    text: 'The best engine and by how much it is better than the next. “No difference”: the ranges over all rounds overlap. With one round there is no range: times within 5 % and bytes within 0.5 % are then no difference. Engines that keep nothing on disk are out of competition.',
  },
  spread: {
    name: 'Median and range',
    unit: '',
    text: 'The median over all rounds and, small, the least and the most. Bytes and counts without a range are those of one round.',
  },
  prediction: {
    name: 'Predicted and measured',
    unit: '',
    text: 'What a published formula says for this work and these options, and what was measured. Error: (predicted − measured) ÷ measured.',
  },
} as const satisfies Readonly<Record<string, Definition>>

export type DefinitionName = keyof typeof DEFINITIONS
