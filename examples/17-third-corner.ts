/** What does a store pay when it writes once and reads once? */
import type { HashShape } from '../src/hash/shape.js'
import { readAmplification, spaceAmplification, writeAmplification } from '../src/trace/ledger.js'
import { SeededRandom } from '../src/vfs/seeded-random.js'
import type { Lab, LabStore, LabStoreOptions } from './lab/lab.js'

export const question = 'What does a store pay when it writes once and reads once?'

const KEYS = 2000
const PUTS = 8000
const GETS = 2000
const SCANNED = 200
const VALUE = 'v'.repeat(1000)
const KIB = 1024
const CACHE = 64 * KIB

const ENGINES: Readonly<Record<string, Omit<LabStoreOptions, 'level'>>> = {
  hash: { engine: 'hash', maxFileSize: 256 * KIB, cacheSize: CACHE },
  btree: { engine: 'btree', writeBufferSize: 128 * KIB, cacheSize: CACHE },
  lsm: { engine: 'lsm', writeBufferSize: 128 * KIB, level1Size: 512 * KIB, maxFileSize: 128 * KIB, cacheSize: CACHE, compression: 'none' },
}

export async function run(lab: Lab): Promise<void> {
  lab.heading('Write once')
  lab.say('The hash engine is a log and nothing else. A directory in memory has the place of the newest value of each key.')
  const db = await lab.open('/hash', { engine: 'hash', maxFileSize: 16 * KIB })
  await lab.do(db, 'put("earth", "blue")', () => db.put('earth', 'blue'), ['log.append', 'directory.place'])
  await lab.do(db, 'put("earth", "blue and white")', () => db.put('earth', 'blue and white'), ['log.append', 'directory.place'])
  lab.say('The first value is still in the file, and no record leads to it.')

  lab.heading('Read once')
  await lab.do(db, 'get("earth")', () => db.getSync('earth'), ['directory.search', 'file.read'], shown)
  lab.number('reads', lab.events('file.read').length)
  await lab.do(db, 'get("pluto")', () => db.getSync('pluto'), ['directory.search', 'file.read'], shown)
  lab.number('absent-reads', lab.events('file.read').length)

  lab.heading('What is dead comes back')
  await lab.do(db, 'put("mars", "red")', () => db.put('mars', 'red'), [])
  await lab.do(db, 'compactRange()', () => db.compactRange('', '~'), ['data.add', 'directory.place', 'data.drop'])
  const [file] = (db.shape() as HashShape).files
  lab.number('merged-puts', file.puts)
  await db.close()

  lab.heading('Three corners')
  lab.say(
    `${PUTS.toLocaleString('en-US')} puts of ${KEYS.toLocaleString('en-US')} keys in random order, then ${GETS.toLocaleString('en-US')} gets, and a read of ${SCANNED} neighbours. Every engine has a cache of 64 KiB.`,
  )
  lab.predict('Which engine writes least, which reads least, and which takes the least memory?')
  const rows: (readonly [string, ...number[]])[] = []
  for (const [name, options] of Object.entries(ENGINES)) {
    const store = await lab.openUnwatched(`/${name}`, options)
    const { writes, log, blocks, scan, space, memory } = await measured(store)
    lab.number(`${name}-writes`, writes)
    lab.number(`${name}-log`, log)
    lab.number(`${name}-blocks`, blocks)
    lab.number(`${name}-scan`, scan)
    lab.number(`${name}-space`, space)
    lab.number(`${name}-memory`, memory)
    rows.push([name, writes, blocks, scan, space, memory])
    await store.close()
  }
  lab.table(
    'Measured',
    ['engine', 'written per byte', 'blocks per get', 'blocks per neighbour', 'files per live byte', 'KiB of memory'],
    rows,
  )
  const [[, hashWrites], [, btreeWrites], [, lsmWrites]] = rows
  lab.reveal(
    `hash writes ${hashWrites} bytes per byte, btree ${btreeWrites}, lsm ${lsmWrites}`,
    'No engine is best in all columns: what one saves another column pays for.',
  )
}

interface Costs {
  readonly writes: number
  /** The part of `writes` that went into logs. */
  readonly log: number
  readonly blocks: number
  readonly scan: number
  readonly space: number
  readonly memory: number
}

async function measured(db: LabStore): Promise<Costs> {
  const random = new SeededRandom(7)
  for (let i = 0; i < PUTS; i++) {
    await db.put(keyOf(random.uniform(KEYS)), VALUE)
    if (i % 1000 === 0) await db.settle()
  }
  await db.flush()
  await db.settle()
  for (let i = 0; i < GETS; i++) await db.get(keyOf(random.uniform(KEYS)))
  for await (const _ of db.iterator({ gte: keyOf(1000), limit: SCANNED }));
  const { ledger, memoryBytes } = db.stats()
  return {
    writes: tenths(writeAmplification(ledger).total),
    log: tenths(writeAmplification(ledger).parts.log),
    blocks: tenths(readAmplification(ledger.found).blocks),
    scan: tenths((ledger.scan.blocksFromDisk + ledger.scan.blocksFromCache) / SCANNED),
    space: tenths(spaceAmplification(ledger.fileBytes, ledger.liveBytes)),
    memory: Math.round(memoryBytes / KIB),
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

function keyOf(number: number): string {
  return `key ${String(number).padStart(6, '0')}`
}

function shown(value: string | undefined): string {
  return value === undefined ? 'not found' : JSON.stringify(value)
}
