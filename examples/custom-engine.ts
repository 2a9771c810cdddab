/**
 * A custom engine behind the same API, compared with the built-in ones: same work, every answer checked, every byte
 * counted. Run it with `npx tsx examples/custom-engine.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtInEngines, Kvarium } from 'kvarium'
import { compare, datasetPhases } from 'kvarium-lab/compare'
import { arrayEngine } from './array-engine.js'

// From here every tool finds it by its name.
builtInEngines.register(arrayEngine)

const db = new Kvarium('fruit', { engine: arrayEngine })
await db.batch([
  { type: 'put', key: 'plum', value: 'blue' },
  { type: 'put', key: 'lemon', value: 'yellow' },
])
console.log(await db.iterator().all(), 'from the engine', db.engine)
await db.close()

const directory = await mkdtemp(join(tmpdir(), 'kvarium-custom-engine-'))
const entries = Array.from({ length: 2000 }, (_, index) => ({
  key: new TextEncoder().encode(`group-${index % 7}/${index}`),
  value: new Uint8Array(100).fill(index),
}))
const { engines, ok } = await compare({
  engines: [
    { name: 'array', engine: 'array' },
    { name: 'memory', engine: 'memory' },
    { name: 'lsm', engine: 'lsm', options: { writeBufferSize: 64 * 1024 } },
  ],
  phases: datasetPhases(entries, {
    seed: 1,
    overwriteShare: 0.3,
    deleteShare: 0.1,
    reads: 1000,
    batchSize: 100,
    shuffle: true,
    revise: value => value.map(byte => byte + 1),
  }),
  directory,
})
for (const { name, amplification, problems, verification } of engines) {
  const state = problems.length === 0 ? 'all right' : problems.map(problem => problem.message).join('; ')
  console.log(`${name}: ${verification.entries} entries, write amplification ${amplification.write.total.toFixed(2)}, ${state}`)
}
console.log(ok ? 'they hold the same' : 'they differ')
await rm(directory, { recursive: true })
