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

/** In the stores that are watched. */
const FEW = 2000
/** The same memory for both: half for what has changed, half for what was read. */
const MEMORY_KIB = [512, 4096]

/** What is worth a line of the comparison: each engine has its own events for the same step. */
const TOLD: readonly EventType[] = [
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
  lab.say(`Both engines hold the same ${count(FEW)} entries, some of them changed later. Both have been opened anew, and two gets have
    brought what they keep of their files into memory: the LSM tree the filters and indexes of its tables, the B+tree its branches. Now
    each operation goes to both of them.`)
  const stores = {} as Both<LabStore>
  for (const engine of ENGINES) {
    const db = await lab.openUnwatched(`/watched-${engine}`, { engine })
    await db.batch(Array.from({ length: FEW }, (_, n) => ({ type: 'put', key: keyOf(n), value: valueOf(0) })))
    await db.flush()
    await db.batch(Array.from({ length: FEW / 10 }, (_, n) => ({ type: 'put', key: keyOf(10 * n), value: valueOf(1) })))
    await db.flush()
    await db.close()
    stores[engine] = await lab.open(`/watched-${engine}`, { engine })
    await stores[engine].getMany([keyOf(0), keyOf(FEW - 1)])
  }

  lab.predict('A put of a key that is there: which engine reads before it writes?')
  const put = await both(lab, stores, `put("${keyOf(1000)}")`, db => db.put(keyOf(1000), valueOf(2)))
  lab.reveal(
    put.btree.read > 0 && put.lsm.read === 0 ? 'The B+tree' : 'Neither',
    `The LSM tree puts a new version in front of the old one, and does not care whether there is one. The B+tree changes the page where
      the key belongs, and has to have it.`,
  )
  lab.predict('A get of a key that nobody has touched since opening: who reads more?')
  const cold = await both(lab, stores, `get("${keyOf(333)}")`, db => db.getSync(keyOf(333)))
  lab.number('cold-lsm', cold.lsm.read)
  lab.number('cold-btree', cold.btree.read)
  lab.reveal(
    `${count(cold.lsm.read)} and ${count(cold.btree.read)} bytes`,
    `The LSM tree asks from the newest place to the oldest, and filters and indexes, which it keeps in memory, spare it all blocks but
      one. The B+tree asks in one place only: a page a level, of which it had the upper ones.`,
  )
  lab.predict('And a get of a key that is not there?')
  const absent = await both(lab, stores, `get("${keyOf(444)}x"), which is not there`, db => db.getSync(`${keyOf(444)}x`))
  lab.reveal(
    `${count(absent.lsm.read)} and ${count(absent.btree.read)} bytes`,
    `A filter is a few bits for every key of a table, in memory, and needs no block to say no. The B+tree has to look where the key would
      be.`,
  )
  lab.predict('What does a delete write?')
  const del = await both(lab, stores, `del("${keyOf(555)}")`, db => db.del(keyOf(555)))
  lab.reveal(
    `${count(del.lsm.written)} and ${count(del.btree.written)} bytes`,
    'Both write the same record to their logs. But the LSM tree has added a tombstone, and the B+tree has removed an entry.',
  )
  lab.predict(`How many blocks or pages does a scan of ${SCANNED} neighbours read?`)
  const scan = await both(lab, stores, `scan of ${SCANNED} entries from "${keyOf(700)}"`, db =>
    db.iterator({ gte: keyOf(700), limit: SCANNED }).all(),
  )
  lab.reveal(
    `${scan.lsm.reads} and ${scan.btree.reads}`,
    `The entries of a leaf are neighbours. Those of a table are, too, but there are two tables, and who knows which has the newest
      version?`,
  )
  lab.say('Eight more puts, of neighbours, follow unseen.')
  for (const engine of ENGINES) {
    await stores[engine].batch(Array.from({ length: 8 }, (_, n) => ({ type: 'put', key: keyOf(1001 + n), value: valueOf(2) })))
  }
  lab.predict('Ten operations have written since. What does each engine write when it is told to bring them to its files?')
  const flush = await both(lab, stores, 'flush, or checkpoint', db => db.flush())
  lab.number('flush-lsm', flush.lsm.written)
  lab.number('flush-btree', flush.btree.written)
  lab.reveal(
    `${count(flush.lsm.written)} and ${count(flush.btree.written)} bytes`,
    `The LSM tree writes what is new, as a small table, and leaves it to later merges to put things in order. The B+tree writes the pages
      that have changed, with all that is in them, and is in order at once.`,
  )
  for (const engine of ENGINES) await stores[engine].close()
}

interface Moved {
  /** Reads from files, and bytes. */
  readonly reads: number
  readonly read: number
  readonly written: number
}

/** Does the same in both, and shows what they tell in two columns. */
async function both(lab: Lab, stores: Both<LabStore>, text: string, work: (db: LabStore) => unknown): Promise<Both<Moved>> {
  const told = {} as Both<string[]>
  const moved = {} as Both<Moved>
  for (const engine of ENGINES) {
    await lab.do(stores[engine], `${engine}: ${text}`, () => work(stores[engine]))
    const reads = lab.told('file.read')
    const read = reads.reduce((sum, { length }) => sum + length, 0)
    const written = lab.told('file.write').reduce((sum, { length }) => sum + length, 0)
    const events = TOLD.flatMap(type => lab.told(type)).sort((a, b) => a.sequence - b.sequence)
    // A put walks down twice: first to read what it will change, then to change it.
    told[engine] = [
      ...new Set(events.map(event => describe(event as TraceEvent))),
      `Bytes read: ${count(read)}; written: ${count(written)}.`,
    ]
    moved[engine] = { reads: reads.length, read, written }
  }
  lab.lines(text, sideBySide(['lsm', 'btree'], told.lsm, told.btree))
  return moved
}

async function work(lab: Lab): Promise<void> {
  lab.heading('A day of work')
  const [small, large] = MEMORY_KIB
  lab.say(`${count(OPERATIONS)} operations on ${count(ENTRIES)} entries of 16 + ${VALUE_BYTES} bytes that were put in random order: half
    of them puts, three in ten gets (a third of these of keys that are not there), one in ten a scan of ${SCANNED} entries, one in ten a
    delete; the keys by chance. Both engines do the same in the same order. Each has ${small} KiB of memory, half for what has changed
    and half for what was read, which is less than the data.`)
  const outcomes = {} as Both<Outcome>
  for (const engine of ENGINES) outcomes[engine] = await mixedWork(lab, engine, small)
  const { lsm, btree } = outcomes
  if (lsm.content !== btree.content) throw new Error('the engines do not hold the same')

  lab.predict('Which engine has written more for each byte that was put?')
  const parts = ['log', 'flush', 'compaction', 'page', 'meta'] as const
  lab.table(
    'Write amplification',
    ['part', ...ENGINES],
    [
      ...parts.map(part => [part, ...ENGINES.map(engine => times(outcomes[engine].stats.amplification.write.parts[part]))]),
      ['all', ...ENGINES.map(engine => times(outcomes[engine].stats.amplification.write.total))],
    ],
  )
  const write = measured(lab, 'write', outcomes, ({ amplification }) => amplification.write.total)
  lab.reveal(
    `It is ${worse(write)}: ${times(lab.number('write-ratio', write.btree / write.lsm))} as much`,
    `Keys by chance are the hardest for a B+tree, because hardly two of them meet on a page. The LSM tree makes sorted runs of them, and
      pays for that by merging.`,
  )

  lab.predict('Which one reads more from disk: for a get of a key that is there, for one that is not, for an entry of a scan?')
  const found = measured(lab, 'found', outcomes, ({ amplification }) => amplification.read.found.blocksFromDisk)
  const missing = measured(lab, 'missing', outcomes, ({ amplification }) => amplification.read.missing.blocksFromDisk)
  const scanned = measured(lab, 'scan', outcomes, ({ amplification }) => amplification.read.scan.blocksFromDisk)
  lab.table(
    'Read amplification: blocks or pages, in memory and on disk, and those from disk',
    ['for each', 'lsm', 'from disk', 'btree', 'from disk'],
    (['found', 'missing', 'scan'] as const).map(of => [
      READS[of],
      ...ENGINES.flatMap(engine => {
        const { blocks, blocksFromDisk } = outcomes[engine].stats.amplification.read[of]
        return [lab.number(`${of}-touched-${engine}`, blocks).toFixed(2), blocksFromDisk.toFixed(2)]
      }),
    ]),
  )
  lab.reveal(
    `For what is not there ${worse(missing)}, for scans ${worse(scanned)}`,
    `Filters know without reading that a key is not there. A scan has no use for them: it looks into every run of the LSM tree, and in
      one place of the B+tree.`,
  )

  lab.predict('Whose files are larger at the end, for the same entries?')
  const space = measured(lab, 'space', outcomes, (_, engine) => outcomes[engine].space)
  const peak = measured(lab, 'peak', outcomes, ({ amplification }) => amplification.peakSpace)
  lab.table(
    'Space amplification: bytes of files for each live byte',
    ['', ...ENGINES],
    [
      ['in the end', times(space.lsm), times(space.btree)],
      ['at most', times(peak.lsm), times(peak.btree)],
    ],
  )
  lab.reveal(
    `${times(space.lsm)} and ${times(space.btree)}`,
    `One keeps old versions until a merge meets them, the other has air in its pages, and free pages in its file. Which is more depends
      on how much is overwritten, and on how lately there was a merge.`,
  )

  lab.heading('The same with more memory')
  lab.predict(`Now ${large} KiB, so that the buffer holds the tree. Does the LSM tree still write less?`)
  const roomy = {} as Both<Outcome>
  for (const engine of ENGINES) roomy[engine] = await mixedWork(lab, engine, large)
  const wide = measured(lab, 'roomy-write', roomy, ({ amplification }) => amplification.write.total)
  lab.reveal(
    `${times(wide.lsm)} and ${times(wide.btree)}`,
    `What a checkpoint writes is bounded by the pages of the tree. When there are more updates than that between two checkpoints, they
      meet.`,
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
      row('bytes written, keys by chance, little memory', write),
      row('bytes written, a buffer as large as the tree', wide),
      row('reads from disk, a key that is there', found),
      row('reads from disk, a key that is not there', missing),
      row('reads from disk, an entry of a scan', scanned),
      row('bytes of files', space),
    ],
  )
}

const READS = { found: 'get of what is there', missing: 'get of what is not there', scan: 'entry of a scan' } as const

/** A number of both, noted. */
function measured(lab: Lab, name: string, outcomes: Both<Outcome>, of: (stats: KvariumStats, engine: Name) => number): Both<number> {
  const number = (engine: Name): number => lab.number(`${name}-${engine}`, of(outcomes[engine].stats, engine))
  return { lsm: number('lsm'), btree: number('btree') }
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
