/** Where does a get look, in what order, and what does it cost? */
import { ReceiptBook, renderReceipt, type Receipt } from 'kvarium/observe'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'Where does a get look, in what order, and what does it cost?'

/** Enough for several levels below level 0, with the sizes below. */
const ANIMALS = 1200
const SOUGHT = animal(500)
const NEIGHBOUR = 540
const STEPS = ['get.probe', 'bloom.probe', 'cache', 'file.read'] as const
/** Most absent keys to try until a filter errs. */
const GHOSTS = 500
const FILTER_BITS = 8
const COVERED = animal(350)

export async function run(lab: Lab): Promise<void> {
  const book = new ReceiptBook()
  const db = await lab.open('/zoo', {
    writeBufferSize: 128 * 1024,
    blockSize: 1024,
    maxFileSize: 8 * 1024,
    level1Size: 16 * 1024,
    filterBitsPerKey: FILTER_BITS,
    listener: book.listener,
  })
  const receipts: [string, Receipt][] = []
  const get = async (title: string, key: string): Promise<Receipt> => {
    await lab.do(
      db,
      `get("${key}")`,
      () => db.getSync(key),
      STEPS,
      value => value ?? 'nothing',
    )
    const receipt = book.receipt(lab.events('operation.begin')[0].operation)!
    receipts.push([title, receipt])
    return receipt
  }

  lab.heading('A tree with several levels')
  lab.say(`Flushed tables are in level 0, where several may hold the same key; each level below is one sorted run of tables with disjoint ranges.
    Here all keys are merged down first, and two smaller sets of newer values are flushed on top of them. All sizes are tiny, so that a few
    entries fill several levels.`)
  await lab.do(db, `batch of ${ANIMALS} puts: ${animal(0)} to ${animal(ANIMALS - 1)}`, () => db.batch(puts(0, 1, 'grazing by the oak')), [
    'log.append',
  ])
  await lab.do(db, 'compactRange()', () => db.compactRange(), ['compaction.pick'])
  await lab.do(db, 'settle()', () => db.settle(), ['compaction.pick'])
  for (const offset of [1, 2]) {
    await lab.do(db, `batch of puts: every seventh animal, starting at ${animal(offset)}`, () =>
      db.batch(puts(offset, 7, 'asleep in the barn')),
    )
    await lab.do(db, 'flush()', () => db.flush())
  }
  showLevels(lab, db)

  lab.heading('From the top to the bottom')
  lab.predict(`"${SOUGHT}" was written once, in the first batch. In how many places does a get look until it finds it?`)
  const cold = await get('at the bottom, tables not open', SOUGHT)
  lab.reveal(
    lab.number('cold-places', placesOf(cold)),
    `The memtable, then every table that may hold the key, the newest first. Only the last one has it; the filters of the others rule them out
      without reading their data. A run without a table whose range includes the key is skipped, and not counted.`,
  )
  const block = await get('in a cold block', animal(NEIGHBOUR))
  const warm = await get('in a warm block', animal(NEIGHBOUR))
  lab.number('cold-bytes', bytesRead(cold))
  lab.number('block-bytes', bytesRead(block))
  lab.number('warm-bytes', bytesRead(warm))
  lab.say(`The first get also opened the tables: footer, filter and index are read once and stay in memory. From then on a cold block is one
    read, and a warm one none. (The cache counts memory, which it allocates in a few sizes; a read counts bytes of the file.)`)

  lab.heading('The same key, closer')
  await lab.do(db, `put("${SOUGHT}", "seen again")`, () => db.put(SOUGHT, 'seen again'))
  const newest = await get('in the memtable', SOUGHT)
  lab.number('newest-places', placesOf(newest))
  const flushing = await lab.do(db, 'flush(), not waited for', () => ({ done: db.flush() }), ['memtable.freeze'])
  await get('in the immutable memtable', SOUGHT)
  await flushing.done
  await get('in level 0, just flushed', SOUGHT)
  lab.say('The older value is still at the bottom. The get does not look for it: the first version that it finds is the newest.')

  lab.heading('Keys that are not there')
  lab.predict(`"${ghost(0)}" was never put, but lies between existing keys. How many data blocks does a get read before it knows?`)
  const skipped = await get('absent: filters say no', ghost(0))
  lab.reveal(
    lab.number('skipped-blocks', skipped.searched.touched.blocksFromDisk + skipped.searched.touched.blocksFromCache),
    `${lab.number('skipped-filters', skipped.searched.touched.filterNegatives)} filters, which are in memory, rule out their tables.`,
  )
  await get('absent: outside of all tables', 'zebra')
  lab.say(`A filter has about ${lab.number('filter-bits', FILTER_BITS)} bits per key here, and sometimes returns a false positive. Example 6 measures how often; here the
    example gets absent keys until a filter errs.`)
  let tried = 0
  await lab.do(db, 'gets of absent keys, until a filter errs', () => {
    while (!lab.events('get.probe').some(({ outcome }) => outcome === 'false-positive') && tried < GHOSTS) db.getSync(ghost(++tried))
  })
  lab.number('tried', tried)
  await get('absent: a filter errs', ghost(tried))

  lab.heading('Deleted keys')
  await lab.do(db, `del("${SOUGHT}")`, () => db.del(SOUGHT))
  await lab.do(db, `clear from "${animal(300)}" to "${animal(400)}"`, () => db.clear({ gte: animal(300), lte: animal(400) }), [
    'tombstone.add',
  ])
  lab.predict(
    `Both deletions are in the memtable. Which get looks in more places: "${SOUGHT}", deleted alone, or "${COVERED}", deleted in a range?`,
  )
  const deleted = await get('a tombstone', SOUGHT)
  const covered = await get('a range tombstone', COVERED)
  lab.reveal(
    `"${COVERED}": ${lab.number('covered-places', placesOf(covered))} places instead of ${lab.number('deleted-places', placesOf(deleted))}`,
    `A get finds a tombstone as it finds a value, and ends there. A range tombstone is stored at no key: the get searches for the value as
      usual, and compares what it finds with the range tombstones, which are in memory.`,
  )

  lab.heading('All gets')
  lab.table(
    'Memtables and tables searched; filters that ruled a table out or were wrong; blocks from memory (warm) and disk (cold); bytes read',
    ['the key is', 'memtables', 'tables', 'no', 'wrong', 'warm', 'cold', 'bytes'],
    receipts.map(([title, receipt]) => [title, ...costs(receipt)]),
  )
  lab.lines('The receipt of the first get', renderReceipt(cold).trimEnd().split('\n'))

  lab.heading('In short')
  lab.say(`A get searches from new to old and ends at the first version that it finds. It considers many places and reads from few: key ranges and
    filters answer from memory, and each table that they do not rule out costs one block, warm or cold.`)
  await db.close()
}

function showLevels(lab: Lab, db: LabStore): void {
  const { levels = [] } = db.shape()
  lab.table(
    'The tree now',
    ['level', 'runs', 'tables', 'entries', 'bytes'],
    levels.map(({ level, runs, tables, entries, bytes }) => [level, runs, tables, entries, bytes]),
  )
}

/** Memtables and tables searched. */
function placesOf({ searched: { memtables, tables } }: Receipt): number {
  return memtables + tables
}

function costs(receipt: Receipt): number[] {
  const { memtables, tables, touched } = receipt.searched
  const { filterNegatives, filterFalsePositives, blocksFromCache, blocksFromDisk } = touched
  return [memtables, tables, filterNegatives, filterFalsePositives, blocksFromCache, blocksFromDisk, bytesRead(receipt)]
}

function bytesRead({ now }: Receipt): number {
  return Object.values(now.read).reduce((sum, part) => sum + part, 0)
}

function puts(first: number, step: number, value: string): { readonly type: 'put'; readonly key: string; readonly value: string }[] {
  const count = Math.ceil((ANIMALS - first) / step)
  return Array.from({ length: count }, (_, i) => ({ type: 'put', key: animal(first + i * step), value }))
}

function animal(number: number): string {
  return `animal:${String(number).padStart(4, '0')}`
}

/** Absent keys between existing ones. */
function ghost(number: number): string {
  return `${animal(510)}-${number}`
}
