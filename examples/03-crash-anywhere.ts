/** What is left of a store when the power fails, wherever it fails? */
import { Kvarium } from 'kvarium'
import type { Environment } from '../src/vfs/environment.js'
import { CrashPoints, tornRecord, worldOn, type CrashPoint, type Kept } from './lab/crash-points.js'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'What is left of a store when the power fails, wherever it fails?'

interface Step {
  readonly text: string
  readonly writes: boolean
  /** Whether everything written so far must survive a power loss once it has resolved. */
  readonly durable: boolean
  run(db: LabStore): Promise<void>
}

const SCRIPT: readonly Step[] = [
  { text: 'put apple', writes: true, durable: false, run: db => db.put('apple', '1') },
  { text: 'put pear', writes: true, durable: false, run: db => db.put('pear', '2') },
  { text: 'put plum, synced', writes: true, durable: true, run: db => db.put('plum', '3', { sync: true }) },
  {
    text: 'batch of three',
    writes: true,
    durable: false,
    run: db =>
      db.batch([
        { type: 'put', key: 'fig', value: '4' },
        { type: 'put', key: 'lime', value: '5' },
        { type: 'del', key: 'apple' },
      ]),
  },
  { text: 'put kiwi', writes: true, durable: false, run: db => db.put('kiwi', '6') },
  { text: 'flush', writes: false, durable: true, run: db => db.flush() },
  { text: 'put date', writes: true, durable: false, run: db => db.put('date', '7') },
]

/** The state at a moment: the number of acknowledged writes, and how many of them a power loss must not lose. */
interface Moment {
  readonly step: string
  readonly acknowledged: number
  readonly durable: number
}

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)
const DIRECTORY = '/shop'
/** Marks contents that no prefix of the writes explains. */
const WRONG = -1

export async function run(lab: Lab): Promise<void> {
  lab.heading('The script')
  lab.say(`A write is on the medium once it is synced, not once it is written: until the sync, the operating system holds it in memory, and a power
    loss may take any part of it. This script puts, puts durably, writes a batch (put fig, put lime, delete apple) and flushes. The power may fail
    at every call that changes the disk: there, the example copies what the medium could hold at that moment. The script itself continues.`)
  const crashes = new CrashPoints<Moment>(['none', 'all', ...SEEDS])
  const db = await lab.open(DIRECTORY, { environment: crashes.environment, writeBufferSize: 64 * 1024, compression: 'none' })
  let moment: Moment = { step: '', acknowledged: 0, durable: 0 }
  const states = [await contentsOf(db)]
  crashes.watch(() => moment)
  for (const step of SCRIPT) {
    moment = { ...moment, step: step.text }
    await lab.do(db, step.text, () => step.run(db), ['file.write', 'file.sync', 'directory.sync'])
    const acknowledged = moment.acknowledged + (step.writes ? 1 : 0)
    moment = { ...moment, acknowledged, durable: step.durable ? acknowledged : moment.durable }
    if (step.writes) states.push(await contentsOf(db))
  }
  crashes.end({ ...moment, step: '' })
  const writes = lab.number('writes', states.length - 1)
  const points = lab.number('points', crashes.points.length)
  lab.number('seeds', SEEDS.length)

  lab.heading('Opening what is left')
  lab.predict(`"put plum, synced" is the third of ${writes} writes. The power fails right after it. How many writes are left at least?`)
  const found = await openAll(crashes.points, states)
  const images = lab.number('images', found.flatMap(({ writes }) => [...writes.values()]).length)
  lab.say(`Each row is a call that the crash prevented. "acknowledged" counts the writes that had returned to the caller; "promised" counts those up
    to the last one that was synced, by itself or by a flush. The last three columns count the writes that are there after the store is
    reopened, if the medium kept none, some or all of what was not synced. "some" means ${SEEDS.length} random mixes, in any order and torn anywhere.`)
  lab.table(
    `Crashes before each of ${points} calls`,
    ['while', 'before the call', 'acknowledged', 'promised', 'none', 'some', 'all'],
    found.map(({ point: { before, moment }, writes }) => {
      const mixes = SEEDS.map(seed => writes.get(seed)!)
      const [least, most] = [Math.min(...mixes), Math.max(...mixes)]
      const mix = least === most ? `${least}` : `${least} - ${most}`
      return [moment.step, before, moment.acknowledged, moment.durable, writes.get('none')!, mix, writes.get('all')!]
    }),
  )
  const afterPlum = found.filter(({ point }) => point.moment.acknowledged === 3 && point.moment.durable === 3)
  const least = Math.min(...afterPlum.flatMap(({ writes }) => [...writes.values()]))
  lab.reveal(
    lab.number('least-after-sync', least),
    `A sync makes the whole log durable, including the two puts before it that asked for no sync. The number may be larger: the medium may
      already hold more than was promised.`,
  )

  lab.heading('What held')
  const wrong = lab.number(
    'wrong',
    count(found, writes => writes === WRONG),
  )
  const broken = lab.number(
    'broken',
    count(found, (writes, { durable }) => writes < durable),
  )
  const killed = lab.number(
    'broken-by-kill',
    count(found, (writes, { acknowledged }, kept) => kept === 'all' && writes < acknowledged),
  )
  const lost = lab.number(
    'unpromised-lost',
    count(found, (writes, { acknowledged }) => writes < acknowledged),
  )
  lab.table(
    `${images} copies, all of which open`,
    ['what is counted', 'copies'],
    [
      ['contents that are no prefix of the writes: a hole, or half of a batch', wrong],
      ['less than was promised to be durable', broken],
      ['everything was kept, as when only the process dies, but an acknowledged write is missing', killed],
      ['an acknowledged write is missing that was not promised to be durable', lost],
    ],
  )
  lab.say(
    `The last row is not a fault. It is the price of a put that does not wait for the medium: it survives a crash of the process, but not a loss of power.`,
  )

  await showTorn(lab, crashes.points)

  lab.heading('In short')
  lab.say(`Wherever the power fails, the store opens, and has the writes up to some moment: all that was promised, perhaps more, and of every
    batch all or nothing.`)
  await db.close()
}

interface Found {
  readonly point: CrashPoint<Moment>
  /** Number of recovered writes, or `WRONG`. */
  readonly writes: ReadonlyMap<Kept, number>
}

async function openAll(points: readonly CrashPoint<Moment>[], states: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  for (const point of points) {
    const writes = new Map<Kept, number>()
    for (const [kept, image] of point.images) writes.set(kept, states.indexOf(await reopened(worldOn(image))))
    found.push({ point, writes })
  }
  return found
}

/** The contents after recovery, from a copy of the files. */
async function reopened(environment: Environment): Promise<string> {
  const db = new Kvarium<string, string>(DIRECTORY, { environment, writeBufferSize: 64 * 1024 })
  await db.open()
  try {
    return await contentsOf(db)
  } finally {
    await db.close()
  }
}

async function contentsOf(db: LabStore): Promise<string> {
  return JSON.stringify(await db.iterator().all())
}

function count(found: readonly Found[], matches: (writes: number, moment: Moment, kept: Kept) => boolean): number {
  const all = found.flatMap(({ point, writes }) => [...writes].filter(([kept, number]) => matches(number, point.moment, kept)))
  return all.length
}

/** The longest torn record among all copies: its bytes, and how recovery treats it. */
async function showTorn(lab: Lab, points: readonly CrashPoint<Moment>[]): Promise<void> {
  const all = points.flatMap(({ moment, images }) => [...images.values()].map(image => ({ moment, image })))
  const torn = await Promise.all(all.map(async ({ moment, image }) => ({ moment, image, record: await tornRecord(DIRECTORY, image) })))
  const batches = torn.filter(({ moment }) => moment.acknowledged === 4)
  const { image, record } = batches.reduce((a, b) => ((a.record?.length ?? 0) >= (b.record?.length ?? 0) ? a : b))
  if (record === undefined) throw new Error('No record of the batch was torn: take more seeds')
  lab.heading('A torn tail')
  lab.say(
    `In one of the copies the batch, the fourth write, is there in part. Its header says how long it is and what its checksum must be.`,
  )
  const environment = worldOn(image)
  await lab.hex('Where the log ends', record.path, { from: record.offset, environment })
  lab.say('The store is opened on this copy:')
  const db = await lab.open(DIRECTORY, { environment, name: 'after the crash' }, ['log'])
  await lab.do(
    db,
    'all entries',
    () => contentsOf(db),
    [],
    contents => contents,
  )
  await db.close()
}
