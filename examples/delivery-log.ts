/**
 * A workload of your own: a log of deliveries, whose keys grow with time. Half of the calls append an event, the others read what happened to
 * a parcel lately, or look for a parcel that is not there. Compare engines by it, in a checkout with
 * `npm run kvarium -- compare --workload ./examples/delivery-log.ts`, or with `npm run bench -- --workload ./examples/delivery-log.ts`.
 *
 * Each engine gets the same operations in the same order: they depend on the seed alone, never on the clock or on `Math.random()`.
 */
import type { Plan, Size, Workload, WorkloadOperation } from 'kvarium-lab/workloads'

const PARCELS = 500

export const deliveryLog: Workload = {
  name: 'delivery-log',
  about: 'Deliveries: appended events, what happened to a parcel lately, and parcels that are not there',
  source: 'examples/delivery-log.ts',
  plan,
}

/** The phases: `operations` says how many calls each makes, and `kind` what they do. A lane is a stream of operations, one after the other. */
function plan(size: Size): Plan {
  const { entries, operations: calls } = size
  return {
    entries,
    keyBytes: key(0, 0).length,
    valueBytes: size.valueBytes,
    phases: [
      { name: 'load', about: 'Events in batches of 100', operations: Math.ceil(entries / 100), kind: 'write', lanes: [() => load(size)] },
      {
        name: 'delivery-log',
        about: 'Events, latest of a parcel, no parcel',
        operations: calls,
        kind: 'mixed',
        lanes: [() => mixed(size)],
      },
      { name: 'settle', about: 'Waiting for background work', operations: 1, kind: 'other', lanes: [() => [{ type: 'settle' }]] },
    ],
  }
}

function* load({ entries, valueBytes }: Size): Generator<WorkloadOperation> {
  for (let from = 0; from < entries; from += 100) {
    const length = Math.min(100, entries - from)
    const operations = Array.from(
      { length },
      (_, i) => ({ type: 'put', key: keyOf(from + i), value: event(from + i, valueBytes) }) as const,
    )
    yield { type: 'batch', operations }
  }
}

function* mixed({ entries, operations, valueBytes, seed }: Size): Generator<WorkloadOperation> {
  let random = seed
  for (let call = 0; call < operations; call++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    const parcel = (random >>> 8) % PARCELS
    const number = entries + call
    if (call % 2 === 0) yield { type: 'put', key: keyOf(number), value: event(number, valueBytes) }
    else if (call % 4 === 1) yield { type: 'scan', gte: key(parcel, 0), lt: key(parcel + 1, 0), reverse: true, limit: 10 }
    else yield { type: 'get', key: key(parcel + PARCELS, number) }
  }
}

/** The events of a parcel lie together, in the order of time. */
function keyOf(number: number): Uint8Array {
  return key(number % PARCELS, number)
}

function key(parcel: number, number: number): Uint8Array {
  return new TextEncoder().encode(`parcel-${String(parcel).padStart(5, '0')}/${String(number).padStart(10, '0')}`)
}

function event(number: number, bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, at) => 97 + ((number + at) % 26))
}
