/**
 * The model test for as long as you like, with a fresh seed and random options each time:
 *
 *     npx tsx tests/contract/support/soak.ts --minutes 10 [--engine lsm|memory] [--place memory|portable|disk] [--seed N]
 *
 * It ends at the first failure with the shrunk history and the command that repeats it. The seed decides the options
 * and the histories; in memory, on the simulated clock, also everything else.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import type { EngineFactory, OptionTable } from '../../../src/engine/contract.js'
import { memoryEngine } from '../../../src/memory/factory.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import { workerExecutor } from '../../../src/lsm/compaction/worker/worker-executor.js'
import { SeededRandom, uniform, type Random } from '../../../src/vfs/index.js'
import { modelProperty } from './model-run.js'
import { memoryPlace, nodePlace, portablePlace } from './places.js'

const ENGINES: Readonly<Record<string, EngineFactory>> = { lsm: lsmEngine({ executor: workerExecutor }), memory: memoryEngine }
const PLACES = { memory: memoryPlace, portable: portablePlace, disk: nodePlace } as const
const HISTORIES_PER_SEED = 20

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'lsm' },
    place: { type: 'string', default: 'memory' },
    seed: { type: 'string' },
    path: { type: 'string' },
    steps: { type: 'string', default: '200' },
  },
})

/** Some value for every option: numbers from the smallest to the default, the small ones as likely as the large ones. */
function randomOptions(table: OptionTable, random: Random): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(table)) {
    if (spec.type === 'boolean') options[name] = uniform(random, 2) === 1
    else if (spec.type === 'choice') options[name] = spec.choices[uniform(random, spec.choices.length)]
    else if (spec.type === 'integer') {
      const span = Math.max(0, spec.default - spec.min)
      options[name] = spec.min + Math.floor((span + 1) ** (uniform(random, 1000) / 1000) - 1)
    }
  }
  // Writers must not be held up before a compaction is due.
  const due = [options['level0Tables'], options['runsPerLevel'], options['level0StopTables']].map(Number)
  if ('level0StopTables' in options) options['level0StopTables'] = Math.max(...due) + 1
  return options
}

/** False when a history failed; everything needed to repeat it has been printed. */
async function tryOne(factory: EngineFactory, place: keyof typeof PLACES, seed: number): Promise<boolean> {
  const options = randomOptions(factory.options, new SeededRandom(seed))
  // The portable place has no codec of the platform, and zstd is not in every Node.
  if (options['compression'] === 'zstd' || (place === 'portable' && options['compression'] === 'deflate')) options['compression'] = 'lz4'
  const subject = { name: factory.name, factory, options, place: PLACES[place] }
  const run = { seed, numRuns: HISTORIES_PER_SEED, ...(given.path === undefined ? {} : { path: given.path }) }
  const details = await fc.check(modelProperty(subject, Number(given.steps)), run)
  if (!details.failed) return true
  const path = details.counterexamplePath === null ? '' : ` --path "${details.counterexamplePath}"`
  const replay = `npx tsx tests/contract/support/soak.ts --engine ${factory.name} --place ${place} --steps ${given.steps} --seed ${seed}${path}`
  console.error(fc.defaultReportMessage(details), details.errorInstance)
  console.error(`Options: ${JSON.stringify(options)}\nReplay with: ${replay}`)
  return false
}

async function soak(): Promise<number> {
  const factory = ENGINES[given.engine]
  const place = Object.keys(PLACES).find(name => name === given.place) as keyof typeof PLACES | undefined
  const minutes = Number(given.minutes)
  if (factory === undefined) throw new TypeError(`--engine is one of ${Object.keys(ENGINES).join(', ')}, not "${given.engine}"`)
  if (place === undefined) throw new TypeError(`--place is one of ${Object.keys(PLACES).join(', ')}, not "${given.place}"`)
  if (!(minutes > 0)) throw new TypeError(`--minutes is a number above 0, not "${given.minutes}"`)
  if (given.seed !== undefined) return (await tryOne(factory, place, Number(given.seed))) ? 0 : 1
  const end = Date.now() + minutes * 60_000
  const start = Date.now() % 2 ** 31
  let done = 0
  for (; Date.now() < end; done++) if (!(await tryOne(factory, place, (start + done) % 2 ** 31))) return 1
  console.log(`${done * HISTORIES_PER_SEED} histories from seed ${start} on: no difference`)
  return 0
}

process.exitCode = await soak()
