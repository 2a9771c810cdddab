/**
 * Sublevels: collections within one store, each with its own types and encodings, nested as deep as you like. A hook maintains
 * an index that always agrees with its data. Run it with `npx tsx examples/sublevels.ts`.
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

// The types of this sublevel: keys are strings, values are orders.
const orders = db.sublevel<string, Order>('orders', { valueEncoding: 'msgpack' })

/** A sublevel of the sublevel for each customer, and in that another one, an index: which item was bought in which order. */
function customer(name: string) {
  const own = orders.sublevel<string, Order>(name, { valueEncoding: 'msgpack' })
  const items = own.sublevel<string, string>('items', {})
  // Each put adds its entry in the index, in the same batch.
  own.hooks.prewrite.add((change: Change, batch) => {
    if (change.type === 'put') batch.add({ type: 'put', sublevel: items, key: `${change.value.item}/${change.key}`, value: change.key })
  })
  return { orders: own, items }
}

const ada = customer('ada')
const grace = customer('grace')
await ada.orders.put('001', { item: 'tea', cents: 420, at: new Date('2026-01-05') })
await ada.orders.put('002', { item: 'cup', cents: 900, at: new Date('2026-02-11') })
await ada.orders.put('003', { item: 'tea', cents: 430, at: new Date('2026-03-02') })
await grace.orders.put('001', { item: 'pot', cents: 2900, at: new Date('2026-03-02') })
await db.put('last order', 'grace/001')

const first = await ada.orders.get('001')
console.log('the first order of ada:', first?.item, 'in', first?.at.getUTCFullYear())
console.log('ada bought tea in orders', await ada.items.values({ gte: 'tea/', lt: 'tea0' }).all())

// Within the store a sublevel is a prefix, so its keys lie side by side.
console.log('all keys:', await db.keys().all())

await ada.orders.clear()
console.log('without ada:', await db.keys().all())

await db.close()
await rm(directory, { recursive: true })
