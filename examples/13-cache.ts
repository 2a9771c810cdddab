/** How many gets can a cache answer that holds only part of the store? */
import { ClockPolicy, LruPolicy } from '../bench/micro/eviction-policies.js'
import { hitRate } from '../bench/micro/policy-replay.js'
import { Shuffle, Uniform, Zipfian, ZIPFIAN_THETA } from 'kvarium-lab/workloads'
import { tableName } from '../src/lsm/file-names.js'
import { TwoQueuePolicy } from '../src/cache/two-queue-policy.js'
import { idealHitRate, zeta } from '../packages/lab/src/predict/draws.js'
import { SeededRandom } from '../src/vfs/seeded-random.js'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'How many gets can a cache answer that holds only part of the store?'

const KEYS = 6000
const VALUE = 'v'.repeat(400)
const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5]
/** The cache's share of the blocks in the questions and in the test with scans. */
const ASKED = 0.1
const SCANNED = 0.25
const WARM_UP = 6000
const MEASURED = 10_000
const SCANS = 40
const GETS_BETWEEN_SCANS = 250

export async function run(lab: Lab): Promise<void> {
  lab.heading('One block at a time')
  lab.say(`The engine reads a table block by block, and the cache keeps blocks, not entries. Here are ${KEYS.toLocaleString('en-US')} entries of
    ${keyOf(0).length} + ${VALUE.length} bytes in one table.`)
  let db = await lab.open('/store', { level: 'job' })
  await db.batch(Array.from({ length: KEYS }, (_, n) => ({ type: 'put', key: keyOf(n), value: VALUE })))
  await lab.do(db, `${KEYS} puts in one batch are flushed`, () => db.flush(), ['table.built'])
  const [{ number: file }] = lab.events('table.built')
  const blockOf = await blocksOfKeys(lab, `/store/${tableName(file)}`)
  const blocks = lab.number('blocks', blockOf.at(-1)! + 1)
  await db.close()

  db = await lab.open('/store')
  await lab.do(db, `get("${keyOf(0)}")`, () => db.getSync(keyOf(0)), ['cache', 'file.read'])
  lab.predict(`A get of the first key has read its block. What does a get of the second key read?`)
  await lab.do(db, `get("${keyOf(1)}")`, () => db.getSync(keyOf(1)), ['cache', 'file.read'])
  const perBlock = lab.number('entries-per-block', KEYS / blocks)
  lab.reveal(
    lab.events('file.read').length === 0 ? 'Nothing' : 'A block',
    `The ${blocks} blocks hold about ${perBlock.toFixed(0)} entries each, and a read of one entry brings its neighbours, too.`,
  )
  await db.close()
  const all = await bytesOfAllBlocks(lab)

  lab.heading('All keys alike')
  lab.say(`Now ${MEASURED.toLocaleString('en-US')} gets of random keys, all equally likely, from stores whose caches hold some of the ${blocks} blocks.
    (${WARM_UP.toLocaleString('en-US')} earlier gets fill the cache and are not counted.)`)
  lab.predict(`A tenth of the blocks fit into the cache. How many of the gets does it answer?`)
  const uniform = await ratesBySize(
    lab,
    'uniform',
    all,
    numbers(seed => new Uniform(new SeededRandom(seed), KEYS)),
  )
  lab.table(
    'Uniform: share of gets without a read',
    ['cache', 'measured', 'theory: the share'],
    SHARES.map((share, i) => [sizeOf(share), percent(uniform[i]), percent(idealHitRate(KEYS, share * KEYS, { distribution: 'uniform' }))]),
  )
  lab.reveal(
    percent(uniform[SHARES.indexOf(ASKED)]),
    'All blocks are equally likely, so no choice of blocks is better than another: a cache of a tenth of the blocks answers a tenth of the gets.',
  )

  lab.heading('Hot keys')
  lab.say(`Real traffic has hot keys. Zipfian with a skew of ${ZIPFIAN_THETA}: the second key comes about half as often as the first, the third a
    third as often, and so on. The best cache would hold the likeliest blocks from the start and never change: no policy that cannot see
    the future does better. First the hot keys are neighbours: the lower a key, the hotter.`)
  lab.predict(`A tenth of the blocks fit again. How many of the gets does the cache answer now?`)
  const ranks = numbers(seed => new Zipfian(new SeededRandom(seed), KEYS))
  const ordered = await ratesBySize(lab, 'ordered', all, ranks)
  lab.table(
    'Zipfian, hot keys side by side',
    ['cache', 'measured', 'theory: the best choice'],
    SHARES.map((share, i) => [
      sizeOf(share),
      percent(ordered[i]),
      percent(lab.number(`ordered-best-${share * 100}`, 100 * idealHitRate(KEYS, share * KEYS, { distribution: 'zipfian' })) / 100),
    ]),
  )
  lab.reveal(percent(ordered[SHARES.indexOf(ASKED)]), 'Few blocks are hot, and the cache recognizes them because they are read again.')

  lab.say(`Then the same hot keys scattered over all keys, as hashed keys are. The likeliest blocks are now those that hold one
    favourite, with ${(perBlock - 1).toFixed(0)} strangers beside it.`)
  lab.predict('The same skew, the same cache. How many gets does it answer when the hot keys are scattered?')
  const places = new Shuffle(KEYS, 1)
  const scatteredReads = ranks.map(rank => places.at(rank))
  const scattered = await ratesBySize(lab, 'scattered', all, scatteredReads)
  const best = bestOfScattered(rank => blockOf[places.at(rank)], blocks)
  lab.table(
    'Zipfian, favourites scattered',
    ['cache', 'measured', 'theory: the best choice'],
    SHARES.map((share, i) => [
      sizeOf(share),
      percent(scattered[i]),
      percent(lab.number(`scattered-best-${share * 100}`, 100 * best(share)) / 100),
    ]),
  )
  const lost = ordered[SHARES.indexOf(ASKED)] - scattered[SHARES.indexOf(ASKED)]
  lab.reveal(
    percent(scattered[SHARES.indexOf(ASKED)]),
    `${(100 * lost).toFixed(0)} points less than before: the cache keeps a block for one of its entries, and the others take up space.`,
  )

  lab.heading('A scan comes by')
  lab.say(`After every ${GETS_BETWEEN_SCANS} of those gets, a scan reads the whole store once. All ${blocks} blocks pass through a cache of
    ${sizeOf(SCANNED)}. Does it keep the hot blocks?`)
  lab.predict(`LRU, the best-known policy, evicts the least recently used block. Is it a good one here?`)
  const measured = scatteredReads.slice(0, WARM_UP + SCANS * GETS_BETWEEN_SCANS)
  const withScans = lab.number('engine-scans', 100 * (await rateWithScans(lab, all, measured)))
  const reads = measured.map(key => blockOf[key])
  const scanned = reads.flatMap((block, at) =>
    at >= WARM_UP && at % GETS_BETWEEN_SCANS === WARM_UP % GETS_BETWEEN_SCANS
      ? [...Array.from({ length: blocks }, (_, b) => -1 - b), block]
      : [block],
  )
  const cached = Math.round(SCANNED * blocks)
  const policies = { LRU: LruPolicy, CLOCK: ClockPolicy, 'two queues': TwoQueuePolicy } as const
  const rows = Object.entries(policies).map(([name, Policy]) => {
    const id = name.replace(' ', '-').toLowerCase()
    const alone = lab.number(`${id}-alone`, 100 * hitRate(reads, WARM_UP, cached, new Policy()))
    const among = lab.number(`${id}-scans`, 100 * hitRate(scanned, WARM_UP, cached, new Policy()))
    return [name, percent(alone / 100), percent(among / 100)]
  })
  lab.table(
    'The same gets under other policies (the last row is the engine; the others replay its blocks)',
    ['policy', 'gets alone', 'with scans in between'],
    [...rows, ['two queues, the engine', percent(scattered[SHARES.indexOf(SCANNED)]), percent(withScans / 100)]],
  )
  lab.reveal(
    `LRU falls from ${rows[0][1]} to ${rows[0][2]}, the engine only to ${percent(withScans / 100)}`,
    `LRU evicts old blocks for every new one: a scan replaces the whole cache, and even without a scan, a block that is read only once stays
      as long as a hot one. The engine admits new blocks to a queue of their own, a fifth of the cache, and only blocks that are read again
      there join the others: a scan passes through that fifth and leaves the rest alone.`,
  )
}

function keyOf(number: number): string {
  return `key${String(number).padStart(7, '0')}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** A size of the cache, as a share of all blocks. */
function sizeOf(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

/** The draws of a run. */
function numbers(distribution: (seed: number) => { next(): number }): number[] {
  const drawn = distribution(1)
  return Array.from({ length: WARM_UP + MEASURED }, () => drawn.next())
}

/** For every key the number of its block. */
async function blocksOfKeys(lab: Lab, table: string): Promise<number[]> {
  const blocks = (await lab.parts(table)).filter(({ name }) => name.startsWith('data block'))
  return blocks.flatMap(({ children = [] }, block) => children.filter(({ entry }) => entry).map(() => block))
}

/** The counts of a cache with room for every block. */
async function bytesOfAllBlocks(lab: Lab): Promise<number> {
  const db = await lab.openUnwatched('/store')
  for await (const _ of db.keys());
  const { usedBytes } = db.stats().cache!
  await db.close()
  return usedBytes
}

/** Hit rates at every size of the cache. */
async function ratesBySize(lab: Lab, name: string, all: number, keys: readonly number[]): Promise<number[]> {
  const rates: number[] = []
  for (const share of SHARES) {
    const db = await openWith(lab, share * all)
    rates.push(lab.number(`${name}-${share * 100}`, 100 * rateOf(db, keys)) / 100)
    await db.close()
  }
  return rates
}

function openWith(lab: Lab, cacheSize: number): Promise<LabStore> {
  return lab.openUnwatched('/store', { cacheSize: Math.round(cacheSize) })
}

/** The share of gets, those of the warm-up aside, that read nothing from the file. */
function rateOf(db: LabStore, keys: readonly number[]): number {
  for (const key of keys.slice(0, WARM_UP)) db.getSync(keyOf(key))
  const before = db.stats().ledger.found
  for (const key of keys.slice(WARM_UP)) db.getSync(keyOf(key))
  const after = db.stats().ledger.found
  return 1 - (after.blocksFromDisk - before.blocksFromDisk) / (after.operations - before.operations)
}

/** The same with a full scan before every `GETS_BETWEEN_SCANS` gets. */
async function rateWithScans(lab: Lab, all: number, keys: readonly number[]): Promise<number> {
  const db = await openWith(lab, SCANNED * all)
  for (const key of keys.slice(0, WARM_UP)) db.getSync(keyOf(key))
  const before = db.stats().ledger.found
  for (let at = WARM_UP; at < keys.length; at += GETS_BETWEEN_SCANS) {
    await db.keys().all()
    for (const key of keys.slice(at, at + GETS_BETWEEN_SCANS)) db.getSync(keyOf(key))
  }
  const after = db.stats().ledger.found
  await db.close()
  return 1 - (after.blocksFromDisk - before.blocksFromDisk) / (after.operations - before.operations)
}

/** The share of gets that go to the likeliest blocks, as many as fit into a share of all; `blockOf` has the block of every rank. */
function bestOfScattered(blockOf: (rank: number) => number, blocks: number): (share: number) => number {
  const chances = new Array<number>(blocks).fill(0)
  const whole = zeta(KEYS, ZIPFIAN_THETA)
  for (let rank = 0; rank < KEYS; rank++) chances[blockOf(rank)] += (rank + 1) ** -ZIPFIAN_THETA / whole
  chances.sort((a, b) => b - a)
  return share => chances.slice(0, Math.round(share * blocks)).reduce((sum, chance) => sum + chance, 0)
}
