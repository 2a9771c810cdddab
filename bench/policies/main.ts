/** Policies of the LSM tree and allocations of its filters on the same puts and gets, in memory: the same figures on every machine. */
import { parseArgs } from 'node:util'
import type { LsmOptions } from '../../src/lsm/index.js'
import { table } from '../table.js'
import { measure, type Figures } from './measure.js'

const USAGE = `npm run bench:policies -- [options]
  --keys COUNT      different keys of 16 B, with values of 100 B (80000)
  --puts COUNT      puts of them, each as likely as any other (240000)
  --samples COUNT   samples of gets and of the tree, over the second half of the puts (40)
  --gets COUNT      gets of a sample, as many of keys that are there as of absent ones between them (1000)
  --seed NUMBER     of the keys (1)

Buffers, files and levels have the default sizes ÷ 256. The writer waits for the background after every 64 puts.`

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '80000' },
    puts: { type: 'string', default: '240000' },
    samples: { type: 'string', default: '40' },
    gets: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

const POLICIES: readonly (readonly [string, Partial<LsmOptions>])[] = [
  ['leveled, T = 10', { compaction: 'leveled' }],
  ['lazy, 3 runs, T = 5', { compaction: 'lazy-leveled', runsPerLevel: 3, fanOut: 5 }],
  ['lazy, 4 runs, T = 4', { compaction: 'lazy-leveled', runsPerLevel: 4, fanOut: 4 }],
  ['lazy, 4 runs, T = 10', { compaction: 'lazy-leveled' }],
  ['tiered, 4 runs', { compaction: 'tiered' }],
]

const ALLOCATIONS = ['uniform', 'by-level'] as const

if (values.help) console.log(USAGE)
else await main()

async function main(): Promise<void> {
  const [keys, puts, samples, gets, seed] = [values.keys, values.puts, values.samples, values.gets, values.seed].map(Number)
  if (![keys, puts, samples, gets].every(count => count >= 1) || !Number.isInteger(seed))
    throw new TypeError(`Counts are 1 or more.\n${USAGE}`)
  const results: { readonly name: string; readonly filters: string; readonly figures: Figures }[] = []
  for (const [name, options] of POLICIES) {
    for (const filters of ALLOCATIONS) {
      const figures = await measure({ ...options, filterAllocation: filters }, { keys, puts, samples, gets, seed })
      results.push({ name, filters, figures })
      console.error(`${name}, ${filters}: done (${results.length} of ${POLICIES.length * ALLOCATIONS.length})`)
    }
  }
  const costs = ['policy', 'write x', 'space x', 'runs', 'filters, found', 'filters, absent', 'blocks, found', 'blocks, absent']
  const uniform = results.filter(({ filters }) => filters === 'uniform')
  console.log(`What a policy costs, with the same bits for each key\n\n${table(costs, uniform.map(costRow))}\n`)
  const sizes = ['policy', 'filters', 'KiB', 'bits per key', 'false positives per 1000 absent keys', 'bits per key by level, at the end']
  console.log(`What an allocation of filters gives, for the same memory\n\n${table(sizes, results.map(filterRow))}`)
}

function costRow({ name, figures }: { readonly name: string; readonly figures: Figures }): string[] {
  const { writeAmplification, spaceAmplification, runs, found, absent } = figures
  return [
    name,
    ...[writeAmplification, spaceAmplification, runs, found.filterProbes, absent.filterProbes].map(figure => figure.toFixed(2)),
    found.blocks.toFixed(3),
    absent.blocks.toFixed(4),
  ]
}

function filterRow({ name, filters, figures }: { readonly name: string; readonly filters: string; readonly figures: Figures }): string[] {
  const { filterBytes, filterBitsPerKey, absent, levels } = figures
  return [
    name,
    filters,
    (filterBytes / 1024).toFixed(1),
    filterBitsPerKey.toFixed(2),
    (1000 * absent.falsePositives).toFixed(1),
    levels.map(({ entries, bitsPerKey }) => (entries === 0 ? '-' : bitsPerKey.toFixed(1))).join(' '),
  ]
}
