/**
 * Objects as values, in MessagePack, and two collections in one store. A batch over both is atomic, so that an index
 * always agrees with its data. Run it with `npx tsx examples/structured-values.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

interface Person {
  readonly name: string
  readonly city: string
  readonly born: Date
}

const directory = await mkdtemp(join(tmpdir(), 'kvarium-people-'))
const db = new Kvarium<string, Person | string>(directory)
const people = db.sublevel<string, Person>('people', { valueEncoding: 'msgpack' })
const byCity = db.sublevel<string, string>('by-city', {})

async function add(id: string, person: Person): Promise<void> {
  await db.batch([
    { type: 'put', sublevel: people, key: id, value: person },
    { type: 'put', sublevel: byCity, key: `${person.city}/${id}`, value: id },
  ])
}

await add('1', { name: 'Ada', city: 'London', born: new Date('1815-12-10') })
await add('2', { name: 'Grace', city: 'New York', born: new Date('1906-12-09') })
await add('3', { name: 'Alan', city: 'London', born: new Date('1912-06-23') })

const ids = await byCity.values({ gte: 'London/', lt: 'London0' }).all()
for (const person of await people.getMany(ids)) console.log(person?.name, 'was born in', person?.born.getUTCFullYear())

await db.close()
await rm(directory, { recursive: true })
