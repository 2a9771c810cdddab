/** A small run like the one that a report of the lab is about: the same engines and options on a workload that can be stepped through. */
import { resolveOptions, type OptionSpec, type OptionTable } from 'kvarium/engine'
import type { RunReport } from 'kvarium-lab/report'
import type { Line } from './line.js'
import { number } from './number-text.js'
import { MOST_LANES, type LaneSettings, type RunSettings, type Setting } from './settings.js'
import { WORKLOAD_WORDS } from './workload-words.js'

/** Calls of the run, and entries that it loads first. */
export const MOST_REPORTED = 2000

/** Sizes that say when an engine works in the background: with those of a large run a small one would show nothing. */
const SCALED = ['writeBufferSize', 'level1Size', 'maxFileSize', 'cacheSize']
/** Scaled sizes are not smaller, in bytes. */
const LEAST_SCALED = 16 << 10
const MOST_VALUE_BYTES = 1 << 20
const MOST_SEED = 2 ** 32 - 1

export interface ReportedRun {
  /** Without lanes if no engine of the report runs in a page. */
  readonly settings: RunSettings
  readonly line: Line
  /** What is otherwise than in the report, in sentences. */
  readonly notes: readonly string[]
}

/** @param tables - The options of each engine that lanes have, by its name. */
export function runOfReport({ work, engines }: RunReport, tables: Readonly<Record<string, OptionTable>>): ReportedRun {
  const notes: string[] = []
  const isKnown = WORKLOAD_WORDS.some(({ name }) => name === work.name)
  const calls = (isKnown ? work.phases.find(({ name }) => name === work.name)?.operations : undefined) ?? work.entries
  const [count, entries] = [calls, work.entries].map(wanted => Math.max(1, Math.min(wanted, MOST_REPORTED)))
  const size = {
    count,
    valueBytes: Math.max(1, Math.min(Math.round(work.valueBytes), MOST_VALUE_BYTES)),
    seed: work.seed <= MOST_SEED ? Math.trunc(Math.max(0, work.seed)) : 1,
  }
  if (!isKnown) notes.push(`No line can do the workload ${work.name}: puts of random keys stand in for it.`)
  if (calls > count || work.entries > entries) {
    notes.push(
      `The run has ${number(count)} calls on ${number(entries)} entries; that of the report had ${number(calls)} on ${number(work.entries)}.`,
    )
  }

  const taken = engines.filter(({ kind, engine }) => kind === 'kvarium' && Object.hasOwn(tables, engine))
  const lanes = taken.slice(0, MOST_LANES).map(({ name, engine, options }): LaneSettings => {
    const accepted = acceptedOptions(name, tables[engine], options, notes)
    return { name, engine, options: scaled(name, tables[engine], accepted, work.entries / entries, notes) }
  })
  const others = engines.filter(({ name }) => !lanes.some(lane => lane.name === name)).map(({ name }) => name)
  if (others.length > 0)
    notes.push(
      `No lanes: ${others.join(', ')}. A page runs up to ${MOST_LANES} of ${new Intl.ListFormat('en-GB').format(Object.keys(tables))}.`,
    )
  return {
    settings: { seed: 1, lanes },
    line: { generator: isKnown ? { kind: 'workload', name: work.name, entries, ...size } : { kind: 'random', keys: entries, ...size } },
    notes,
  }
}

function acceptedOptions(
  lane: string,
  table: OptionTable,
  options: Readonly<Record<string, Setting>>,
  notes: string[],
): Readonly<Record<string, Setting>> {
  const isAccepted = ([name, value]: readonly [string, Setting]): boolean => {
    try {
      if (!Object.hasOwn(table, name)) return false
      resolveOptions({ [name]: table[name] }, { [name]: value })
      return true
    } catch {
      return false
    }
  }
  const given = Object.entries(options)
  const refused = given.filter(option => !isAccepted(option)).map(([name]) => name)
  if (refused.length > 0)
    notes.push(`${lane} has the default of ${refused.join(', ')}: the value of the report is none that the engine takes here.`)
  return Object.fromEntries(given.filter(isAccepted))
}

/** Sizes that fit a run with `times` fewer entries; all as they are where it has no fewer. */
function scaled(
  lane: string,
  table: OptionTable,
  options: Readonly<Record<string, Setting>>,
  times: number,
  notes: string[],
): Readonly<Record<string, Setting>> {
  if (times <= 1) return options
  const sizes = SCALED.flatMap((name): [string, number][] => {
    const spec: OptionSpec | undefined = table[name]
    if (spec?.type !== 'integer') return []
    const given = options[name]
    const size = typeof given === 'number' ? given : spec.default
    const least = Math.min(size, Math.max(spec.min, LEAST_SCALED))
    return [[name, Math.max(least, 2 ** Math.round(Math.log2(Math.max(1, size / times))))]]
  })
  if (sizes.length > 0) {
    const small = sizes.map(([name, size]) => `${name} ${number(size)}`).join(', ')
    notes.push(`${lane} has sizes for fewer entries: ${small}. All other options are those of the report, or defaults.`)
  }
  return { ...options, ...Object.fromEntries(sizes) }
}
