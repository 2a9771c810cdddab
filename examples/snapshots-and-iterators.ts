/**
 * Reading during writes: iterators over ranges, in both directions, in pieces and from a given key on; and snapshots, which
 * keep a moment as long as you want. Run it with `npx tsx examples/snapshots-and-iterators.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-log-'))
const db = new Kvarium<string, number>(directory, { valueEncoding: 'msgpack' })

// Keys whose order is the order of dates: `2026-01` comes before `2026-02`, and `09` before `10`.
const days = Array.from({ length: 30 }, (_, day) => `2026-06-${String(day + 1).padStart(2, '0')}`)
await db.batch(days.map((key, day) => ({ type: 'put', key, value: day * 10 })))

// A range has bounds that are included (gte, lte) or not (gt, lt), a limit, and a direction.
for await (const [day, visits] of db.iterator({ gte: '2026-06-10', limit: 2 })) console.log(day, visits)
console.log('the last three:', await db.keys({ reverse: true, limit: 3 }).all())

// In pieces: fewer promises, and the event loop runs between two pieces.
const values = db.values({ lt: '2026-06-15' })
let sum = 0
for (let piece = await values.nextv(5); piece.length > 0; piece = await values.nextv(5)) {
  for (const visits of piece) sum += visits
}
await values.close()
console.log('visits in two weeks:', sum)

// From a given key on: `seek` goes to the first key that is not less.
const cursor = db.iterator()
cursor.seek('2026-06-25x')
console.log('after the 25th:', (await cursor.next())?.[0])
await cursor.close()

// An iterator sees the moment at which it was made, regardless of later writes.
const running = db.keys({ gte: '2026-06-29' })
await db.del('2026-06-30')
await db.put('2026-07-01', 0)
console.log('the iterator still sees:', await running.all())

// A snapshot shares one moment among as many reads as you like.
const snapshot = db.snapshot()
await db.clear({ lt: '2026-06-20' })
const [then, now] = [await db.keys({ snapshot }).all(), await db.keys().all()]
console.log('then', then.length, 'days, now', now.length)
console.log('then', await db.get('2026-06-01', { snapshot }), 'visits on the first, now', await db.get('2026-06-01'))
// The space of old versions can be freed only after this.
await snapshot.close()

await db.close()
await rm(directory, { recursive: true })
