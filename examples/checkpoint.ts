/** A copy of a store at one moment, made while writes go on, and opened beside it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-checkpoint-'))
const db = new Kvarium(join(directory, 'store'))
for (let day = 1; day <= 9; day++) await db.put(`visits/0${day}`, String(100 * day))

const copying = db.checkpoint(join(directory, 'backup'))
await db.put('visits/10', 'after the call')
await db.clear({ lt: 'visits/05' })
await copying

const copy = new Kvarium(join(directory, 'backup'), { createIfMissing: false })
console.log('the store:', (await db.keys().all()).length, 'days')
console.log(
  'the copy:',
  (await copy.keys().all()).length,
  'days, the last of them',
  (await copy.keys({ reverse: true, limit: 1 }).all())[0],
)

await db.checkpoint(join(directory, 'backup')).catch((error: unknown) => console.log((error as { code: string }).code)) // LEVEL_ALREADY_EXISTS
await Promise.all([db.close(), copy.close()])
await rm(directory, { recursive: true })
