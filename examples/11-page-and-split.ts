/** What is in a page of a B+tree, what happens when it is full, and how full are pages then? */
import { Shuffle } from 'kvarium-lab/workloads'
import { btreeEngine } from '../src/btree/factory.js'
import type { BtreeShape } from '../src/btree/shape.js'
import { BLOCK_HEADER_BYTES, SLOT_BYTES } from '../src/codec/sorted-block.js'
import type { EngineFactory } from '../src/engine/contract.js'
import { MIDPOINT_FILL, RANDOM_FILL, RIGHTMOST_FILL, SPREAD_FILL } from '../packages/lab/src/predict/btree-model.js'
import { describe } from '../src/observe/describe.js'
import type { Lab } from './lab/lab.js'
import { drawTree, pagesAt, readTree } from './lab/tree-drawing.js'

export const question = 'What is in a page of a B+tree, what happens when it is full, and how full are pages then?'

const ZOO = '/zoo/data.btree'
const PAGE_BYTES = 256
const FIRST = ['fox', 'cat', 'yak', 'bee', 'owl']
const VALUE_BYTES = 30
/** Entries of the second part, where pages have the usual 4 KiB. */
const ENTRIES = 20_000
const BATCH = 500
const LARGE_VALUE_BYTES = 100

export async function run(lab: Lab): Promise<void> {
  await page(lab)
  await fill(lab)
}

async function page(lab: Lab): Promise<void> {
  lab.heading('A page')
  lab.say(`A page is one node of the tree, the same bytes in memory and on disk: a header, a slot per entry in key order, a gap, and the
    entries themselves, from the end. A slot says where its entry is, and holds the first four bytes of the key, the head, so that a
    search mostly compares numbers. A common prefix of all keys of a page would be stored once, and each entry would hold the rest of its
    key, the suffix. A page usually has 4 KiB; here it has ${PAGE_BYTES} bytes, so that it fits on the screen. Entries have keys of
    ${FIRST[0].length} bytes and values of ${VALUE_BYTES}.`)
  lab.predict(
    `An entry needs a slot of 8 bytes and a byte for each of its two lengths. The header takes 8 bytes. How many entries fit into the
      page?`,
  )
  const db = await lab.open('/zoo', { engine: 'btree', pageSize: PAGE_BYTES })
  await lab.do(db, `put ${FIRST.map(key => `"${key}"`).join(', ')}`, () => db.batch(FIRST.map(put)), ['page.change'])
  await lab.do(db, 'flush: a checkpoint', () => db.flush(), ['page.write'])
  const leaf = await readTree(ZOO, lab.environment)
  const entryBytes = lab.number('entry-bytes', SLOT_BYTES + 1 + 1 + FIRST[0].length + VALUE_BYTES)
  const most = lab.number('most', Math.floor((PAGE_BYTES - BLOCK_HEADER_BYTES) / entryBytes))
  lab.number('page-used', leaf.usedBytes)
  lab.number('page-bytes', leaf.bytes)
  lab.reveal(
    most,
    `(${PAGE_BYTES} - ${BLOCK_HEADER_BYTES}) / ${entryBytes}, rounded down; ${leaf.usedBytes} bytes are in use, and the gap is too small for another entry.`,
  )
  await lab.hex('The page', ZOO, { from: leaf.offset, to: leaf.offset + leaf.bytes })
  lab.lines('The tree', drawTree(leaf))

  lab.heading('A split')
  lab.predict(`Now "hen" is put. What will the tree look like?`)
  await lab.do(db, 'put("hen")', () => db.batch([put('hen')]), ['page.visit', 'page.new', 'page.split', 'root.change'])
  await lab.do(db, 'flush: a checkpoint', () => db.flush())
  lab.lines('The tree', drawTree(await readTree(ZOO, lab.environment)))
  lab.reveal(
    'Two leaves under a new root',
    `The full page keeps the lower half, and a new page takes the upper half. A new root above them records which keys are where. Trees grow
      at the root: that is why all leaves are equally deep.`,
  )
  lab.say(`The root need not hold the key "hen" itself: any key will do that is greater than all keys on its left and not greater than any on
    its right. The engine takes the shortest one.`)

  await lab.do(db, 'put "ant", "ape"', () => db.batch(['ant', 'ape'].map(put)))
  lab.predict('"cow" belongs in the left leaf, which is full. Will the tree grow again?')
  await lab.do(db, 'put("cow")', () => db.batch([put('cow')]), ['page.visit', 'page.new', 'page.split', 'page.spread', 'root.change'])
  await lab.do(db, 'flush: a checkpoint', () => db.flush())
  lab.lines('The tree', drawTree(await readTree(ZOO, lab.environment)))
  lab.reveal(
    'Not at all',
    `The neighbour has room, so the two share their entries evenly, and the separator between them moves. If both were full, they would
      become three. The tree grows in height only when the root itself has no room for another child.`,
  )

  lab.say('So more keys, in no order, until it does.')
  const shape = (): BtreeShape => db.shape() as BtreeShape
  let before = shape()
  await lab.do(db, 'put "n000", "n377", "n754", ... until the tree has another level', async () => {
    for (let n = 0; n < 1000 && shape().height < 3; n++) {
      before = shape()
      await db.batch([put(`n${String((n * 377) % 1000).padStart(3, '0')}`)])
    }
  })
  const last = [lab.events('page.spread').at(-1)!, lab.events('page.split').at(-1)!, lab.events('root.change').at(-1)!]
  lab.lines('The last splits', last.map(describe))
  const after = shape()
  lab.table(
    'The tree before and after the last put',
    ['level', 'pages before', 'pages after'],
    after.tree.map(({ pages }, depth) => [
      after.height - 1 - depth,
      before.tree[depth - (after.height - before.height)]?.pages ?? 0,
      pages,
    ]),
  )
  lab.number('children', before.tree.at(-1)!.pages)
  await db.close()
}

async function fill(lab: Lab): Promise<void> {
  lab.heading('How full are the pages?')
  lab.say(`Now ${ENTRIES.toLocaleString('en-US')} entries of 16 + ${LARGE_VALUE_BYTES} bytes in pages of 4 KiB, put in ascending order, as with serial numbers or
    timestamps. Every split is at the right end of the tree.`)
  lab.predict('If a full page were split in the middle, how full would the pages be that are left behind?')
  const ascending = (n: number): number => n
  const middle = await fillOf(lab, 'middle', ascending, btreeEngine({ leafSplit: ({ sizes }) => Math.floor(sizes.length / 2) }))
  lab.reveal(percent(middle.fill), 'The lower half stays behind, and no later key belongs in it.')
  lab.predict('When keys come in ascending order, the engine splits at the new key instead. How full are pages then?')
  const rightmost = await fillOf(lab, 'rightmost', ascending, btreeEngine())
  lab.reveal(
    percent(rightmost.fill),
    `The full page stays as it is, and the new key begins the next page. The space left in each page is smaller than an entry.`,
  )
  lab.predict('And if the keys come in random order?')
  const order = new Shuffle(ENTRIES, 1)
  const inTheMiddle = btreeEngine({ leafSplit: ({ sizes }) => Math.floor(sizes.length / 2) })
  const random = await fillOf(lab, 'random', n => order.at(n), inTheMiddle)
  lab.reveal(
    percent(random.fill),
    `A page fills up from one half. The fuller it is, the larger its share of the keys, and the sooner it gets the next one. So there are
      more pages slightly above one half than close to full, and pages are ln 2 = 69.3 % full on average.`,
  )
  lab.predict(
    'The engine first asks a neighbour of the full leaf to take entries, and splits two full leaves into three. What does that gain?',
  )
  const spread = await fillOf(lab, 'spread', n => order.at(n), btreeEngine())
  lab.reveal(
    percent(spread.fill),
    `Leaves begin two thirds full, not one half: 2 ln 1.5 = 81.1 % on average with one neighbour. The engine chooses the emptier one of two.`,
  )
  lab.table(
    'The same entries in the same pages',
    ['order, and where full pages are split', 'leaves', 'entries per leaf', 'fill', 'theory'],
    [
      ['ascending, in the middle', middle.leaves, (ENTRIES / middle.leaves).toFixed(1), percent(middle.fill), percent(MIDPOINT_FILL)],
      [
        'ascending, at the new key',
        rightmost.leaves,
        (ENTRIES / rightmost.leaves).toFixed(1),
        percent(rightmost.fill),
        percent(RIGHTMOST_FILL),
      ],
      ['random, in the middle', random.leaves, (ENTRIES / random.leaves).toFixed(1), percent(random.fill), percent(RANDOM_FILL)],
      ['random, with a neighbour', spread.leaves, (ENTRIES / spread.leaves).toFixed(1), percent(spread.fill), percent(SPREAD_FILL)],
    ],
  )
}

/** Fills a store and looks at its leaves. */
async function fillOf(
  lab: Lab,
  name: string,
  key: (n: number) => number,
  engine: EngineFactory,
): Promise<{ readonly leaves: number; readonly fill: number }> {
  const db = await lab.openUnwatched(`/${name}`, { engine })
  const value = 'v'.repeat(LARGE_VALUE_BYTES)
  for (let from = 0; from < ENTRIES; from += BATCH) {
    await db.batch(Array.from({ length: BATCH }, (_, n) => ({ type: 'put', key: `key${String(key(from + n)).padStart(13, '0')}`, value })))
  }
  await db.flush()
  const leaves = pagesAt(await readTree(`/${name}/data.btree`, lab.environment), 0)
  await db.close()
  const used = leaves.reduce((sum, { usedBytes }) => sum + usedBytes, 0)
  const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  lab.number(`${name}-fill`, (100 * used) / bytes)
  return { leaves: lab.number(`${name}-leaves`, leaves.length), fill: used / bytes }
}

function put(key: string): { readonly type: 'put'; readonly key: string; readonly value: string } {
  return { type: 'put', key, value: key.repeat(VALUE_BYTES).slice(0, VALUE_BYTES) }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
