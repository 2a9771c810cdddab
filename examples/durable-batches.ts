/**
 * Batches that are all or nothing, and writes that survive power loss. The store lives in a file system in
 * memory, whose power can be cut. Run it with `npx tsx examples/durable-batches.ts`.
 */
import { Kvarium, type Environment } from 'kvarium'
import { MemoryFileSystem, simulatedEnvironment } from 'kvarium/vfs'

const fileSystem = new MemoryFileSystem()
const db = open(fileSystem)
await db.batch(
  [
    { type: 'put', key: 'ada', value: 100 },
    { type: 'put', key: 'grace', value: 100 },
  ],
  { sync: true },
)

/** A transfer changes two accounts, and no reader ever sees only one of them changed. */
async function transfer(from: string, to: string, amount: number, sync: boolean): Promise<void> {
  const [a, b] = await db.getMany([from, to])
  if (a === undefined || b === undefined || a < amount) throw new Error(`${from} cannot give ${amount} to ${to}`)
  // The same as a batch of two, step by step.
  await db
    .batch()
    .put(from, a - amount)
    .put(to, b + amount)
    .write({ sync })
}

await transfer('ada', 'grace', 30, true)
await transfer('ada', 'grace', 5, false)
console.log('before:', await balances(db))

// After `kill -9`: everything that was acknowledged.
const survivor = open(fileSystem.processCrashClone())
console.log('after a kill:', await balances(survivor))
await survivor.close()

// After a power loss: everything up to the last write with `sync`. Later writes may be there or not, but never half of one.
const afterPowerLoss = open(fileSystem.crashClone('none'))
console.log('after a power loss:', await balances(afterPowerLoss))
await afterPowerLoss.close()

// Durable writes that wait at the same time share one sync: start many, and await them together.
const before = db.stats().ledger.syncs
await Promise.all(Array.from({ length: 100 }, (_, n) => db.put(`visitor ${n}`, n, { sync: true })))
console.log('100 durable puts took', db.stats().ledger.syncs - before, 'syncs')

await db.close()

function open(files: MemoryFileSystem): Kvarium<string, number> {
  const environment: Environment = simulatedEnvironment({ seed: 1, fileSystem: files })
  return new Kvarium<string, number>('/bank', { valueEncoding: 'msgpack', environment })
}

async function balances(store: Kvarium<string, number>): Promise<string> {
  return (await store.iterator({ lt: 'v' }).all()).map(([name, cents]) => `${name} ${cents}`).join(', ')
}
