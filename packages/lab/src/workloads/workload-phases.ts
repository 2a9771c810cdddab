/** A workload as the phases of a comparison, which performs one operation at a time. */
import { MisuseError } from 'kvarium'
import type { Operation, Phase } from '../compare/operation.js'
import type { Plan, WorkloadOperation } from './workload.js'

/**
 * The phases of a plan; a read-modify-write is a get and a put.
 * @throws MisuseError when a phase has several lanes, which need `npm run bench`.
 */
export function workloadPhases({ phases }: Plan): Phase[] {
  return phases.map(({ name, about, operations: total, lanes }) => {
    const [lane, ...others] = lanes
    if (others.length > 0) {
      throw new MisuseError(
        'LEVEL_INVALID_OPTION',
        `The phase ${name} runs ${lanes.length} streams at once, and kvarium compare one: npm run bench in a checkout of kvarium runs it`,
      )
    }
    return { name, about, total, operations: () => simple(lane()) }
  })
}

function* simple(operations: Iterable<WorkloadOperation>): Generator<Operation> {
  for (const operation of operations) {
    if (operation.type === 'read-modify-write') {
      const { key, value } = operation
      yield { type: 'get', key }
      yield { type: 'put', key, value }
    } else {
      yield operation
    }
  }
}
