/**
 * The third stage: the workload of the exercise with the part and with the reference, under the same seed, with every step recorded. The
 * first step that differs is shown in words, after those before it.
 */
import { describe } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { SeededRandom } from 'kvarium/vfs'
import { DrivenStore } from './driven-store.js'
import type { Exercise } from './exercise.js'
import { showOperation, type Operation } from './operation.js'

interface Recorded {
  readonly event: TraceEvent
  /** Index of the current operation of the workload. */
  readonly during: number
  /** The fields that must be equal. */
  readonly compared: string
}

const SHOWN_BEFORE = 5

export async function divergenceStage<Part>(
  exercise: Exercise<Part>,
  part: Part,
  reference: Part,
  seed: number,
): Promise<string | undefined> {
  const operations = exercise.workload(new SeededRandom(seed))
  const expected = await record(exercise, reference, operations, seed)
  const actual = await record(exercise, part, operations, seed)
  const at = expected.findIndex((recorded, i) => recorded.compared !== actual[i]?.compared)
  if (at < 0 && expected.length === actual.length) return undefined
  return show(operations, expected, actual, at < 0 ? expected.length : at, seed)
}

async function record<Part>(exercise: Exercise<Part>, part: Part, operations: readonly Operation[], seed: number): Promise<Recorded[]> {
  const recorded: Recorded[] = []
  let during = -1
  const listener = (event: TraceEvent): void => {
    const compared = comparedText(exercise, event)
    if (compared !== undefined) recorded.push({ event, during, compared })
  }
  const store = await DrivenStore.open({ factory: exercise.plug(part), options: exercise.options, seed, listener })
  for (const operation of operations) {
    during++
    await store.do(operation)
  }
  during++
  await store.close()
  return recorded
}

/**
 * The fields of an event that must be equal to the reference's, as text: without its position and time, and without the payload that a trace
 * may journal. `undefined` for an event that is omitted.
 */
export function comparedText({ compared: select }: Pick<Exercise<unknown>, 'compared'>, event: TraceEvent): string | undefined {
  const compared = select === undefined ? event : select(event)
  if (compared === undefined) return undefined
  return JSON.stringify(compared, (name, value: unknown) => {
    if (name === 'sequence' || name === 'atMs') return undefined
    if (!(value instanceof Uint8Array)) return value
    return name === 'bytes' ? undefined : Array.from(value)
  })
}

function show(
  operations: readonly Operation[],
  expected: readonly Recorded[],
  actual: readonly Recorded[],
  at: number,
  seed: number,
): string {
  const wanted = expected.at(at)
  const got = actual.at(at)
  const during = Math.min(wanted?.during ?? Infinity, got?.during ?? Infinity)
  const before = expected.slice(Math.max(0, at - SHOWN_BEFORE), at).map(recorded => `    ${describe(recorded.event)}`)
  const operation =
    during < 0 ? 'the first open()' : during < operations.length ? `step ${during + 1}, ${showOperation(operations[during])}` : 'close()'
  return [
    `The results are right, but the engine's steps differ from those with the reference (seed ${seed}). They diverge in ${operation}, at event ${at + 1}:`,
    ...before,
    `  with the reference: ${sentence(wanted)}`,
    `  with your part:     ${sentence(got)}`,
    ...differences(wanted, got),
  ].join('\n')
}

function sentence(recorded: Recorded | undefined): string {
  return recorded === undefined ? 'nothing more happens.' : describe(recorded.event)
}

/** The differing fields, if the sentences are equal. */
function differences(wanted: Recorded | undefined, got: Recorded | undefined): string[] {
  if (wanted === undefined || got === undefined || describe(wanted.event) !== describe(got.event)) return []
  return [`  in full: ${wanted.compared}`, `      and: ${got.compared}`]
}
