/** Messages that a store publishes, and counts for a dashboard. Nothing is made where there is no subscriber. */
import { subscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

interface JobMessage {
  readonly reason: string
  readonly status: 'ok' | 'failed' | 'cancelled'
}

const ended = new Map<string, number>()
for (const job of ['flush', 'compaction', 'checkpoint']) {
  subscribe(`kvarium:${job}`, message => {
    const { status } = message as JobMessage
    ended.set(`${job} ${status}`, (ended.get(`${job} ${status}`) ?? 0) + 1)
  })
}

const directory = await mkdtemp(join(tmpdir(), 'kvarium-watching-'))
const db = new Kvarium(directory, { writeBufferSize: 65_536 })
for (let day = 0; day < 2000; day++) await db.put(String(day).padStart(5, '0'), 'x'.repeat(100))
await db.settle()

const { ledger, amplification, stalls } = db.stats()
const written = Object.values(ledger.written).reduce((sum, bytes) => sum + bytes)
console.log('flushes that ended well:', ended.get('flush ok') ?? 0)
console.log('jobs that failed:', [...ended.keys()].filter(name => name.endsWith('failed')).length)
console.log('bytes written:', written, '= bytes put ×', amplification.write.total.toFixed(2))
console.log('milliseconds that writers waited:', Math.round(stalls.totalMs))

await db.close()
await rm(directory, { recursive: true })
