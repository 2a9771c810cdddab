/** Why must a tombstone not be dropped early, and when is it dropped? */
import type { KeyFate } from '../src/trace/events.js'
import type { LedgerCounts } from '../src/trace/ledger.js'
import { textOfBytes } from '../src/codec/shown-text.js'
import type { Lab, LabStore } from './lab/lab.js'
import { tableEntries } from './lab/table-entries.js'
import { wrap } from './lab/transcript.js'

export const question = 'Why must a tombstone not be dropped early, and when is it dropped?'

const FATES: Readonly<Record<KeyFate, string>> = {
  expired: 'dropped: expired',
  kept: 'kept',
  shadowed: 'dropped',
  covered: 'dropped',
  'tombstone-dropped': 'dropped',
}
const SESSIONS = 1000
const SMALL = { blockSize: 1024, maxFileSize: 16 * 1024, level1Size: 256 * 1024 }

export async function run(lab: Lab): Promise<void> {
  await deepBelow(lab)
  await heldBySnapshot(lab)
  await manyAtOnce(lab)
}

async function deepBelow(lab: Lab): Promise<void> {
  lab.heading('A value deep below')
  lab.say(`Tables never change, so a delete cannot remove anything from them. It writes a marker, a tombstone, which hides older versions. Here two
    runs of a level become one run of the next, so four flushes bring "cat" down to level 2.`)
  const db = await lab.open('/pets', { compaction: 'tiered', runsPerLevel: 2 })
  const flushed = async (
    what: string,
    write: () => Promise<void>,
    shown: readonly ('compaction.pick' | 'compaction.key')[] = [],
  ): Promise<void> => {
    await lab.do(db, what, write)
    await lab.do(db, 'flush()', () => flushAndSettle(db), shown)
  }
  for (const [key, value] of [
    ['cat', 'meow'],
    ['dog', 'woof'],
    ['ant', '...'],
    ['zebra', 'whinny'],
  ]) {
    await flushed(`put("${key}", "${value}")`, () => db.put(key, value))
  }
  await showTables(lab, db, 'The only table now, with sequence numbers')

  await flushed('del("cat")', () => db.del('cat'))
  lab.predict('The next flush fills level 0, and both of its tables are merged. What happens to the tombstone? It has no value to keep.')
  await flushed('put("cow", "moo")', () => db.put('cow', 'moo'), ['compaction.pick', 'compaction.key'])
  const [kept] = fatesOf(lab, 'cat')
  lab.reveal(
    `It is ${FATES[kept]}`,
    `(The first line is the flush itself, which is a merge of one memtable.) The compaction reads two tables. The older table of level 2 is not
      one of them, ranges from "ant" to "zebra", and so may hold a "cat". It does, as its file shows:`,
  )
  await showTables(lab, db, 'The value is still below the tombstone')
  await lab.do(
    db,
    'get("cat")',
    () => db.getSync('cat'),
    ['get.probe'],
    value => value ?? 'nothing',
  )
  lab.say(
    `The get ends at the tombstone in level 1. Without the tombstone it would continue to level 2 and find "meow" there: the cat would be back from the dead.`,
  )

  lab.predict('Two more flushes fill level 0, and level 1, and level 2: three merges, one after the other. Which one drops the tombstone?')
  await flushed('put("emu", "boom")', () => db.put('emu', 'boom'))
  await flushed('put("fox", "yip")', () => db.put('fox', 'yip'), ['compaction.pick', 'compaction.key'])
  const merges = lab.events('compaction.pick').map(({ job }) => job)
  const dropping = lab.events('compaction.key').find(({ fate }) => fate === 'tombstone-dropped')!
  const first = lab.events('compaction.key').find(({ key, job }) => textOfBytes(key) === 'cat' && merges.includes(job))!
  lab.reveal(
    `Number ${lab.number('dropping-merge', merges.indexOf(dropping.job) + 1)} of ${merges.length}`,
    `Merge ${merges.indexOf(first.job) + 1} takes it to level 2; there it is ${FATES[first.fate]}, because an older run of that level is not part of the merge. Then both runs
      of level 2 are merged. The value meets its tombstone and is dropped; and no older table is left that may hold a "cat", so the tombstone
      is dropped, too.`,
  )
  await showTables(lab, db, 'No trace of the cat')
  await db.close()
}

async function heldBySnapshot(lab: Lab): Promise<void> {
  lab.heading('Held by a snapshot')
  lab.say('A snapshot is a past state that can still be read. It is the sequence number of the last operation, so taking it costs nothing.')
  const db = await lab.open('/held')
  await lab.do(db, 'put("cat", "meow")', () => db.put('cat', 'meow'))
  const snapshot = await lab.do(db, 'snapshot()', () => db.snapshot(), ['snapshot.take'])
  await lab.do(db, 'del("cat")', () => db.del('cat'))
  lab.predict('Now everything is flushed and compacted; nothing is below. What does the compaction drop?')
  await lab.do(db, 'flush()', () => db.flush(), ['compaction.key'])
  await lab.do(db, 'compactRange()', () => db.compactRange(), ['compaction.key'])
  const fates = fatesOf(lab, 'cat')
  lab.reveal(
    fates.every(fate => fate === 'kept') ? 'Nothing' : fates.map(fate => FATES[fate]).join(', '),
    'The snapshot is between the two: a reader of the snapshot sees the value, a current reader sees the tombstone. A version may be dropped when no snapshot is between it and the next newer one.',
  )
  await lab.do(
    db,
    'get("cat")',
    () => db.getSync('cat'),
    [],
    value => value ?? 'nothing',
  )
  await lab.do(
    db,
    'get("cat", { snapshot })',
    () => db.getSync('cat', { snapshot }),
    [],
    value => value ?? 'nothing',
  )
  await lab.do(
    db,
    'snapshot.close()',
    async () => {
      await snapshot.close()
      await db.settle()
    },
    ['snapshot.release', 'compaction.pick', 'compaction.key', 'merge.end'],
  )
  lab.say('Without the snapshot, the table is worth rewriting for its tombstones alone. Nothing is left of it, not even an empty table.')
  await db.close()
}

async function manyAtOnce(lab: Lab): Promise<void> {
  lab.heading('A thousand at once')
  lab.say(`${SESSIONS.toLocaleString('en-US')} sessions and a few users, in tables of level 1. All sessions are to be deleted.`)
  const db = await lab.open('/sessions', SMALL)
  await lab.do(db, `batch of ${SESSIONS} sessions and a few users, flush(), compactRange()`, () => fill(db))
  const before = db.stats().ledger
  lab.predict(`Deleted one by one, each session needs a tombstone. How many bytes does one clear of the whole range write to the log?`)
  await lab.do(db, 'clear({ gte: "session", lt: "sessionz" })', () => db.clear({ gte: 'session', lt: 'sessionz' }), [
    'log.append',
    'tombstone.add',
  ])
  const logged = lab.number('clear-logged', db.stats().ledger.written.log - before.written.log)
  lab.reveal(
    `${logged} bytes`,
    'One range tombstone: the first key, the last key, and all keys between them are deleted. Their number does not matter.',
  )
  lab.predict('After the next flush the tombstone is in a table. How many bytes of the tables full of sessions are read to remove them?')
  await lab.do(db, 'flush()', () => flushAndSettle(db), ['table.built', 'compaction.pick', 'merge.end'])
  const drop = lab.events('compaction.pick').find(({ outcome }) => outcome === 'drop')!
  const droppedIn = lab.events('job.end').find(({ job }) => job === drop.job)!
  lab.number('dropped-tables', drop.inputs.flat().length)
  lab.number('dropped-bytes', drop.inputBytes)
  lab.reveal(
    lab.number('dropped-read', droppedIn.bytesRead),
    `${drop.inputs.flat().length} tables are entirely within the range and older than the tombstone: one edit of the manifest removes ${drop.inputBytes.toLocaleString('en-US')} bytes of
      files. Only tables with other keys, too, are merged.`,
  )
  const cleared = costs(db, before)
  await db.close()

  const single = await lab.openUnwatched('/single', SMALL)
  await fill(single)
  const beforeSingle = single.stats().ledger
  await single.batch(sessions().map(({ key }) => ({ type: 'del', key })))
  await flushAndSettle(single)
  const deleted = costs(single, beforeSingle)
  await single.close()
  const parts = Object.keys(PARTS) as Part[]
  for (const part of parts) {
    lab.number(`clear-${part}`, cleared[part])
    lab.number(`single-${part}`, deleted[part])
  }
  lab.table(
    `Getting rid of ${lab.number('sessions', SESSIONS).toLocaleString('en-US')} sessions, in bytes`,
    ['', 'one clear', 'a batch with a delete for each'],
    parts.map(part => [PARTS[part], cleared[part], deleted[part]]),
  )
  lab.say(
    `Single deletes make the store larger before they make it smaller, and a merge has to read a version to find out that it is hidden.`,
  )
}

const PARTS = {
  log: 'log, with the header of the next one',
  flush: 'flush',
  read: 'read by compactions',
  written: 'written by compactions',
  before: 'all files before',
  after: 'all files after',
} as const
type Part = keyof typeof PARTS

/** Bytes since an earlier moment: log, flush, read and written by compactions; files then and now. */
function costs(db: LabStore, before: LedgerCounts): Readonly<Record<Part, number>> {
  const { ledger } = db.stats()
  return {
    log: ledger.written.log - before.written.log,
    flush: ledger.written.flush - before.written.flush,
    read: ledger.read.compaction - before.read.compaction,
    written: ledger.written.compaction - before.written.compaction,
    before: before.fileBytes,
    after: ledger.fileBytes,
  }
}

async function fill(db: LabStore): Promise<void> {
  await db.batch([...sessions(), ...users()])
  await db.flush()
  await db.compactRange()
}

async function flushAndSettle(db: LabStore): Promise<void> {
  await db.flush()
  await db.settle()
}

async function showTables(lab: Lab, db: LabStore, title: string): Promise<void> {
  const tables = await tableEntries(lab, db, '/pets')
  lab.lines(
    title,
    tables.flatMap(([level, table, entries]) => wrap(`level ${level}, table ${table}: ${entries.join(', ')}`, '  ', 96).split('\n')),
  )
}

/** The fate of the key in the merges of the last call, in their order. */
function fatesOf(lab: Lab, key: string): KeyFate[] {
  return lab
    .events('compaction.key')
    .filter(event => textOfBytes(event.key) === key)
    .map(({ fate }) => fate)
}

interface Put {
  readonly type: 'put'
  readonly key: string
  readonly value: string
}

function sessions(): Put[] {
  return Array.from({ length: SESSIONS }, (_, i) => ({ type: 'put', key: `session ${String(i).padStart(4, '0')}`, value: 'x'.repeat(100) }))
}

function users(): Put[] {
  return ['Ada', 'Alan', 'Grace'].map(name => ({ type: 'put', key: `user ${name}`, value: 'still here' }))
}
