/** Loads sorted entries into a store in one atomic step, without a log. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

const directory = mkdtempSync(join(tmpdir(), 'kvarium-bulk-load-'))
const db = new Kvarium(join(directory, 'store'))

function* readings(): Generator<[string, string]> {
  for (let minute = 0; minute < 10_000; minute++) yield [`reading/${String(minute).padStart(6, '0')}`, `${minute % 60} degrees`]
}

await db.put('reading/000042', 'replaced by the ingest')
await db.ingest(readings())
console.log(await db.get('reading/000042')) // 42 degrees

const unsorted: [string, string][] = [
  ['b', '1'],
  ['a', '2'],
]
await db.ingest(unsorted).catch((error: unknown) => console.log((error as { code: string }).code)) // LEVEL_INGEST_ORDER
console.log(await db.get('b')) // undefined

await db.close()
rmSync(directory, { recursive: true })
