/**
 * A process that writes numbered batches and says so: `ready`, then the number of each batch as it is acknowledged. What it wrote
 * before is in the store, so that a later process goes on from there. Parameters: location, engine, batches in flight, batches at most, and
 * directories to work in by turns, another one for each batch.
 */
import { writeSync } from 'node:fs'
import { Kvarium } from '../../../src/index.js'
import { batchNumber, operationsOf } from './batches.js'
import { factoryOf } from './engines.js'

const [location = '', engine = '', inFlight = '1', most = 'Infinity', ...directories] = process.argv.slice(2)

function say(text: string | number): void {
  writeSync(1, `${text}\n`)
}

const db = new Kvarium<string, string>(location, { engine: factoryOf(engine), writeBufferSize: 32 << 10 })
try {
  await db.open()
} catch (error) {
  say(`refused ${((error as Error).cause as { code: string }).code}`)
  process.exit(3)
}
say('ready')
let next = (await batchNumber(db)) + 1
const end = next + Number(most)
let failure: unknown
const write = async (): Promise<void> => {
  while (next < end && failure === undefined) {
    const number = next++
    if (directories.length > 0) process.chdir(directories[number % directories.length])
    try {
      await db.batch(operationsOf(number), { sync: number % 3 === 0 })
      say(number)
      if (number % 50 === 49) await flush()
    } catch (error) {
      failure ??= error
      say(`failed ${(error as { code?: string }).code}`)
    }
  }
}
/** A flush that fails stops no writes: the log has them. */
async function flush(): Promise<void> {
  await db.flush().catch((error: unknown) => {
    say('flush failed')
    throw error
  })
}

await Promise.all(Array.from({ length: Number(inFlight) }, write))
if (failure !== undefined) {
  // Reading goes on, also where writing does not.
  const newest = await batchNumber(db)
  say(`reads ${newest}`)
  const again = await db.put('n', String(newest)).then(
    () => 'written',
    (error: unknown) => (error as { code?: string }).code,
  )
  say(`then ${again}`)
}
await db.close().then(
  () => say('closed'),
  (error: unknown) => say(`close ${(error as { code?: string }).code}`),
)
