/** The verdict on a run in sentences: who writes how much, who is faster by how much, and where there is no difference. */
import { candidatesFor, factorBetween, judge, metricsOf, type Candidate, type Metric } from './metrics.js'
import { times } from './numbers.js'
import type { RunReport } from './run-report.js'

export interface VerdictSentence {
  /** The metric that it is about. */
  readonly metric: Metric
  /** Without a full stop: `lsm-tiered loads 1.55× faster than lsm-leveled`. */
  readonly text: string
}

export interface RunVerdict {
  /** Bytes first. */
  readonly sentences: readonly VerdictSentence[]
  /** Numbers by which the engines do not differ by more than their rounds vary. */
  readonly undecided: readonly string[]
  /** Why times have no verdict. */
  readonly remark?: string
}

/** What an engine does in a phase of `kvarium compare`, of one and of several engines. */
const VERBS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  load: ['loads', 'load'],
  overwrite: ['overwrites', 'overwrite'],
  delete: ['deletes', 'delete'],
  get: ['gets', 'get'],
  getSync: ['gets with getSync', 'get with getSync'],
  'get missing': ['misses absent keys', 'miss absent keys'],
  'getSync missing': ['misses absent keys with getSync', 'miss absent keys with getSync'],
  ranges: ['scans short ranges', 'scan short ranges'],
  scan: ['scans', 'scan'],
  'scan reverse': ['scans backwards', 'scan backwards'],
  reopen: ['reopens', 'reopen'],
}

/** A sentence of bytes names all engines with their numbers; `{}` is the number of the first one. */
const AMOUNTS: Readonly<Record<string, { readonly words: string; readonly end?: string }>> = {
  'write/settled': { words: 'writes {} bytes per byte' },
  'write/outside': { words: 'writes {} bytes per byte', end: 'as the operating system counts' },
  'space/settled': { words: 'takes {} bytes on disk per live byte' },
  'read/found': { words: 'touches {} blocks per get' },
}

/** Before the numbers without a winner. */
export const NO_DIFFERENCE = 'No difference beyond the spread of the rounds'
/** Instead of a verdict. */
export const NOTHING_TO_COMPARE = 'With one engine on disk there is nothing to compare: these are its numbers.'

/** Only what counts: throughput of phases and times of tasks, and three kinds of bytes. Latencies and the rest are in the table. */
export function verdictOf(report: RunReport): RunVerdict {
  const metrics = metricsOf(report)
  // Peers have no ledger: with one of them the operating system's counts compare all.
  const writes = report.engines.some(({ kind }) => kind === 'peer') ? 'write/outside' : 'write/settled'
  const amounts = [writes, 'space/settled', 'read/found'].flatMap(id => metrics.filter(metric => metric.id === id))
  const works = metrics.filter(({ id, isRanked }) => isRanked && (id.startsWith('throughput/') || id.startsWith('time/')))
  const sentences: VerdictSentence[] = []
  const undecided: string[] = []
  let remark: string | undefined
  for (const metric of [...amounts, ...works]) {
    const { best, others, outcome, text } = judge(metric, report.engines)
    if (outcome === 'best') {
      const sentence = Object.hasOwn(AMOUNTS, metric.id)
        ? amountSentence(metric, candidatesFor(metric, report.engines))
        : workSentence(metric, best, others)
      sentences.push({ metric, text: sentence })
    } else if (outcome === 'no difference') {
      undecided.push(Object.hasOwn(AMOUNTS, metric.id) ? metric.group.toLowerCase() : metric.label)
    } else if (outcome === 'too few rounds') {
      remark = `${text === 'one round' ? 'One round has' : `The ${text} have`} no spread of times, so there is no verdict on them: --rounds 3 gives one`
    }
  }
  return { sentences, undecided, ...(remark !== undefined && { remark }) }
}

/** `lsm-tiered writes 3.1 bytes per byte, lsm-leveled 5.2`. */
function amountSentence({ id, format }: Metric, candidates: readonly Candidate[]): string {
  const number = ({ spread }: Candidate): string => format(spread.median).replace('×', '')
  const { words, end } = AMOUNTS[id]
  const [first, ...others] = candidates
  return [
    `${first.engine.name} ${words.replace('{}', number(first))}`,
    ...others.map(one => `${one.engine.name} ${number(one)}`),
    ...(end === undefined ? [] : [end]),
  ].join(', ')
}

/** `lsm-tiered loads 1.55× faster than lsm-leveled, 2.1× faster than btree`. */
function workSentence({ label }: Metric, best: readonly Candidate[], others: readonly Candidate[]): string {
  const [one, many] = Object.hasOwn(VERBS, label) ? VERBS[label] : [`runs ${label}`, `run ${label}`]
  const than = others.map(({ engine, spread }) => {
    const factor = factorBetween(best[0].spread, spread)
    return `${factor === undefined ? '' : `${times(factor)} `}faster than ${engine.name}`
  })
  return `${list(best.map(({ engine }) => engine.name))} ${best.length === 1 ? one : many} ${than.join(', ')}`
}

/** `a`, `a and b`, `a, b and c`. */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`
}
