/** How does a list stay sorted, and find a key without walking through it? */
import { textOfBytes } from '../src/codec/shown-text.js'
import type { EventOf } from '../src/trace/events.js'
import type { Lab } from './lab/lab.js'
import { drawTowers, type Tower } from './lab/towers.js'

export const question = 'How does a list stay sorted, and find a key without walking through it?'

const FIRST = 'fox'
const OTHERS = ['cat', 'yak', 'bee', 'owl', 'ant', 'hen', 'elk', 'rat', 'ape', 'pig', 'dog', 'emu', 'bat', 'cow', 'eel']
const SOUGHT = 'pig'
/** The engine's probability that a tower has one more level (src/skiplist/skiplist.ts). */
const P = 1 / 4
const SIZES = [64, 256, 1024, 4096]
/** Keys that are looked up at each size. */
const SAMPLE = 64

export async function run(lab: Lab): Promise<void> {
  lab.heading('Towers')
  lab.say(`The memtable takes keys in any order and returns them sorted. It is a skiplist: a sorted linked list whose nodes are towers. Each tower is on level 0, about every fourth also on level 1, about every fourth of those on level 2 and so on, by chance.
    Here are ${1 + OTHERS.length} keys, in no particular order.`)
  const farm = await lab.open('/farm', { name: 'farm', writeBufferSize: 64 * 1024 })
  await lab.do(farm, `put("${FIRST}", "1")`, () => farm.put(FIRST, '1'), ['memtable'])
  const towers = towersOf(lab.events('memtable.insert'))
  await lab.do(farm, `batch of ${OTHERS.length} puts: ${OTHERS.join(', ')}`, () =>
    farm.batch(OTHERS.map(key => ({ type: 'put', key, value: '1' }))),
  )
  towers.push(...towersOf(lab.events('memtable.insert')))
  towers.sort((a, b) => (a.key < b.key ? -1 : 1))
  lab.lines('Every "o" is a pointer to the next tower that is as high', drawTowers(towers))

  lab.heading('A search, step by step')
  const walk = lab.number('walk', towers.findIndex(({ key }) => key === SOUGHT) + 1)
  lab.predict(`Walking along level 0, "${SOUGHT}" is found with comparison ${walk}. How many comparisons does a search from the top need?`)
  await lab.do(farm, `get("${SOUGHT}")`, () => farm.getSync(SOUGHT), ['memtable', 'get.probe'])
  const [{ path }] = lab.events('memtable.search')
  const compared = lab.number('search', comparisonsOf(path))
  lab.lines('# marks where the search stood, ? a key that it compared and found too large or equal', drawTowers(towers, path))
  lab.table(
    'The same path in numbers',
    ['level', 'stopped at', 'nodes passed', 'comparisons'],
    path.map(({ level, key, forward, comparisons }) => [level, key === undefined ? 'the head' : nameOf(key), forward, comparisons]),
  )
  lab.reveal(
    compared,
    `The search moves on while the next key is smaller, and down a level when it is not. A key that was too large one level up is not compared again below.`,
  )

  lab.heading('Many keys')
  lab.say(
    `Now ${SIZES.at(-1)!.toLocaleString('en-US')} keys, in ${SIZES.length} batches of growing size. After each batch, ${SAMPLE} of the existing keys are looked up.`,
  )
  lab.predict(
    `From ${SIZES[0]} keys to ${SIZES.at(-1)!.toLocaleString('en-US')} there are 64 times as many. How many times the comparisons?`,
  )
  const many = await lab.open('/many', { name: 'many', writeBufferSize: 1024 * 1024 })
  lab.number('smallest', SIZES[0])
  lab.number('largest', SIZES.at(-1)!)
  const heights: number[] = []
  const rows: (string | number)[][] = []
  const means: number[] = []
  for (const [i, size] of SIZES.entries()) {
    const from = SIZES[i - 1] ?? 0
    const batch = Array.from({ length: size - from }, (_, k) => ({ type: 'put' as const, key: scattered(from + k), value: '1' }))
    await lab.do(many, `batch of ${batch.length} puts`, () => many.batch(batch))
    heights.push(...lab.events('memtable.insert').map(({ height }) => height))
    await lab.do(many, `${SAMPLE} gets`, () => {
      for (let k = 0; k < SAMPLE; k++) many.getSync(scattered((k * size) / SAMPLE))
    })
    const costs = lab.events('memtable.search').map(({ path }) => comparisonsOf(path))
    const mean = lab.number(`mean-${size}`, costs.reduce((sum, cost) => sum + cost, 0) / costs.length)
    const bound = lab.number(`bound-${size}`, expectedAtMost(size))
    means.push(mean)
    rows.push([size, size / 2, Math.log2(size).toFixed(0), mean.toFixed(1), Math.max(...costs), bound.toFixed(1)])
  }
  lab.table(
    'Comparisons per search: n / 2 by walking, log2 n by binary search in a sorted array, and as measured',
    ['keys n', 'n / 2', 'log2 n', 'mean', 'most', "Pugh's bound on the mean"],
    rows,
  )
  lab.reveal(
    `${lab.number('growth', means.at(-1)! / means[0]).toFixed(1)} times`,
    `The cost grows with the number of times that n can be divided by 4, and 4,096 can be divided by 4 twice as often as 64.`,
  )
  lab.say(`Pugh's bound is (1 / p) · log(n) to the base 1 / p, plus 1 / (1 - p), with p = ${P}: four comparisons per level, and 1.3 at the top.
    The engine stays below it because it does not compare a node again that it compared one level up.`)

  lab.heading('The cost of the towers')
  lab.predict(`How many pointers does a node have, on average, when one in four grows by another level?`)
  const pointers = heights.reduce((sum, height) => sum + height, 0)
  const perNode = lab.number('pointers-per-node', pointers / heights.length)
  lab.table('Heights of all towers', ['height', 'towers', 'expected', ''], heightRows(lab, heights))
  lab.reveal(
    perNode.toFixed(3),
    `1 + 1/4 + 1/16 + ... = 1 / (1 - p) = ${lab.number('pointers-expected', 1 / (1 - P)).toFixed(3)}. A search tree has two per key, and must be balanced.`,
  )

  lab.heading('In short')
  lab.say(
    `About ${perNode.toFixed(2)} pointers per key buy searches whose cost grows with the logarithm of n. No node is ever moved or rebalanced, whatever the order of the keys.`,
  )

  await farm.close()
  await many.close()
}

function heightRows(lab: Lab, heights: readonly number[]): (string | number)[][] {
  const tallest = lab.number('tallest', Math.max(...heights))
  return Array.from({ length: tallest }, (_, i) => {
    const towers = lab.number(`towers-${i + 1}`, heights.filter(height => height === i + 1).length)
    const expected = lab.number(`expected-${i + 1}`, heights.length * (1 - P) * P ** i)
    return [i + 1, towers, expected.toFixed(expected < 10 ? 1 : 0), '#'.repeat(Math.max(1, Math.round((50 * towers) / heights.length)))]
  })
}

/** The expected comparisons are no more than this: Pugh 1990, "Analysis of expected search cost". */
function expectedAtMost(size: number): number {
  return Math.log(size) / Math.log(1 / P) / P + 1 / (1 - P)
}

function comparisonsOf(path: EventOf<'memtable.search'>['path']): number {
  return path.reduce((sum, { comparisons }) => sum + comparisons, 0)
}

function towersOf(inserts: readonly EventOf<'memtable.insert'>[]): Tower[] {
  return inserts.map(({ key, height }) => ({ key: nameOf(key), height }))
}

function nameOf(key: Uint8Array): string {
  return textOfBytes(key)!
}

/** Different for every number, and in no order: an odd factor shuffles the 32-bit numbers. */
function scattered(number: number): string {
  return (Math.imul(number, 2654435761) >>> 0).toString(16).padStart(8, '0')
}
