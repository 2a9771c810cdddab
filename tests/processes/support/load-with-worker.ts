/**
 * Loads a store so that its compactions run in the worker thread, opens it again and reads all of it. Parameters: location, engine, entries. Prints
 * where the compactions ran, and how many entries it read.
 */
import { builtInEngines, Kvarium } from 'kvarium'

const [location = '', engine = '', entries = ''] = process.argv.slice(2)
const [BATCH, FACTOR] = [500, 7919]
const count = Number(entries)
// A permutation, as the factor is a prime that does not divide the count: the order is scattered.
const keyOf = (i: number): string => String((i * FACTOR) % count).padStart(8, '0')
const options = { engine: builtInEngines.resolve(engine), writeBufferSize: 1 << 20 }

const db = new Kvarium(location, options)
for (let i = 0; i < count; i += BATCH) {
  await db.batch(
    Array.from({ length: Math.min(BATCH, count - i) }, (_, j) => ({ type: 'put', key: keyOf(i + j), value: `${i + j}`.padEnd(100, '.') })),
  )
}
await db.flush()
await db.settle()
const { executor } = db.stats()
await db.close()

const again = new Kvarium(location, options)
let read = 0
for await (const [key, value] of again.iterator()) {
  if (Number(key) !== read || keyOf(parseInt(value, 10)) !== key) throw new Error(`entry ${read} is ${key}: ${value.slice(0, 9)}`)
  read++
}
for await (const { path, message } of again.check()) throw new Error(`${path}: ${message}`)
await again.close()
process.stdout.write(`${executor ?? 'none'} ${read}\n`)
