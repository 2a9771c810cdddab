/** A session that takes parts of a learner's own: it checks them, has them in lanes, and finds where two lanes go different ways. */
import { describe } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { ExplorerError } from '../run/explorer-error.js'
import { check } from '../parts/check.js'
import type { PartFailure } from '../parts/part-settings.js'
import { plugIn } from '../parts/plug-in.js'
import { workloadOf, type WorkloadOperation } from '../parts/workload.js'
import { format } from '../run/command.js'
import { allowParts } from '../run/engines.js'
import type { Operation } from '../run/operation.js'
import type { Run } from '../run/run.js'
import type { LaneSettings, Setting } from '../run/settings.js'
import type { CheckBegins, Difference } from './part-answers.js'
import type { Answering, PartCalls, Summary } from './protocol.js'
import { Session, type SessionSources } from './session.js'

const SHOWN_BEFORE = 5

allowParts(plugIn)

export class PartSession extends Session implements Answering<PartCalls> {
  readonly #onCheck: (begins: CheckBegins) => void

  constructor(
    onProgress: (summary: Summary) => void = () => undefined,
    sources: SessionSources = {},
    onCheck: (begins: CheckBegins) => void = () => undefined,
  ) {
    super(onProgress, sources)
    this.#onCheck = onCheck
  }

  readonly checkPart = (exercise: string, source: string, seed: number): Promise<PartFailure | undefined> =>
    check({ exercise, source }, { seed, onCheck: (stage, name) => this.#onCheck({ stage, check: name }) })

  readonly partLanes = partLanes
  readonly partScript = partScript
  readonly difference = async (): Promise<Difference | undefined> => firstDifference(this.run)
}

/** Two lanes of the exercise's engine: one with the reference, one with the part. */
async function partLanes(exercise: string, source: string): Promise<readonly LaneSettings[]> {
  const { engine, options } = await workloadOf(exercise, 1)
  const lane = { engine, options: options as Readonly<Record<string, Setting>> }
  return [
    { name: 'reference', ...lane, part: { exercise } },
    { name: `your-${exercise}`, ...lane, part: { exercise, source } },
  ]
}

/** The operations of the exercise's comparison, as lines. Where the exercise ends the process, the store is closed and opened again. */
async function partScript(exercise: string, seed: number): Promise<readonly string[]> {
  const { operations } = await workloadOf(exercise, seed)
  return [...inOperations(operations)].map(operation => format({ operation }))
}

function* inOperations(operations: readonly WorkloadOperation[]): Generator<Operation> {
  let snapshots = 0
  let isHeld = false
  const held = (at: 'snapshot' | undefined): { snapshot?: string } => (at !== undefined && isHeld ? { snapshot: `s${snapshots}` } : {})
  for (const operation of operations) {
    switch (operation.do) {
      case 'put':
        yield { type: 'put', key: operation.key, value: operation.value, ...(operation.sync === true && { sync: true }) }
        break
      case 'del':
        yield { type: 'del', key: operation.key }
        break
      case 'clear':
        yield { type: 'clear', from: operation.from, to: operation.to }
        break
      case 'get':
        yield { type: 'get', key: operation.key, ...held(operation.at) }
        break
      case 'scan': {
        const { from, behind = false, reverse = false } = operation
        // The least key behind another one has a zero more.
        const edge = behind === reverse ? from : `${from}\0`
        yield { type: 'range', ...(reverse ? { to: edge, reverse } : { from: edge }) }
        break
      }
      case 'snapshot':
        if (isHeld) yield { type: 'release', name: `s${snapshots}` }
        isHeld = true
        yield { type: 'snapshot', name: `s${++snapshots}` }
        break
      case 'flush':
      case 'compact':
        yield { type: operation.do }
        break
      case 'reopen':
      case 'kill':
      case 'tear':
        isHeld = false
        yield { type: 'reopen' }
        break
    }
  }
}

/**
 * The first step in which a lane with a part does otherwise than the one with the reference of its exercise. `undefined` if there is none.
 * Rejects where the run has no two such lanes.
 */
async function firstDifference({ settings, moments }: Run): Promise<Difference | undefined> {
  const own = settings.lanes.findIndex(({ part }) => part?.source !== undefined)
  const exercise = settings.lanes[own]?.part?.exercise
  const reference = settings.lanes.findIndex(({ part }) => part !== undefined && part.exercise === exercise && part.source === undefined)
  if (exercise === undefined || reference < 0)
    throw new ExplorerError(
      'KVARIUM_NOTHING_THERE',
      'This run has no lane with your part beside one with the reference: use the part as a lane first',
    )
  const { compared } = await workloadOf(exercise, 1)
  const steps = [reference, own].map(lane =>
    moments.flatMap((moment, index) => {
      if (moment.kind !== 'event' || moment.lane !== lane) return []
      const text = compared(moment.event)
      return text === undefined ? [] : [{ lane, position: index + 1, event: moment.event, text }]
    }),
  )
  const [wanted, got] = steps
  const at = wanted.findIndex(({ text }, index) => text !== got[index]?.text)
  if (at < 0 && wanted.length === got.length) return undefined
  const same = at < 0 ? wanted.length : at
  const found = steps.map(lane => lane.at(same))
  return {
    same,
    before: wanted.slice(Math.max(0, same - SHOWN_BEFORE), same).map(({ event }) => describe(event)),
    steps: found.map(step => step && { lane: step.lane, position: step.position, sentence: describe(step.event) }),
    fields: fieldsOf(found.map(step => step?.event)),
  }
}

/** The fields of two events that differ, but for their place in the run. */
function fieldsOf([wanted, got]: readonly (TraceEvent | undefined)[]): Difference['fields'] {
  if (wanted === undefined || got === undefined) return []
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter(name => name !== 'sequence' && name !== 'atMs')
  return names.flatMap(name => {
    const values = [wanted, got].map(event => valueText((event as unknown as Readonly<Record<string, unknown>>)[name]))
    return values[0] === values[1] ? [] : [{ name, values }]
  })
}

const LONGEST = 80

function valueText(value: unknown): string {
  if (value === undefined) return 'none'
  const text = JSON.stringify(value, (_, inner: unknown) => (inner instanceof Uint8Array ? new TextDecoder().decode(inner) : inner))
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text
}
