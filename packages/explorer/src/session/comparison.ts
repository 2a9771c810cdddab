/**
 * What differs between two lanes of a run.
 *
 * Invariants:
 * 1. Figures come from the pictures of both lanes; nothing is counted here.
 * 2. Both lanes are compared moment by moment from their openings; what the settings themselves say is no difference.
 */
import { resolveOptions } from 'kvarium/engine'
import { describe } from 'kvarium/observe'
import { outcomeText } from '../run/outcome-text.js'
import type { TraceEvent } from 'kvarium/trace'
import { formatOperation } from '../run/command.js'
import { ENGINE_OPTIONS } from '../run/engines.js'
import type { Operation, Outcome } from '../run/operation.js'
import type { Moment, Run } from '../run/run.js'
import type { LaneSettings, Setting } from '../run/settings.js'
import type { PictureName, Pictures } from '../views/catalog.js'
import { figuresOf, type Figure, type JobCounts } from '../views/figures.js'
import type { Cost, Receipts } from './receipts.js'

/** A value of each of the two lanes; absent where a lane has none. */
export type Both<T> = readonly [T | undefined, T | undefined]

export interface OptionDifference {
  readonly option: string
  /** Defaults filled in. */
  readonly values: Both<Setting>
}

export interface FigurePair {
  readonly group: Figure['group']
  readonly name: string
  readonly unit: Figure['unit']
  /** At the position. */
  readonly here: Both<number>
  /** At the end of the run. */
  readonly whole: Both<number>
}

export interface Parting {
  /** Index of the operation in which it is, -1 for the opening. */
  readonly operation: number
  readonly operationText: string
  /** The first moments that differ; absent where a lane has no more. */
  readonly moments: Both<{ readonly position: number; readonly sentence: string }>
}

export interface OutcomeDifference {
  readonly operation: number
  readonly text: string
  /** Position of its first moment. */
  readonly start: number
  readonly outcomes: readonly [string, string]
}

export interface CostDifference {
  readonly operation: number
  readonly text: string
  readonly start: number
  readonly costs: readonly [Cost, Cost]
}

export interface Comparison {
  /** Names of the two lanes. */
  readonly names: readonly [string, string]
  readonly engines: readonly [string, string]
  readonly options: readonly OptionDifference[]
  readonly figures: readonly FigurePair[]
  /** Absent where both lanes do the same throughout. */
  readonly parting?: Parting
  /** The first ones, and how many there are. */
  readonly outcomes: readonly OutcomeDifference[]
  readonly outcomeCount: number
  /** Names of those of the two lanes in which power has failed: their stores may hold less since. */
  readonly crashed: readonly string[]
  /** The largest differences first; operations that cost the same are not among them. */
  readonly costs: readonly CostDifference[]
  /** Operations whose receipts are no longer kept: there are too many. */
  readonly withoutReceipt: number
}

/** What does not depend on the position. */
type WholeComparison = Omit<Comparison, 'figures'>
type Pair = readonly [number, number]

const MOST_OUTCOMES = 10
const MOST_COSTS = 10
/** Pictures that figures are made of. */
const FIGURED: readonly PictureName[] = ['ledger', 'levels', 'pages', 'directory', 'cache', 'files']

/** Compares lanes of one run. What does not depend on the position is kept for the pair that was asked for last. */
export class Comparisons {
  readonly #run: Run
  readonly #receipts: Receipts
  readonly #jobsAt: (lane: number, position: number) => JobCounts
  readonly #picturesAt: (lane: number, position: number, names: readonly PictureName[]) => Pictures
  #kept: { readonly key: string; readonly whole: readonly (readonly Figure[])[]; readonly comparison: WholeComparison } | undefined

  constructor(
    run: Run,
    receipts: Receipts,
    jobsAt: (lane: number, position: number) => JobCounts,
    picturesAt: (lane: number, position: number, names: readonly PictureName[]) => Pictures,
  ) {
    this.#run = run
    this.#receipts = receipts
    this.#jobsAt = jobsAt
    this.#picturesAt = picturesAt
  }

  of(pair: Pair, position: number): Comparison {
    const end = this.#run.last
    const key = `${pair.join()} ${end}`
    if (this.#kept?.key !== key) {
      this.#kept = { key, whole: this.#figures(pair, end), comparison: compareRuns(this.#run, this.#receipts, pair) }
    }
    const { whole, comparison } = this.#kept
    const here = position >= end ? whole : this.#figures(pair, position)
    return { ...comparison, figures: pairFigures(here, whole) }
  }

  #figures(pair: Pair, position: number): readonly (readonly Figure[])[] {
    return pair.map(lane => figuresOf(this.#picturesAt(lane, position, FIGURED), this.#jobsAt(lane, position)))
  }
}

function compareRuns(run: Run, receipts: Receipts, pair: Pair): WholeComparison {
  const lanes = pair.map(lane => run.settings.lanes[lane])
  const moments = pair.map(lane => momentsOf(run, lane))
  const outcomes = outcomeDifferences(run, moments)
  // What others did has no operations that both lanes have.
  const parting = run.isRecorded ? undefined : partingOf(run, moments)
  return {
    names: [lanes[0].name, lanes[1].name],
    engines: [lanes[0].engine, lanes[1].engine],
    options: optionDifferences(lanes),
    ...(parting !== undefined && { parting }),
    outcomes: outcomes.slice(0, MOST_OUTCOMES),
    outcomeCount: outcomes.length,
    crashed: lanes.flatMap(({ name }) => (run.operations.some(each => each.type === 'crash' && each.lane === name) ? [name] : [])),
    ...costDifferences(run, receipts, pair),
  }
}

/** Figures of both lanes side by side, in the order of the first one that has them. */
function pairFigures(here: readonly (readonly Figure[])[], whole: readonly (readonly Figure[])[]): readonly FigurePair[] {
  const keyOf = ({ group, name }: Figure): string => `${group}: ${name}`
  const figures = [...here, ...whole]
  const values = figures.map(each => new Map(each.map(figure => [keyOf(figure), figure.value])))
  const known = new Map([...whole, ...here].flatMap(each => each.map(figure => [keyOf(figure), figure])))
  const groups = [...new Set([...known.values()].map(({ group }) => group))]
  return groups.flatMap(wanted =>
    [...known]
      .filter(([, { group }]) => group === wanted)
      .map(([key, { group, name, unit }]): FigurePair => {
        const [a, b, wholeA, wholeB] = values.map((each, at) => each.get(key) ?? absent(figures[at], group, unit))
        return { group, name, unit, here: [a, b], whole: [wholeA, wholeB] }
      }),
  )
}

/** Parts of bytes that a lane has nothing of are 0 there. */
function absent(figures: readonly Figure[], group: Figure['group'], unit: Figure['unit']): number | undefined {
  const isPart = group !== 'shape' && (unit === 'x' || unit === 'bytes')
  return isPart && figures.some(each => each.group === group && each.unit === unit) ? 0 : undefined
}

function optionDifferences(lanes: readonly LaneSettings[]): readonly OptionDifference[] {
  const [a, b] = lanes.map(({ engine, options }): Readonly<Record<string, unknown>> => {
    try {
      return { ...options, ...resolveOptions(ENGINE_OPTIONS[engine] ?? {}, options) }
    } catch {
      // The lane has not opened with them.
      return options
    }
  })
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter(option => a[option] !== b[option])
    .map(option => ({ option, values: [a[option] as Setting | undefined, b[option] as Setting | undefined] }))
}

interface Placed {
  readonly position: number
  readonly moment: Moment
}

function momentsOf({ moments, first }: Run, lane: number): readonly Placed[] {
  return moments.flatMap((moment, index) => (moment.lane === lane ? [{ position: first + index + 1, moment }] : []))
}

function partingOf({ operations }: Run, [a, b]: readonly (readonly Placed[])[]): Parting | undefined {
  let operation = -1
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [first, second] = [a.at(index), b.at(index)]
    if (first !== undefined && second !== undefined && isSame(first.moment, second.moment)) {
      if (first.moment.kind === 'call') operation = first.moment.operation
      continue
    }
    const operationText = operation < 0 ? 'the opening' : formatOperation(operations[operation])
    const said = ({ position, moment }: Placed): { readonly position: number; readonly sentence: string } => ({
      position,
      sentence: sentenceOf(moment, operations),
    })
    return { operation, operationText, moments: [first && said(first), second && said(second)] }
  }
  return undefined
}

function sentenceOf(moment: Moment, operations: readonly Operation[]): string {
  if (moment.kind === 'event') return describe(moment.event)
  if (moment.kind === 'return') return `The operation ends: ${textOf(moment.outcome)}`
  return moment.operation < 0 ? 'The store opens' : `The operation begins: ${formatOperation(operations[moment.operation])}`
}

/** Whether two moments say the same, but for the lane and for what only repeats the options. */
function isSame(a: Moment, b: Moment): boolean {
  if (a.kind === 'event' && b.kind === 'event') return isEqual(toldBy(a.event), toldBy(b.event))
  if (a.kind === 'call' && b.kind === 'call') return a.operation === b.operation
  return a.kind === 'return' && b.kind === 'return' && a.operation === b.operation && isEqual(a.outcome, b.outcome)
}

/** An event without what only repeats the options. The bytes of a file hold nothing that other events do not say, but for them. */
function toldBy(event: TraceEvent): TraceEvent {
  switch (event.type) {
    case 'engine.open':
      return { ...event, options: {} }
    case 'memtable.new':
      return { ...event, capacityBytes: 0 }
    case 'compaction.pick':
      return { ...event, scores: [] }
    case 'meta.read':
      return { ...event, unitBytes: 0, pageBytes: 0 }
    case 'file.write': {
      const { bytes: _, ...told } = event
      return told
    }
    default:
      return event
  }
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, index) => byte === b[index])
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}

function outcomeDifferences({ operations, starts }: Run, moments: readonly (readonly Placed[])[]): readonly OutcomeDifference[] {
  const [a, b] = moments.map(
    placed =>
      new Map(
        placed.flatMap(({ moment }) => (moment.kind === 'return' && moment.operation >= 0 ? [[moment.operation, moment.outcome]] : [])),
      ),
  )
  return [...a].flatMap(([operation, outcome]): OutcomeDifference[] => {
    const other = b.get(operation)
    if (other === undefined || isEqual(outcome, other)) return []
    const text = formatOperation(operations[operation])
    return [{ operation, text, start: starts[operation] + 1, outcomes: [textOf(outcome), textOf(other)] }]
  })
}

function textOf(outcome: Outcome): string {
  const text = outcomeText(outcome)
  return outcome.status === 'failed' || outcome.status === 'conflict' ? text : [outcome.status, text].filter(part => part !== '').join(': ')
}

function costDifferences(
  { operations, starts, moments }: Run,
  receipts: Receipts,
  [a, b]: Pair,
): Pick<Comparison, 'costs' | 'withoutReceipt'> {
  let withoutReceipt = 0
  const differing = operations.flatMap((_, operation): { readonly operation: number; readonly costs: readonly [Cost, Cost] }[] => {
    const [first, second] = [receipts.cost(moments, a, operation), receipts.cost(moments, b, operation)]
    if (first !== undefined && second !== undefined)
      return differenceOf([first, second]) === 0 ? [] : [{ operation, costs: [first, second] }]
    withoutReceipt++
    return []
  })
  differing.sort((x, y) => differenceOf(y.costs) - differenceOf(x.costs) || x.operation - y.operation)
  const costs = differing.slice(0, MOST_COSTS).map(({ operation, costs }) => ({
    operation,
    text: formatOperation(operations[operation]),
    start: starts[operation] + 1,
    costs,
  }))
  return { costs, withoutReceipt }
}

/** In bytes, now and later together. */
function differenceOf([a, b]: readonly [Cost, Cost]): number {
  return Math.abs(a.now + a.later - b.now - b.later)
}
