/** Why must a delete not be forgotten early, and when is it forgotten? */
import type { KeyFate } from '../src/trace/events.js'
import type { LedgerCounts } from '../src/trace/ledger.js'
import { textOfBytes } from '../src/observe/text-of-bytes.js'
import type { Lab, LabStore } from './lab/lab.js'
import { tableEntries } from './lab/table-entries.js'
import { wrap } from './lab/transcript.js'

export const question = 'Why must a delete not be forgotten early, and when is it forgotten?'

const FATES: Readonly<Record<KeyFate, string>> = {
  kept: 'kept',
  shadowed: 'forgotten',
  covered: 'forgotten',
  'tombstone-dropped': 'forgotten',
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
  lab.say(`Tables cannot be changed, so a delete cannot take anything out of them. It writes a mark, a tombstone, which hides what is older. Here two runs of
    a level become one of the next, so four flushes bring "cat" down to level 2.`)
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
  await showTables(lab, db, 'What is in the one table there is now, with sequence numbers')

  await flushed('del("cat")', () => db.del('cat'))
  lab.predict(
    'The next flush makes level 0 full, and both of its tables are merged. What becomes of the tombstone? It has no value to carry.',
  )
  await flushed('put("cow", "moo")', () => db.put('cow', 'moo'), ['compaction.pick', 'compaction.key'])
  const [kept] = fatesOf(lab, 'cat')
  lab.reveal(
    `It is ${FATES[kept]}`,
    `(The first line is the flush itself, which is a merge of one.) The compaction reads two tables. A table that is older and not among them, that of level 2, reaches from "ant" to "zebra", and so may hold a "cat". It
      does, as its file shows:`,
  )
  await showTables(lab, db, 'Below the tombstone there is still the value')
  await lab.do(
    db,
    'get("cat")',
    () => db.getSync('cat'),
    ['get.probe'],
    value => value ?? 'nothing',
  )
  lab.say(
    `The get ends at the tombstone in level 1. Without it the search would go on to level 2, find "meow" there, and the cat would be back from the dead.`,
  )

  lab.predict(
    'Two more flushes fill level 0, and level 1, and level 2: three merges, one after the other. Which one forgets the tombstone?',
  )
  await flushed('put("emu", "boom")', () => db.put('emu', 'boom'))
  await flushed('put("fox", "yip")', () => db.put('fox', 'yip'), ['compaction.pick', 'compaction.key'])
  const merges = lab.told('compaction.pick').map(({ job }) => job)
  const forgetting = lab.told('compaction.key').find(({ fate }) => fate === 'tombstone-dropped')!
  const first = lab.told('compaction.key').find(({ key, job }) => textOfBytes(key) === 'cat' && merges.includes(job))!
  lab.reveal(
    `Number ${lab.number('forgetting-merge', merges.indexOf(forgetting.job) + 1)} of ${merges.length}`,
    `Merge ${merges.indexOf(first.job) + 1} takes it to level 2; there it is ${FATES[first.fate]}, as an older run of that level is no part of the merge. Then both runs of
      level 2 are merged. The value meets its tombstone and is forgotten; and no table is left that is older and may hold a "cat", so the tombstone
      is forgotten, too.`,
  )
  await showTables(lab, db, 'No trace of the cat')
  await db.close()
}

async function heldBySnapshot(lab: Lab): Promise<void> {
  lab.heading('Held by a snapshot')
  lab.say('A snapshot is a moment that can still be read. It costs nothing to take: it is the number of the last operation.')
  const db = await lab.open('/held')
  await lab.do(db, 'put("cat", "meow")', () => db.put('cat', 'meow'))
  const snapshot = await lab.do(db, 'snapshot()', () => db.snapshot(), ['snapshot.take'])
  await lab.do(db, 'del("cat")', () => db.del('cat'))
  lab.predict('Now everything is flushed and compacted; nothing lies below. What does the compaction forget?')
  await lab.do(db, 'flush()', () => db.flush(), ['compaction.key'])
  await lab.do(db, 'compactRange()', () => db.compactRange(), ['compaction.key'])
  const fates = fatesOf(lab, 'cat')
  lab.reveal(
    fates.every(fate => fate === 'kept') ? 'Nothing' : fates.map(fate => FATES[fate]).join(', '),
    'The snapshot is between the two: who reads at it sees the value, who reads now sees the tombstone. A version may go when no snapshot lies between it and the newer one.',
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
  lab.say('With the snapshot gone, the table is worth rewriting for its tombstones alone. Nothing is left of it, not even an empty table.')
  await db.close()
}

async function manyAtOnce(lab: Lab): Promise<void> {
  lab.heading('A thousand at once')
  lab.say(`${SESSIONS.toLocaleString('en-US')} sessions and a few users, in tables of level 1. All sessions are to go.`)
  const db = await lab.open('/sessions', SMALL)
  await lab.do(db, `batch of ${SESSIONS} sessions and a few users, flush(), compactRange()`, () => fill(db))
  const before = db.stats().ledger
  lab.predict(`Deleted one by one, each session needs a tombstone. How many bytes does one clear of the whole range write into the log?`)
  await lab.do(db, 'clear({ gte: "session", lt: "sessionz" })', () => db.clear({ gte: 'session', lt: 'sessionz' }), [
    'log.append',
    'tombstone.add',
  ])
  const logged = lab.number('clear-logged', db.stats().ledger.written.log - before.written.log)
  lab.reveal(
    `${logged} bytes`,
    'One range tombstone: the first key that it found, the last one, and all between them are deleted. It does not matter how many there are.',
  )
  lab.predict(
    'After the next flush the tombstone is in a table. How many bytes of the tables full of sessions are read to get rid of them?',
  )
  await lab.do(db, 'flush()', () => flushAndSettle(db), ['table.built', 'compaction.pick', 'merge.end'])
  const drop = lab.told('compaction.pick').find(({ outcome }) => outcome === 'drop')!
  const droppedIn = lab.told('job.end').find(({ job }) => job === drop.job)!
  lab.number('dropped-tables', drop.inputs.flat().length)
  lab.number('dropped-bytes', drop.inputBytes)
  lab.reveal(
    lab.number('dropped-read', droppedIn.bytesRead),
    `${drop.inputs.flat().length} tables lie whole within the range and are older than it: ${drop.inputBytes.toLocaleString('en-US')} bytes of files go by an entry in the
      manifest. Only what has other keys, too, is merged.`,
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
    `A delete for each makes the store larger before it makes it smaller, and to find out that a version is hidden a merge has to read it.`,
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

/** Bytes since then: log, flush, read and written by compactions; files then and now. */
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

/** What became of the key in the merges of the last call, in their order. */
function fatesOf(lab: Lab, key: string): KeyFate[] {
  return lab
    .told('compaction.key')
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
