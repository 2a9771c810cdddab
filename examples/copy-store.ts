/**
 * Copying a store into one of another engine. The copy is the source at one moment, and both are compared entry by entry before the call
 * resolves. Source and target may be any two databases of the Level family: `classic-level`, `memory-level`, a sublevel.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyStore, Kvarium } from 'kvarium'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-copy-'))
const source = new Kvarium<string, { moons: number }>(join(directory, 'source'), { valueEncoding: 'msgpack' })
for (const [planet, moons] of [
  ['mercury', 0],
  ['earth', 1],
  ['mars', 2],
] as const) {
  await source.put(planet, { moons })
}

const target = new Kvarium<string, { moons: number }>(join(directory, 'target'), { engine: 'btree', valueEncoding: 'msgpack' })
const { entries, bytes } = await copyStore(source, target)
console.log(`${entries} entries, ${bytes} bytes of keys and values`)
console.log(`${target.engine}:`, await target.get('mars'))

await Promise.all([source.close(), target.close()])
await rm(directory, { recursive: true })
