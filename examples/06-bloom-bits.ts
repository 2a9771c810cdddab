/** How do a few bits per key save pointless block reads? */
import { absentKeyReads, filterFalsePositives } from 'kvarium-lab/predict'
import { readAmplification, type ReadCounts } from '../src/trace/ledger.js'
import { bitRows } from './lab/bit-rows.js'
import { filterOf } from './lab/filter-of.js'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'How do a few bits per key save pointless block reads?'

const ANIMALS = ['ant', 'bat', 'cat', 'dog', 'elk', 'fox', 'gnu', 'hen', 'ibis', 'jay', 'koi', 'zebra']
const BITS_PER_KEY = 10
const SIZES = [0, 2, 4, 6, 8, 10, 12, 16]
const TABLES = 4
/** Keys in each table. */
const KEYS = 5000
const ABSENT = 19_000

export async function run(lab: Lab): Promise<void> {
  await oneFilter(lab)
  await manySizes(lab)
  howManyPositions(lab)
}

async function oneFilter(lab: Lab): Promise<void> {
  lab.heading('The filter of one table')
  lab.say(
    `A table of ${ANIMALS.length} animals, with ${BITS_PER_KEY} bits of filter for each. The filter holds no keys, only bits: the hash of each key selects a few positions, and the bits at these positions are set.`,
  )
  const zoo = await lab.open('/zoo', { filterBitsPerKey: BITS_PER_KEY })
  await lab.do(zoo, `batch of puts: ${ANIMALS.join(', ')}`, () => zoo.batch(ANIMALS.map(put)))
  await lab.do(zoo, 'flush()', () => zoo.flush(), ['table.filter'])
  const { file, hashes } = lab.events('table.filter')[0]
  const { bits, bitCount } = await filterOf(lab, `/zoo/${String(file).padStart(6, '0')}.sst`)
  lab.number('zoo-bits', bitCount)
  lab.number('zoo-hashes', hashes)

  lab.predict(`${ANIMALS.length} keys set ${hashes} bits each. How many of the ${bitCount} bits are set in the end?`)
  lab.lines('The bits as they are in the file; each row begins with its first position', bitRows(bits, bitCount, { width: 40 }))
  lab.reveal(
    lab.number('zoo-set', ones(bits)),
    `${ANIMALS.length} times ${hashes} is ${lab.number('zoo-settings', ANIMALS.length * hashes)}, but some bits were set more than once. About half of all bits are set, and that is no accident, as the last part shows.`,
  )

  const ask = async (key: string): Promise<number> => {
    await lab.do(
      zoo,
      `get("${key}")`,
      () => zoo.getSync(key),
      ['bloom.probe', 'get.probe'],
      value => value ?? 'nothing',
    )
    const [{ positions }] = lab.events('bloom.probe')
    lab.lines(`The bits of "${key}" in the order in which they are probed`, bitRows(bits, bitCount, { width: 40, marked: positions }))
    return positions.length
  }
  await ask('cat')
  const asked = lab.number('cow-asked', await ask('cow'))
  lab.say(
    `A bit that is not set is proof: if "cow" had been put, it would be set. The get probed ${asked} of ${hashes} positions and read no data block.`,
  )

  lab.predict('Can all bits of an absent key be set? The example tries "ghost 1", "ghost 2" and so on: which is the first?')
  const fooled = await lab.do(zoo, 'get("ghost 1"), get("ghost 2"), ... until the filter is wrong', () => firstFalsePositive(zoo))
  await ask(`ghost ${fooled}`)
  lab.reveal(
    `"ghost ${lab.number('ghost', fooled)}"`,
    `Several animals together have set all of its bits. The get reads the block, does not find the key, and answers correctly: a false positive costs a
      pointless read, and never hides a key.`,
  )
  await zoo.close()
}

async function manySizes(lab: Lab): Promise<void> {
  lab.heading('Bits per key')
  lab.say(`Now stores of ${lab.number('tables', TABLES)} tables with n = ${lab.number('keys', KEYS).toLocaleString('en-US')} keys each, all from the same range, and ${lab.number('absent', ABSENT).toLocaleString('en-US')} gets of absent keys in between: each get has to consult all ${TABLES} tables. With a filter of m bits and k positions per
    key, a bit stays unset with probability e^(-kn/m). An absent key passes if all of its k bits are set, which has the probability
    p = (1 - e^(-kn/m))^k. The engine takes k = (m/n) ln 2, rounded.`)
  lab.predict('How many of a hundred absent keys pass a filter of 4 bits per key? And one of 10 bits?')
  const rows: (string | number)[][] = []
  const counted = new Map<number, number>()
  const blocks: (string | number)[][] = []
  for (const size of SIZES) {
    const { k, set, missing } = await measure(lab, size)
    const theory = filterFalsePositives(size, k)
    const tries = ABSENT * TABLES
    const passed = 1 - missing.filterNegatives / tries
    const interval = 3 * Math.sqrt((theory * (1 - theory)) / tries)
    const isWithin = Math.abs(passed - theory) <= interval ? 'yes' : 'no'
    counted.set(size, passed)
    lab.number(`theory-${size}`, 100 * theory)
    lab.number(`counted-${size}`, 100 * passed)
    lab.number(`interval-${size}`, 100 * interval)
    lab.number(`within-${size}`, isWithin)
    rows.push([size, k, percent(set, 1), percent(theory, 3), percent(passed, 3), percent(interval, 3), isWithin])
    const touched = lab.number(`blocks-${size}`, readAmplification(missing).blocks)
    blocks.push([size, (TABLES * size * KEYS) / 8, absentKeyReads(TABLES, theory).toFixed(4), touched.toFixed(4)])
  }
  lab.table(
    `The formula, and the count in ${lab.number('tries', ABSENT * TABLES).toLocaleString('en-US')} probes of each size`,
    ['bits per key', 'k', 'bits set', 'p', 'counted', '± by chance', 'within'],
    rows,
  )
  lab.reveal(
    `${percent(counted.get(4)!)} and ${percent(counted.get(10)!)}`,
    `With the best k, half of the bits are set, so each of an absent key's (m/n) ln 2 bits is set with probability 1/2: each extra bit per key
      multiplies p by (1/2)^(ln 2) = ${lab.number('factor', 0.5 ** Math.LN2).toFixed(2)}. Random variation may take this many independent probes up to three standard deviations
      away from p.`,
  )

  lab.heading('The reads that a get saves')
  lab.predict(
    `Without filters a get of an absent key reads one block of each of the ${TABLES} tables. How many does it read with ${BITS_PER_KEY} bits per key?`,
  )
  lab.table('Gets of absent keys', ['bits per key', 'bytes of filters', 'tables times p', 'blocks per get'], blocks)
  const [without, chosen] = [0, BITS_PER_KEY].map(size => Number(blocks[SIZES.indexOf(size)][3]))
  lab.reveal(
    chosen,
    `${lab.number('saved', Math.round(without / chosen))} times fewer, for ${lab.number('filter-bytes', (TABLES * BITS_PER_KEY * KEYS) / 8).toLocaleString('en-US')} bytes of
      memory. A get of an existing key still reads the block that holds it, but hardly any other.`,
  )
}

/** The formula alone: the engine always takes the best k. */
function howManyPositions(lab: Lab): void {
  lab.heading('How many positions?')
  lab.predict(`More positions are more proof. Which k lets the fewest absent keys pass at ${BITS_PER_KEY} bits per key?`)
  const rates = Array.from({ length: 14 }, (_, i) => filterFalsePositives(BITS_PER_KEY, i + 1))
  const most = Math.max(...rates)
  lab.lines(
    `The formula for m/n = ${BITS_PER_KEY}`,
    rates.map((rate, i) => {
      const set = percent(1 - Math.exp(-(i + 1) / BITS_PER_KEY), 0)
      const bar = '#'.repeat(Math.ceil((50 * rate) / most))
      return `k = ${String(i + 1).padStart(2)}   ${set} of the bits set   p = ${percent(rate).padStart(6)}  ${bar}`
    }),
  )
  const best = lab.number('best-hashes', rates.indexOf(Math.min(...rates)) + 1)
  lab.number('p-of-1', 100 * rates[0])
  lab.number('p-of-14', 100 * rates[13])
  lab.reveal(
    best,
    `${BITS_PER_KEY} ln 2 = ${(BITS_PER_KEY * Math.LN2).toFixed(2)}. With fewer positions an absent key is tested too little; with more the filter fills up, and a full filter lets every key pass.`,
  )
  lab.say(`So a filter answers "certainly not" or "maybe" from a few bits of memory per key. The number of bits per key alone determines how often
    "maybe" is wrong.`)
}

/** Gets of absent keys from a store with filters of one size. */
async function measure(
  lab: Lab,
  size: number,
): Promise<{ readonly k: number; readonly set: number; readonly missing: Readonly<ReadCounts> }> {
  const location = `/bits-${size}`
  const db = await lab.openUnwatched(location, { filterBitsPerKey: size, writeBufferSize: 1024 * 1024 })
  // Even numbers exist, spread evenly over the tables; odd numbers are absent.
  for (let table = 0; table < TABLES; table++) {
    await db.batch(Array.from({ length: KEYS }, (_, i) => put(keyOf(2 * (i * TABLES + table)))))
    await db.flush()
  }
  for (let i = 0; i < ABSENT; i++) db.getSync(keyOf(2 * (TABLES + i) - 1))
  const { missing } = db.stats().ledger
  await db.close()

  if (size === 0) return { k: 0, set: 0, missing }
  const tables = lab.environment.fileSystem.list(location).filter(name => name.endsWith('.sst'))
  const filters = await Promise.all(tables.map(name => filterOf(lab, `${location}/${name}`)))
  const set = filters.reduce((sum, { bits }) => sum + ones(bits), 0) / filters.reduce((sum, { bitCount }) => sum + bitCount, 0)
  return { k: filters[0].probes, set, missing }
}

async function firstFalsePositive(db: LabStore): Promise<number> {
  const wrong = (): number => db.stats().ledger.missing.filterFalsePositives
  const before = wrong()
  for (let i = 1; ; i++) {
    db.getSync(`ghost ${i}`)
    if (wrong() > before) return i
  }
}

function put(key: string): { type: 'put'; key: string; value: string } {
  return { type: 'put', key, value: `what ${key} is like` }
}

function keyOf(number: number): string {
  return `key ${String(number).padStart(6, '0')}`
}

function ones(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}

function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`
}
