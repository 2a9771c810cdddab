/** Numbered batches whose entries in a store show how many there were, and whether each was whole. */
import type { Kvarium } from '../../../src/index.js'

type Store = Kvarium<string, string>
type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string }

/** Each batch owns a slot of two keys that the one SLOTS later takes over. */
const SLOTS = 40
const FILLER = 'x'.repeat(300)

export function operationsOf(number: number): Operation[] {
  const slot = number % SLOTS
  const keys = [`a${slot}`, `z${slot}`]
  const values = keys.map((key): Operation =>
    number % 7 === 0 ? { type: 'del', key } : { type: 'put', key, value: `${number} ${FILLER}` },
  )
  return [...values, { type: 'put', key: 'n', value: String(number) }]
}

/** Number of the newest batch in the store; 0 for an empty one. */
export async function batchNumber(db: Store): Promise<number> {
  return Number((await db.get('n')) ?? 0)
}

/** Throws unless the store holds exactly the first batches, whole, up to the returned number. */
export async function checkBatches(db: Store): Promise<number> {
  const newest = await batchNumber(db)
  const expected = new Map<string, string>()
  for (let number = Math.max(1, newest - SLOTS + 1); number <= newest; number++) {
    for (const operation of operationsOf(number)) {
      if (operation.type === 'put') expected.set(operation.key, operation.value)
    }
  }
  const found = new Map(await db.iterator().all())
  for (const [key, value] of expected) {
    if (found.get(key) !== value)
      throw new Error(`${key} is ${found.get(key)?.slice(0, 9)} instead of ${value.slice(0, 9)}, of ${newest} batches`)
  }
  if (found.size !== expected.size) throw new Error(`${found.size} keys instead of ${expected.size}, of ${newest} batches`)
  for await (const violation of db.check()) throw new Error(`${violation.path}: ${violation.message}`)
  return newest
}
