/**
 * What formulas and a simulation say about a lane's work so far, beside what the lane has measured.
 *
 * Invariants:
 * 1. Every measured number is one of the lane's pictures and events.
 * 2. A number that no formula is about is missing, and a sentence says why.
 */
import { resolveOptions } from 'kvarium/engine'
import type { HashOptions } from 'kvarium/hash'
import type { LsmOptions } from 'kvarium/lsm'
import {
  distinctKeys,
  predict,
  simulate,
  simulateHash,
  type Distribution,
  type Prediction,
  type PredictOptions,
  type Work,
} from 'kvarium-lab/predict'
import { Ledger, type ReadCounts, type TraceEvent } from 'kvarium/trace'
import { ENGINE_OPTIONS } from '../run/engines.js'
import type { Operation } from '../run/operation.js'
import type { LaneSettings } from '../run/settings.js'
import type { Pictures } from './catalog.js'

export interface PredictedRow {
  readonly name: string
  /** The row whose part it is: `write`, `read` or `space`; `other` stands alone. */
  readonly of: 'write' | 'read' | 'space' | 'other'
  readonly isTotal?: true
  readonly unit: string
  readonly predicted: number
  /** `null` where nothing was measured. */
  readonly measured: number | null
  readonly formula: string
  readonly source: string
  /** Why both differ, or may. */
  readonly why: string
}

export interface PredictionPicture {
  /** The work as the formulas take it; absent where there is none. */
  readonly work?: Work
  readonly rows: readonly PredictedRow[]
  /** What the formulas leave out in this run, in sentences; where there are no rows, why. */
  readonly notes: readonly string[]
  /** For the drawings: bytes written per user byte, blocks or pages per get, and bytes of files per live byte. */
  readonly marks: { readonly written?: number; readonly blocks?: number; readonly space?: number }
}

export interface PredictedLane {
  readonly settings: LaneSettings
  readonly seed: number
  /** The operations that the lane has ended; what a transaction writes is a batch. */
  readonly operations: readonly Operation[]
  readonly events: readonly TraceEvent[]
  /** Ledger, and levels or pages. */
  readonly pictures: Pictures
}

/** How a row is found among those of the lab. */
interface Wanted {
  readonly name: string
  readonly of: PredictedRow['of']
  readonly metric: Prediction['metric']
  readonly part: Prediction['part']
  readonly variant?: string
  /** Knows no compressed blocks or leaves. */
  readonly isOfBytes: boolean
}

const SIMULATED = 'simulated'
const PAGES = 'distinct pages'
const WANTED: Readonly<Record<string, readonly Wanted[]>> = {
  lsm: [
    { name: 'written per user byte', of: 'write', metric: 'write amplification', part: 'total', variant: SIMULATED, isOfBytes: true },
    { name: 'log', of: 'write', metric: 'write amplification', part: 'log', isOfBytes: false },
    { name: 'flush', of: 'write', metric: 'write amplification', part: 'flush', isOfBytes: true },
    { name: 'compaction', of: 'write', metric: 'write amplification', part: 'compaction', variant: SIMULATED, isOfBytes: true },
    { name: 'blocks per get that finds', of: 'read', metric: 'read amplification', part: 'found', isOfBytes: false },
    { name: 'blocks per get that misses', of: 'read', metric: 'read amplification', part: 'missing', isOfBytes: false },
    { name: 'filters that let an absent key pass', of: 'other', metric: 'filter false positives', part: 'total', isOfBytes: false },
    { name: 'files per live byte', of: 'space', metric: 'space amplification', part: 'total', variant: SIMULATED, isOfBytes: true },
  ],
  hash: [
    { name: 'written per user byte', of: 'write', metric: 'write amplification', part: 'total', variant: SIMULATED, isOfBytes: true },
    { name: 'log', of: 'write', metric: 'write amplification', part: 'log', isOfBytes: false },
    { name: 'hint files', of: 'write', metric: 'write amplification', part: 'flush', isOfBytes: true },
    { name: 'merges', of: 'write', metric: 'write amplification', part: 'compaction', variant: SIMULATED, isOfBytes: true },
    { name: 'blocks per get that finds', of: 'read', metric: 'read amplification', part: 'found', isOfBytes: false },
    { name: 'blocks per get that misses', of: 'read', metric: 'read amplification', part: 'missing', isOfBytes: false },
    { name: 'memory per key', of: 'other', metric: 'memory per key', part: 'total', isOfBytes: false },
    { name: 'files per live byte', of: 'space', metric: 'space amplification', part: 'total', variant: SIMULATED, isOfBytes: true },
  ],
  btree: [
    { name: 'written per user byte', of: 'write', metric: 'write amplification', part: 'total', variant: PAGES, isOfBytes: true },
    { name: 'log', of: 'write', metric: 'write amplification', part: 'log', isOfBytes: false },
    { name: 'pages', of: 'write', metric: 'write amplification', part: 'page', variant: PAGES, isOfBytes: true },
    { name: 'pages per get that finds', of: 'read', metric: 'read amplification', part: 'found', isOfBytes: false },
    { name: 'pages per get that misses', of: 'read', metric: 'read amplification', part: 'missing', isOfBytes: false },
    { name: 'fill of leaves', of: 'other', metric: 'leaf fill', part: 'total', isOfBytes: true },
    { name: 'height', of: 'other', metric: 'tree height', part: 'total', isOfBytes: false },
    {
      name: 'files per live byte',
      of: 'space',
      metric: 'space amplification',
      part: 'total',
      variant: '1/fill + free pages',
      isOfBytes: true,
    },
  ],
}

export function predictionOf({ settings, seed, operations, events, pictures }: PredictedLane): PredictionPicture {
  const wanted = WANTED[settings.engine]
  const shape = pictures.levels ?? pictures.pages?.shape ?? pictures.directory?.shape
  const { ledger: picture } = pictures
  if (wanted === undefined || shape === undefined || picture === undefined)
    return without(`There are no formulas for the engine ${settings.engine}.`)
  const drawn = workOf(operations)
  if (drawn === undefined) return without('There is no put so far, and the formulas are about puts.')
  const options = resolveOptions(ENGINE_OPTIONS[settings.engine] ?? {}, settings.options)
  const ledger = new Ledger()
  const { now } = picture
  ledger.userBytes = now.userBytes
  Object.assign(ledger.written, now.written)
  ledger.fileBytes = now.fileBytes
  addReads(ledger, events)
  const measured = { options, ledger: ledger.counts(now.liveBytes), shape }
  const { work } = drawn
  const written = predict(measured, work, simulationOf(settings.engine, options, work, seed))
  // Gets ask for keys that are there, however many there could be.
  const read = predict(measured, { ...work, keys: drawn.seen })
  const isCompressed = options.compression !== undefined && options.compression !== 'none'
  const rows = wanted
    .filter(({ isOfBytes }) => !(isOfBytes && isCompressed))
    .flatMap(({ name, of, metric, part, variant }): PredictedRow[] => {
      const row = (of === 'write' || of === 'space' ? written : read).find(
        each =>
          each.metric === metric && each.part === part && each.level === undefined && (variant === undefined || each.variant === variant),
      )
      if (row === undefined) return []
      const { unit, predicted, formula, source, why } = row
      return [
        { name, of, ...(part === 'total' && { isTotal: true as const }), unit, predicted, measured: row.measured, formula, source, why },
      ]
    })
  return { work, rows, notes: notesOn(operations, isCompressed), marks: marksOf(rows, ledger) }
}

function simulationOf(engine: string, options: Readonly<Record<string, unknown>>, work: Work, seed: number): PredictOptions {
  if (engine === 'lsm') return { simulation: simulate(options as unknown as LsmOptions, work, seed) }
  return engine === 'hash' ? { simulation: simulateHash(options as unknown as HashOptions, work, { seed }) } : {}
}

function without(reason: string): PredictionPicture {
  return { rows: [], notes: [reason], marks: {} }
}

function marksOf(rows: readonly PredictedRow[], { found, missing }: Ledger): PredictionPicture['marks'] {
  const total = (of: PredictedRow['of']): number | undefined => rows.find(row => row.of === of && row.isTotal)?.predicted
  const [written, space] = [total('write'), total('space')]
  const reads = rows.filter(({ of }) => of === 'read')
  const gets = found.operations + missing.operations
  const blocks = reads.reduce((sum, { name, predicted }) => sum + predicted * (name.endsWith('finds') ? found : missing).operations, 0)
  return {
    ...(written !== undefined && { written }),
    ...(gets > 0 && { blocks: blocks / gets }),
    ...(space !== undefined && { space }),
  }
}

function notesOn(operations: readonly Operation[], isCompressed: boolean): readonly string[] {
  const types = new Set<string>(operations.flatMap(each => (each.type === 'batch' ? each.operations.map(({ type }) => type) : [each.type])))
  const notes: string[] = []
  if (isCompressed) notes.push('There is no formula for compressed blocks or leaves: bytes of tables, pages and files are not predicted.')
  if (types.has('del') || types.has('clear')) notes.push('The formulas know puts alone: deletes and clears are left out.')
  if (types.has('flush') || types.has('compact'))
    notes.push('Flushes and compactions that were asked for come on top of those that the engine begins.')
  if (types.has('snapshot') || types.has('begin')) notes.push('Versions and pages that a snapshot or a transaction holds are left out.')
  if (types.has('reopen') || types.has('crash'))
    notes.push('Openings are left out: each one flushes what was in the log, or writes it again.')
  return notes
}

/** Adds up what gets have touched. */
function addReads({ found, missing }: Ledger, events: readonly TraceEvent[]): void {
  for (const event of events) {
    if (event.type !== 'operation.end' || event.kind !== 'get' || event.touched === undefined) continue
    const counts = event.status === 'found' ? found : missing
    // One get, whatever `touched` counts as operations.
    counts.operations++
    for (const field of Object.keys(event.touched) as (keyof ReadCounts)[])
      if (field !== 'operations') counts[field] += event.touched[field]
  }
}

/** Keys that may be drawn from, at most this many times those that were. */
const MOST_UNSEEN = 64
/** Two puts of one key are this much more frequent than with even draws, where some keys are drawn more often. */
const SKEWED = 1.5

/** The puts as the formulas take them, and how many different keys there were. */
function workOf(operations: readonly Operation[]): { readonly work: Work; readonly seen: number } | undefined {
  const times = new Map<string, number>()
  let [puts, writes, keyBytes, valueBytes] = [0, 0, 0, 0]
  let isAscending = true
  let last = ''
  const bytes = new TextEncoder()
  for (const operation of operations) {
    const before = puts
    for (const put of operation.type === 'batch' ? operation.operations : [operation]) {
      if (put.type !== 'put') continue
      puts++
      keyBytes += bytes.encode(put.key).length
      valueBytes += bytes.encode(put.value).length
      times.set(put.key, (times.get(put.key) ?? 0) + 1)
      if (put.key <= last) isAscending = false
      last = put.key
    }
    if (puts > before) writes++
  }
  if (puts === 0) return undefined
  const seen = times.size
  let pairs = 0
  for (const count of times.values()) pairs += (count * (count - 1)) / 2
  const evenKeys = keysFor('uniform', seen, puts)
  const isSkewed = pairs > 50 && pairs > (SKEWED * puts * (puts - 1)) / 2 / evenKeys
  const distribution: Distribution = isAscending ? 'ascending' : isSkewed ? 'zipfian' : 'uniform'
  const keys = isAscending ? puts : isSkewed ? keysFor('zipfian', seen, puts) : evenKeys
  const work = {
    puts,
    keys,
    keyBytes: Math.round(keyBytes / puts),
    valueBytes: Math.round(valueBytes / puts),
    distribution,
    batchPuts: puts / writes,
  }
  return { work, seen }
}

/** From how many keys `puts` puts were drawn that have met `seen` different ones. */
function keysFor(distribution: 'uniform' | 'zipfian', seen: number, puts: number): number {
  let low = seen
  let high = seen * MOST_UNSEEN
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (distinctKeys(distribution, middle, puts) < seen) low = middle + 1
    else high = middle
  }
  return low
}
