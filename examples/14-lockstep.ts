/** What do the two engines do differently with the same work, and which is better at what? */
import type { KvariumStats } from '../src/store/stats.js'
import { describe } from '../src/observe/describe.js'
import type { EventType, TraceEvent } from '../src/trace/events.js'
import type { Lab, LabStore } from './lab/lab.js'
import { ENTRIES, keyOf, mixedWork, OPERATIONS, SCANNED, VALUE_BYTES, valueOf, type Outcome } from './lab/mixed-work.js'
import { sideBySide } from './lab/side-by-side.js'

export const question = 'What do the two engines do differently with the same work, and which is better at what?'

const ENGINES = ['lsm', 'btree'] as const
type Name = (typeof ENGINES)[number]
type Both<T> = Record<Name, T>

/** Entries of the watched stores. */
const FEW = 2000
/** The same memory for both: half for changes, half for the cache. */
const MEMORY_KIB = [512, 4096]

/** The events that the comparison shows: each engine has its own for the same step. */
const COMPARED: readonly EventType[] = [
  'log.append',
  'memtable.insert',
  'memtable.search',
  'memtable.freeze',
  'bloom.probe',
  'get.probe',
  'cache.hit',
  'cache.miss',
  'page.visit',
  'page.new',
  'page.write',
  'table.built',
  'manifest.edit',
  'checkpoint.end',
]

export async function run(lab: Lab): Promise<void> {
  await watch(lab)
  await work(lab)
}

async function watch(lab: Lab): Promise<void> {
  lab.heading('Step by step')
  lab.say(`Both engines hold the same ${count(FEW)} entries, some of them changed later. Both were reopened, and two gets loaded what they
    keep in memory: the filters and indexes of the tables of the LSM tree, the branches of the B+tree. Now each operation goes to both.`)
  const stores = {} as Both<LabStore>
  for (const engine of ENGINES) {
    const db = await lab.openUnwatched(`/watched-${engine}`, { engine })
    await db.batch(Array.from({ length: FEW }, (_, n) => ({ type: 'put', key: keyOf(n), value: valueOf(0) })))
    await db.flush()
    await db.batch(Array.from({ length: FEW / 10 }, (_, n) => ({ type: 'put', key: keyOf(10 * n), value: valueOf(1) })))
    await db.flush()
    await db.close()
    stores[engine] = await lab.open(`/watched-${engine}`, { engine })
    // Deletes nothing, and waits until the store takes writes.
    await stores[engine].clear({ gt: keyOf(FEW) })
    await stores[engine].getMany([keyOf(0), keyOf(FEW - 1)])
  }

  lab.predict('A put of an existing key: which engine reads before it writes?')
  const put = await both(lab, stores, `put("${keyOf(1000)}")`, db => db.put(keyOf(1000), valueOf(2)))
  lab.reveal(
    put.btree.read > 0 && put.lsm.read === 0 ? 'The B+tree' : 'Neither',
    `The LSM tree adds a new version, whether there is an old one or not. The B+tree changes the page of the key, and needs it in memory
      for that.`,
  )
  lab.predict('A get of a key that was not touched since opening: which engine reads more?')
  const cold = await both(lab, stores, `get("${keyOf(333)}")`, db => db.getSync(keyOf(333)))
  lab.number('cold-lsm', cold.lsm.read)
  lab.number('cold-btree', cold.btree.read)
  lab.reveal(
    `${count(cold.lsm.read)} and ${count(cold.btree.read)} bytes`,
    `The LSM tree searches from the newest place to the oldest, and the filters and indexes in memory spare it all blocks but one. The
      B+tree searches one page per level, and the upper levels were in memory.`,
  )
  lab.predict('And a get of an absent key?')
  const absent = await both(lab, stores, `get("${keyOf(444)}x"), an absent key`, db => db.getSync(`${keyOf(444)}x`))
  lab.reveal(
    `${count(absent.lsm.read)} and ${count(absent.btree.read)} bytes`,
    `A filter is a few bits per key of a table, in memory, and rules a table out without a block. The B+tree has to read the page where the key would be.`,
  )
  lab.predict('What does a delete write?')
  const del = await both(lab, stores, `del("${keyOf(555)}")`, db => db.del(keyOf(555)))
  lab.reveal(
    `${count(del.lsm.written)} and ${count(del.btree.written)} bytes`,
    'Both write the same record to their logs. But the LSM tree adds a tombstone, and the B+tree removes an entry.',
  )
  lab.predict(`How many blocks or pages does a scan of ${SCANNED} neighbours read?`)
  const scan = await both(lab, stores, `scan of ${SCANNED} entries from "${keyOf(700)}"`, db =>
    db.iterator({ gte: keyOf(700), limit: SCANNED }).all(),
  )
  lab.reveal(
    `${scan.lsm.reads} and ${scan.btree.reads}`,
    `The entries of a leaf are neighbours. The entries of a table are, too, but there are two tables, and either may hold the newest version of a key.`,
  )
  lab.say('Eight more puts of neighbouring keys follow, not shown.')
  for (const engine of ENGINES) {
    await stores[engine].batch(Array.from({ length: 8 }, (_, n) => ({ type: 'put', key: keyOf(1001 + n), value: valueOf(2) })))
  }
  lab.predict('Ten operations have written since. What does each engine write when it flushes them to its files?')
  const flush = await both(lab, stores, 'flush, or checkpoint', db => db.flush())
  lab.number('flush-lsm', flush.lsm.written)
  lab.number('flush-btree', flush.btree.written)
  lab.reveal(
    `${count(flush.lsm.written)} and ${count(flush.btree.written)} bytes`,
    `The LSM tree writes the new entries as a small table, and later merges put them in their place. The B+tree writes the changed pages as
      a whole, and every entry is in its place at once.`,
  )
  for (const engine of ENGINES) await stores[engine].close()
}

interface Moved {
  /** Reads from files, and bytes. */
  readonly reads: number
  readonly read: number
  readonly written: number
}

/** Does the same in both, and shows their events in two columns. */
async function both(lab: Lab, stores: Both<LabStore>, text: string, work: (db: LabStore) => unknown): Promise<Both<Moved>> {
  const columns = {} as Both<string[]>
  const moved = {} as Both<Moved>
  for (const engine of ENGINES) {
    await lab.do(stores[engine], `${engine}: ${text}`, () => work(stores[engine]))
    const reads = lab.events('file.read')
    const read = reads.reduce((sum, { length }) => sum + length, 0)
    const written = lab.events('file.write').reduce((sum, { length }) => sum + length, 0)
    const events = COMPARED.flatMap(type => lab.events(type)).sort((a, b) => a.sequence - b.sequence)
    // A put walks down twice: first to read what it will change, then to change it.
    columns[engine] = [
      ...new Set(events.map(event => describe(event as TraceEvent))),
      `Bytes read: ${count(read)}; written: ${count(written)}.`,
    ]
    moved[engine] = { reads: reads.length, read, written }
  }
  lab.lines(text, sideBySide(['lsm', 'btree'], columns.lsm, columns.btree))
  return moved
}

async function work(lab: Lab): Promise<void> {
  lab.heading('A day of work')
  const [small, large] = MEMORY_KIB
  lab.say(`${count(OPERATIONS)} operations on ${count(ENTRIES)} entries of 16 + ${VALUE_BYTES} bytes that were put in random order: half of
    the operations are puts, three in ten gets (a third of these of absent keys), one in ten scans of ${SCANNED} entries, one in ten deletes,
    all of random keys. Both engines do the same in the same order. Each has ${small} KiB of memory, half for changes and half for the cache,
    which is less than the data.`)
  const outcomes = {} as Both<Outcome>
  for (const engine of ENGINES) outcomes[engine] = await mixedWork(lab, engine, small)
  const { lsm, btree } = outcomes
  if (lsm.content !== btree.content) throw new Error('The engines do not hold the same entries')

  lab.predict('Which engine writes more per byte put?')
  const parts = ['log', 'flush', 'compaction', 'page', 'meta'] as const
  lab.table(
    'Write amplification',
    ['part', ...ENGINES],
    [
      ...parts.map(part => [part, ...ENGINES.map(engine => times(outcomes[engine].stats.amplification.write.parts[part]))]),
      ['total', ...ENGINES.map(engine => times(outcomes[engine].stats.amplification.write.total))],
    ],
  )
  const write = measured(lab, 'write', outcomes, ({ amplification }) => amplification.write.total)
  lab.reveal(
    `${capitalized(worse(write))}, ${times(lab.number('write-ratio', write.btree / write.lsm))} as much`,
    `Random keys are the hardest work for a B+tree, because hardly two of them meet on a page. The LSM tree makes sorted runs of them, and pays for that by merging.`,
  )

  lab.predict('Which engine reads more from disk: for a get of an existing key, for a get of an absent key, for an entry of a scan?')
  const found = measured(lab, 'found', outcomes, ({ amplification }) => amplification.read.found.blocksFromDisk)
  const missing = measured(lab, 'missing', outcomes, ({ amplification }) => amplification.read.missing.blocksFromDisk)
  const scanned = measured(lab, 'scan', outcomes, ({ amplification }) => amplification.read.scan.blocksFromDisk)
  lab.table(
    'Read amplification: blocks or pages touched, and those read from disk',
    ['per', 'lsm', 'from disk', 'btree', 'from disk'],
    (['found', 'missing', 'scan'] as const).map(of => [
      READS[of],
      ...ENGINES.flatMap(engine => {
        const { blocks, blocksFromDisk } = outcomes[engine].stats.amplification.read[of]
        return [lab.number(`${of}-touched-${engine}`, blocks).toFixed(2), blocksFromDisk.toFixed(2)]
      }),
    ]),
  )
  lab.reveal(
    `For absent keys ${worse(missing)}, for scans ${worse(scanned)}`,
    `Filters rule out absent keys without a read. A scan has no use for filters: it looks into every run of the LSM tree, and in one place of the B+tree.`,
  )

  lab.predict('Whose files are larger at the end, for the same entries?')
  const space = measured(lab, 'space', outcomes, (_, engine) => outcomes[engine].space)
  const peak = measured(lab, 'peak', outcomes, ({ amplification }) => amplification.peakSpace)
  lab.table(
    'Space amplification: bytes of files per live byte',
    ['', ...ENGINES],
    [
      ['at the end', times(space.lsm), times(space.btree)],
      ['at its peak', times(peak.lsm), times(peak.btree)],
    ],
  )
  lab.reveal(
    `${times(space.lsm)} and ${times(space.btree)}`,
    `The LSM tree keeps old versions until a merge drops them; the B+tree has free space in its pages and free pages in its file. Which one
      is larger depends on the share of overwrites, and on the time since the last merge.`,
  )

  lab.heading('The same with more memory')
  lab.predict(`Now ${large} KiB, so that the buffer holds the tree. Does the LSM tree still write less?`)
  const roomy = {} as Both<Outcome>
  for (const engine of ENGINES) roomy[engine] = await mixedWork(lab, engine, large)
  const wide = measured(lab, 'roomy-write', roomy, ({ amplification }) => amplification.write.total)
  lab.reveal(
    `${times(wide.lsm)} and ${times(wide.btree)}`,
    `Updates of the same page meet in memory, so the only checkpoint writes each page once. It writes them to new places, and half of the
      file is free after it. The idle store then moves the pages to the front of the file to shorten it, which writes them again.`,
  )
  const { stats, flushed } = roomy.btree
  const { parts: all, total } = stats.amplification.write
  const checkpoint = lab.number('roomy-checkpoint-btree', flushed.amplification.write.parts.page)
  const moved = lab.number('roomy-moved-btree', all.page - checkpoint)
  lab.number('roomy-log-btree', all.log)
  lab.number('roomy-flushed-btree', flushed.amplification.write.total)
  lab.table(
    'Write amplification of the B+tree with the large buffer',
    ['part', 'btree'],
    [
      ['log', times(all.log)],
      ['pages, by the checkpoint', times(checkpoint)],
      ['pages, moved to shorten the file', times(moved)],
      ['meta', times(all.meta)],
      ['total', times(total)],
    ],
  )

  lab.heading('Which for what')
  const row = (text: string, { lsm, btree }: Both<number>): (string | number)[] => [
    text,
    lsm.toFixed(2),
    btree.toFixed(2),
    better(lsm, btree),
  ]
  lab.table(
    'Less is better',
    ['', ...ENGINES, 'better'],
    [
      row('bytes written, random keys, little memory', write),
      row('bytes written, a buffer as large as the tree', wide),
      row('reads from disk, get of an existing key', found),
      row('reads from disk, get of an absent key', missing),
      row('reads from disk, entry of a scan', scanned),
      row('bytes of files', space),
    ],
  )
}

const READS = { found: 'get of an existing key', missing: 'get of an absent key', scan: 'entry of a scan' } as const

/** Records a number of both engines. */
function measured(lab: Lab, name: string, outcomes: Both<Outcome>, of: (stats: KvariumStats, engine: Name) => number): Both<number> {
  const number = (engine: Name): number => lab.number(`${name}-${engine}`, of(outcomes[engine].stats, engine))
  return { lsm: number('lsm'), btree: number('btree') }
}

function capitalized(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}`
}

function worse({ lsm, btree }: Both<number>): string {
  return lsm > btree ? 'the LSM tree' : 'the B+tree'
}

/** Which of two numbers is smaller, in words; alike if they differ by less than a tenth. */
function better(lsm: number, btree: number): string {
  if (Math.abs(lsm - btree) < 0.1 * Math.max(lsm, btree)) return 'alike'
  return lsm < btree ? 'lsm' : 'btree'
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 1)} x`
}
