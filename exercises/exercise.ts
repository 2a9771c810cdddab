/**
 * An exercise. Each has its own folder:
 *
 *   README.md       the task: what to build, why, sources, how to check, hints
 *   starter.ts      the learner's file: the exported signatures, with bodies that throw `Not written yet: ...`
 *   units.ts        the unit checks as `units`; copied beside the starter, so that the learner can read them
 *   exercise.ts     exports `exercise`
 *   reference.ts    a short solution that passes
 *   mutants.md      at least five wrong solutions that must not pass: the misconception, and what it changes in the reference
 *
 * `starter.ts`, `units.ts` and `reference.ts` live in the learner's folder too: they import from `kvarium` and
 * `kvarium/...`, and never by a relative path.
 */
import type { EngineFactory } from 'kvarium'
import type { TraceEvent } from 'kvarium/trace'
import type { SeededRandom } from 'kvarium/vfs'
import type { Operation } from './operation.js'

/** The exports of the learner's file. */
export type Module = Readonly<Record<string, unknown>>

export interface Exercise<Part> {
  /** Names its folder, and the file that the learner writes: `skiplist` makes `skiplist.ts`. */
  readonly name: string
  /** One line, for the list. */
  readonly title: string
  /** Takes the part from the module. Throws an error that names a missing or wrong export. */
  part(module: Module): Part
  readonly units: readonly Unit<Part>[]
  /** The real engine with the part in it. */
  plug(part: Part): EngineFactory
  /** Options of the store with the part: small buffers, so that a few operations reach all of it. */
  readonly options: Readonly<Record<string, unknown>>
  /** The operations on the store with the part and on that with the reference. */
  workload(random: SeededRandom): readonly Operation[]
  /**
   * The part of an event that must be equal to the reference's; `undefined` omits the event. Solutions may differ in irrelevant
   * details, such as drawn heights. Default: everything except the time.
   */
  compared?(event: TraceEvent): unknown
}

export interface Unit<Part> {
  /** The rule, as a sentence. */
  readonly name: string
  /** Throws, or rejects with, an error whose message names the misconception. */
  check(part: Part): void | Promise<void>
}

/** The named export, which must be a function. */
export function exportedFunction(module: Module, name: string): (...args: never[]) => unknown {
  const found = module[name]
  if (typeof found === 'function') return found as (...args: never[]) => unknown
  throw new Error(found === undefined ? `The file does not export "${name}".` : `"${name}" must be a function, and is a ${typeof found}.`)
}
