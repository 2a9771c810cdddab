/** The shortest tour: put, get, batch, iterate, snapshot. Run it with `npx tsx examples/hello.ts`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-hello-'))
const db = new Kvarium(directory)

await db.put('apple', 'red')
await db.batch([
  { type: 'put', key: 'banana', value: 'yellow' },
  { type: 'put', key: 'cherry', value: 'dark red' },
])
console.log('apple is', await db.get('apple'))
console.log('banana is', db.getSync('banana'), '(without waiting)')

const before = db.snapshot()
await db.del('banana')
console.log('banana is', await db.get('banana'), 'now and was', await db.get('banana', { snapshot: before }))
await before.close()

for await (const [key, value] of db.iterator({ gte: 'b' })) console.log(key, '=', value)

await db.close()
await rm(directory, { recursive: true })
