/** What runs in the page: one store at a time, from nothing. */
import type { AbstractLevel } from 'abstract-level'
import { BrowserLevel } from 'browser-level'
import { openInWorker } from '../../src/browser/index.js'
import type { Measured, Sizes, StoreName } from './sizes.js'

type Store = AbstractLevel<unknown>

const STORES: Readonly<Record<StoreName, (location: string) => Store>> = {
  lsm: location => openInWorker(new Worker('/worker.js'), location) as unknown as Store,
  btree: location => openInWorker(new Worker('/worker.js'), location, { engine: 'btree' }) as unknown as Store,
  'browser-level': location => new BrowserLevel(location) as unknown as Store,
}

const keyOf = (number: number): string => `key-${String(number).padStart(12, '0')}`

/** The numbers below `count` in a random order, the same each time. */
function shuffled(count: number): number[] {
  const numbers = Array.from({ length: count }, (_, number) => number)
  let state = 1
  for (let last = count - 1; last > 0; last--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (last + 1))
    ;[numbers[last], numbers[other]] = [numbers[other], numbers[last]]
  }
  return numbers
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function measure(name: StoreName, { entries, gets }: Sizes): Promise<Measured> {
  const location = `bench-${name}-${Math.random().toString(36).slice(2)}`
  const order = shuffled(entries)
  const value = 'v'.repeat(100)
  let db = STORES[name](location)
  await db.open()
  const load = await timed(async () => {
    for (let at = 0; at < entries; at += 1000) {
      await db.batch(order.slice(at, at + 1000).map(number => ({ type: 'put' as const, key: keyOf(number), value })))
    }
  })
  await db.close()
  db = STORES[name](location)
  const open = await timed(() => db.open())
  const read = shuffled(entries).slice(0, gets)
  const get = await timed(async () => {
    for (const number of read) if ((await db.get(keyOf(number))) !== value) throw new Error(`${number} is missing`)
  })
  const getMany = await timed(async () => {
    for (let at = 0; at < gets; at += 100) await db.getMany(read.slice(at, at + 100).map(keyOf))
  })
  const scan = await timed(async () => {
    let count = 0
    for await (const [key] of db.iterator()) if (key !== keyOf(count++)) throw new Error(`${key} is out of order`)
    if (count !== entries) throw new Error(`${count} entries`)
  })
  const put = await timed(async () => {
    for (const number of read.slice(0, gets / 10)) await db.put(keyOf(number), value)
  })
  await db.close()
  return { load, open, get: get / gets, getMany: getMany / gets, scan, put: put / (gets / 10) }
}

Object.assign(globalThis, { measure })
