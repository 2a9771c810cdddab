/** What does one small update cost in a B+tree, and what makes it cheaper? */
import { Uniform } from 'kvarium-lab/workloads'
import type { BtreeShape } from '../src/btree/shape.js'
import { pageWrite } from '../packages/lab/src/predict/btree-model.js'
import { distinctUniform } from '../packages/lab/src/predict/draws.js'
import { writeAmplification, type LedgerCounts } from '../src/trace/ledger.js'
import type { TraceEvent } from '../src/trace/events.js'
import { Trace } from '../src/trace/span.js'
import { SeededRandom } from '../src/vfs/seeded-random.js'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'What does one small update cost in a B+tree, and what makes it cheaper?'

const ENTRIES = 20_000
const KEY_BYTES = 16
const VALUE_BYTES = 100
const RECORD_BYTES = KEY_BYTES + VALUE_BYTES
/** Updates between two checkpoints, and how many checkpoints are measured. */
const ROUNDS: readonly (readonly [updates: number, checkpoints: number])[] = [
  [1, 20],
  [10, 10],
  [100, 5],
  [1000, 3],
  [10_000, 1],
]
/** The round of the question. */
const ASKED = 1000
const BUFFERS_KIB = [64, 256, 1024]
const BUFFERED_UPDATES = 10_000

export async function run(lab: Lab): Promise<void> {
  lab.heading('One update')
  lab.say(`A B+tree with ${ENTRIES.toLocaleString('en-US')} entries of ${KEY_BYTES} + ${VALUE_BYTES} bytes, all of it on disk.`)
  const { tree, height, pageBytes } = await load(lab)
  lab.table(
    'The tree, from the root down',
    ['level', 'pages', 'bytes each'],
    tree.map(({ pages, bytes }, depth) => [height - 1 - depth, pages, Math.round(bytes / pages)]),
  )
  lab.number('leaves', tree.at(-1)!.pages)
  lab.number('height', height)
  lab.number('page-bytes', pageBytes)

  const db = await lab.open('/tree', { engine: 'btree' })
  await db.settle()
  lab.say(`Now the value of one key in the middle changes. No page is ever changed in place on disk, so a crash cannot tear a page. The leaf
    goes to a new place; then its parent has to point to the new place, and goes to a new place, too; and so on up to the root. (Places
    are counted in units of 4 KiB. The engine numbers pages as it first loads or creates them, and a copy is another page.)`)
  lab.predict(`How many bytes does the update of ${RECORD_BYTES} bytes write until it is in the tree on disk?`)
  const key = keyOf(ENTRIES / 2)
  const before = db.stats().ledger
  await lab.do(db, `put("${key}", ${VALUE_BYTES} bytes)`, () => db.put(key, valueOf(1)), ['log.append', 'page.new'])
  await lab.do(db, 'flush: a checkpoint', () => db.flush(), ['page.write', 'space.alloc', 'file.write', 'checkpoint.end'])
  const one = writtenSince(db, before)
  await db.close()
  const { total } = writeAmplification(one)
  const sum = lab.number('one-bytes', one.written.log + one.written.page + one.written.meta)
  lab.number('one-record', RECORD_BYTES)
  lab.number('one-leaf', pageWrite(pageBytes, RECORD_BYTES))
  lab.table(
    'Bytes written by one update',
    ['part', 'what', 'bytes', 'per byte of the update'],
    (['log', 'page', 'meta'] as const).map(part => [
      part,
      WHAT[part],
      lab.number(`one-${part}`, one.written[part]),
      times(lab.number(`one-${part}-times`, one.written[part] / RECORD_BYTES)),
    ]),
  )
  lab.reveal(
    `${sum.toLocaleString('en-US')} bytes, ${times(lab.number('one-times', total))} the update`,
    `The leaf alone is ${pageBytes} / ${RECORD_BYTES} = ${times(pageWrite(pageBytes, RECORD_BYTES))}: the price of a page for a record.
      Each branch above it has four times the size of a page, which keeps the tree shallow; copying the path pays for that.`,
  )

  lab.heading('Many updates, one checkpoint')
  lab.say(`An update is acknowledged when it is in the log, so the writer does not wait for the pages. Pages gather updates in memory, and a
    checkpoint writes each page once.`)
  lab.predict('A checkpoint covers 1,000 updates of random keys: by how much do the page writes per update fall?')
  const model = (updates: number): number =>
    tree.reduce((bytes, level) => bytes + distinctUniform(level.pages, updates) * (level.bytes / level.pages), 0) / updates / RECORD_BYTES
  const random = new Uniform(new SeededRandom(1), ENTRIES)
  const uniform = await measureRounds(lab, 'uniform', updates => Array.from({ length: updates }, () => random.next()))
  lab.table(
    'Random keys: bytes written per byte of the updates',
    ['updates per checkpoint', 'log', 'pages', 'pages by the model', 'meta', 'all'],
    uniform.map(({ updates, log, page, meta, total }) => [
      updates,
      times(log),
      times(page),
      times(lab.number(`model-${updates}`, model(updates))),
      times(meta),
      times(total),
    ]),
  )
  const chosen = uniform.find(({ updates }) => updates === ASKED)!
  lab.reveal(
    `${times(chosen.page)} instead of ${times(uniform[0].page)}`,
    `All updates soon share the branches, but only updates of the same leaf share a leaf. The model counts exactly that: n draws meet
      m · (1 - (1 - 1/m)^n) of m pages.`,
  )

  lab.predict(`And if the ${ASKED.toLocaleString('en-US')} updates are of neighbouring keys?`)
  const clustered = await measureRounds(lab, 'clustered', updates => {
    const first = random.next() % (ENTRIES - updates)
    return Array.from({ length: updates }, (_, n) => first + n)
  })
  lab.table(
    'Neighbouring keys: bytes written per byte of the updates',
    ['updates per checkpoint', 'log', 'pages', 'meta', 'all'],
    clustered.map(({ updates, log, page, meta, total }) => [updates, times(log), times(page), times(meta), times(total)]),
  )
  lab.reveal(
    times(clustered.find(({ updates }) => updates === ASKED)!.page),
    'A checkpoint writes a leaf with all of its entries: neighbours share the price of their page.',
  )

  lab.heading('The buffer')
  lab.say(`Applications do not ask for checkpoints. A checkpoint begins when the changed pages in memory reach a size, the writeBufferSize. This
    buffer is to the B+tree what the memtable is to the LSM tree: writes gather in it.`)
  lab.predict('The buffer holds whole pages. How many updates fit in 1 MiB of pages, and how many in a memtable of 1 MiB?')
  const rows: (string | number)[][] = []
  let last = { btree: 0, lsm: 0 }
  for (const kib of BUFFERS_KIB) {
    const btree = await buffered(lab, 'btree', kib)
    const lsm = await buffered(lab, 'lsm', kib)
    last = { btree: btree.updates, lsm: lsm.updates }
    rows.push([`${kib} KiB`, Math.round(btree.updates), times(btree.times), Math.round(lsm.updates), times(lsm.times)])
  }
  lab.table(
    `${BUFFERED_UPDATES.toLocaleString('en-US')} updates of random keys`,
    ['writeBufferSize', 'btree: updates per checkpoint', 'written', 'lsm: updates per flush', 'written'],
    rows,
  )
  lab.number('buffered-btree', Math.round(last.btree))
  lab.number('buffered-lsm', Math.round(last.lsm))
  lab.reveal(
    `About ${Math.round(last.btree).toLocaleString('en-US')}, and ${Math.round(last.lsm).toLocaleString('en-US')}`,
    `The buffer of a B+tree fills with neighbours that did not change. So it has to be larger for the same effect, until it holds enough of
      the tree that updates meet on the same pages.`,
  )
}

const WHAT = {
  log: 'the record of the put, and the header of a new log',
  page: 'leaf and branches',
  meta: 'list of free pages, meta page',
} as const

interface Round {
  readonly updates: number
  /** Bytes per byte of the updates. */
  readonly log: number
  readonly page: number
  readonly meta: number
  readonly total: number
}

/** The cost of updates, by how many of them share a checkpoint. */
async function measureRounds(lab: Lab, name: string, keys: (updates: number) => readonly number[]): Promise<Round[]> {
  const db = await lab.openUnwatched('/tree', { engine: 'btree' })
  await db.settle()
  const rounds: Round[] = []
  for (const [updates, checkpoints] of ROUNDS) {
    const before = db.stats().ledger
    for (let n = 0; n < checkpoints; n++) {
      for (const key of keys(updates)) await db.put(keyOf(key), valueOf(n))
      await db.flush()
    }
    const { total, parts } = writeAmplification(writtenSince(db, before))
    const { log, page, meta } = parts
    for (const [part, value] of Object.entries({ log, page, meta, total })) lab.number(`${name}-${updates}-${part}`, value)
    rounds.push({ updates, log, page, meta, total })
  }
  await db.close()
  return rounds
}

/** Random updates, with checkpoints or flushes of the engine's choice: how many between two of them, and at what price. */
async function buffered(lab: Lab, engine: 'btree' | 'lsm', kib: number): Promise<{ readonly updates: number; readonly times: number }> {
  const db = await lab.openUnwatched(`/${engine}-${kib}`, { engine })
  await fill(db)
  await db.close()
  let updates = 0
  let writings = 0
  let written = 0
  const listener = (event: TraceEvent): void => {
    if (event.type !== 'memtable.freeze' && !(event.type === 'job.begin' && event.kind === 'checkpoint')) return
    writings++
    written = updates
  }
  const trace = new Trace({ level: 'job', listener })
  const small = await lab.openUnwatched(`/${engine}-${kib}`, { engine, writeBufferSize: kib * 1024, trace })
  const random = new Uniform(new SeededRandom(2), ENTRIES)
  const before = small.stats().ledger
  while (updates < BUFFERED_UPDATES) await small.put(keyOf(random.next()), valueOf(updates++))
  const share = written / writings
  // The cost includes changes that are still in memory.
  await small.flush()
  await small.settle()
  const { total } = writeAmplification(writtenSince(small, before))
  await small.close()
  return { updates: share, times: total }
}

async function load(lab: Lab): Promise<BtreeShape> {
  const db = await lab.open('/tree', { engine: 'btree', level: 'nothing' })
  await lab.do(db, `${ENTRIES} puts in ascending order, and a checkpoint`, () => fill(db))
  const shape = db.shape() as BtreeShape
  await db.close()
  return shape
}

async function fill(db: LabStore): Promise<void> {
  await db.batch(Array.from({ length: ENTRIES }, (_, n) => ({ type: 'put', key: keyOf(n), value: valueOf(0) })))
  await db.flush()
}

function writtenSince(db: LabStore, before: LedgerCounts): Parameters<typeof writeAmplification>[0] {
  const { userBytes, written } = db.stats().ledger
  const { log, flush, compaction, page, meta } = before.written
  return {
    userBytes: userBytes - before.userBytes,
    written: {
      log: written.log - log,
      flush: written.flush - flush,
      compaction: written.compaction - compaction,
      page: written.page - page,
      meta: written.meta - meta,
    },
  }
}

function keyOf(number: number): string {
  return `key${String(number).padStart(KEY_BYTES - 3, '0')}`
}

function valueOf(version: number): string {
  return String.fromCharCode(97 + (version % 26)).repeat(VALUE_BYTES)
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)} x`
}
