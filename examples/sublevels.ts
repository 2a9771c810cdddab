/**
 * Sublevels: collections within one store, each with its own types and encodings, nested as deep as you like. A hook keeps
 * an index in the same atomic batch. Run it with `npx tsx examples/sublevels.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

interface Order {
  readonly item: string
  readonly cents: number
  readonly at: Date
}

type Change = { readonly type: 'put'; readonly key: string; readonly value: Order } | { readonly type: 'del'; readonly key: string }

const directory = await mkdtemp(join(tmpdir(), 'kvarium-shop-'))
const db = new Kvarium(directory)

// The types are those of this sublevel alone: keys are strings, values are orders.
const orders = db.sublevel<string, Order>('orders', { valueEncoding: 'msgpack' })
// Sublevels of a sublevel: one for each customer.
const ordersOf = (customer: string) => orders.sublevel<string, Order>(customer, { valueEncoding: 'msgpack' })
const itemsByCustomer = db.sublevel<string, string>('items', {})

const ada = ordersOf('ada')
const grace = ordersOf('grace')
for (const [name, customer] of Object.entries({ ada, grace })) {
  // Whatever is put through the sublevel brings its entry in the index along, in the same batch.
  customer.hooks.prewrite.add((change: Change, batch) => {
    if (change.type === 'put') {
      batch.add({ type: 'put', sublevel: itemsByCustomer, key: `${change.value.item}/${name}/${change.key}`, value: name })
    }
  })
}

await ada.put('001', { item: 'tea', cents: 420, at: new Date('2026-01-05') })
await ada.put('002', { item: 'cup', cents: 900, at: new Date('2026-02-11') })
await grace.put('001', { item: 'tea', cents: 420, at: new Date('2026-03-02') })
await db.put('last order', 'grace/001')

const first = await ada.get('001')
console.log('the first order of ada:', first?.item, 'in', first?.at.getUTCFullYear())
console.log('who buys tea:', await itemsByCustomer.values({ gte: 'tea/', lt: 'tea0' }).all())

// Within the store a sublevel is a prefix, so its keys lie side by side.
console.log('all keys:', await db.keys().all())

await ada.clear()
console.log('left after ada is gone:', (await orders.keys().all()).join(', '), 'and', await db.get('last order'))

await db.close()
await rm(directory, { recursive: true })
