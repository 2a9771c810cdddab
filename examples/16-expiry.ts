/** When is an expired entry gone, and when do its bytes come back? */
import type { BtreeShape } from '../src/btree/shape.js'
import { joinPath, type FileSystem } from '../src/vfs/file-system.js'
import type { Lab, LabStore } from './lab/lab.js'

export const question = 'When is an expired entry gone, and when do its bytes come back?'

const SESSIONS = 2000
const LOGGED_IN = 20
const VALUE = 'v'.repeat(100)
const MINUTE = 60_000
/** What the clock on the wall shows when the example begins. */
const NOON = Date.UTC(2026, 0, 1, 12)

export async function run(lab: Lab): Promise<void> {
  const wall = { time: NOON }
  const { clock } = lab.environment
  const environment = { ...lab.environment, clock: { now: () => clock.now(), wallTime: () => wall.time } }

  lab.heading('An expiry')
  lab.say('A put with a time to live stores the moment from which on no read shows it, in front of the value.')
  const db = await lab.open('/lsm', { environment })
  await lab.do(db, 'put("ada", "in")', () => db.put('ada', 'in'), ['log.append'])
  const [plain] = lab.events('log.append')
  await lab.do(db, 'put("bob", "in", { ttl: a minute })', () => db.put('bob', 'in', { ttl: MINUTE }), ['log.append'])
  const [expiring] = lab.events('log.append')
  lab.number('expiry-bytes', expiring.length - plain.length)
  wall.time += MINUTE
  lab.say('A minute later:')
  await lab.do(db, 'get("ada")', () => db.getSync('ada'), [], shown)
  await lab.do(db, 'get("bob")', () => db.getSync('bob'), [], shown)
  await db.close()

  lab.heading('Hidden at once')
  lab.say(
    `A login service: ${SESSIONS.toLocaleString('en-US')} sessions that live for an hour, and ${LOGGED_IN} that stay. All are in tables.`,
  )
  const lsm = await lab.open('/logins', { environment, level: 'job' })
  await logins(lsm)
  const before = lab.number('lsm-before', bytesIn(lab.environment.fileSystem, '/logins'))
  lab.predict(`An hour later a scan shows ${LOGGED_IN} sessions. The store had ${bytes(before)}. How large is it at that moment?`)
  wall.time += 60 * MINUTE
  const live = await lab.do(lsm, 'keys', async () => (await lsm.keys().all()).length, [], String)
  lab.number('live', live)
  const hidden = lab.number('lsm-hidden', bytesIn(lab.environment.fileSystem, '/logins'))
  lab.reveal(
    bytes(hidden),
    'Nothing looks for expired entries, so the moment itself costs nothing. A read compares each expiry that it meets with the clock.',
  )

  lab.heading('Written anyway')
  lab.say('A compaction reads and writes entries for reasons of its own. The expired ones that it meets are not written.')
  lab.predict('How much of the store does a compaction of everything give back?')
  await lab.do(lsm, 'compactRange()', () => lsm.compactRange('', '~'), ['entries.expire'])
  const after = lab.number('lsm-after', bytesIn(lab.environment.fileSystem, '/logins'))
  const expired = lab.number('lsm-expired', lsm.stats().ledger.expiredBytes)
  lab.reveal(bytes(before - after), `The ledger counts ${bytes(expired)} of keys and values as expired.`)
  await lsm.close()

  lab.heading('Page by page')
  lab.say('In a B+tree the sessions are in pages. A page is copied when an entry of it changes for the first time since a checkpoint.')
  const btree = await lab.open('/tree', { environment, engine: 'btree', level: 'job' })
  await logins(btree)
  wall.time += 60 * MINUTE
  const entries = lab.number('tree-before', entriesOf(btree))
  lab.predict(
    `All ${SESSIONS.toLocaleString('en-US')} sessions have expired. One of those that stay gets another value. How many entries leave the tree?`,
  )
  await lab.do(btree, `put("${keyOf(0)}", another value)`, () => btree.put(keyOf(0), 'another'), ['entries.expire'])
  const dropped = lab.number('tree-dropped', entries - entriesOf(btree))
  lab.reveal(dropped, 'Those that share its page. The other pages are not looked at.')
  await lab.do(btree, 'compactRange()', () => btree.compactRange('', '~'))
  lab.number('tree-after', entriesOf(btree))
  lab.table(
    'The tree',
    ['', 'entries'],
    [
      ['an hour later', entries],
      ['after one put', entries - dropped],
      ['after a compaction', entriesOf(btree)],
    ],
  )
  await btree.close()
}

/** Sessions that expire in an hour, and between them some that do not; all of them on disk. */
async function logins(db: LabStore): Promise<void> {
  const every = SESSIONS / LOGGED_IN
  const stay = Array.from({ length: LOGGED_IN }, (_, i) => ({ type: 'put' as const, key: keyOf(i * every), value: VALUE }))
  const expire = Array.from({ length: SESSIONS }, (_, i) => ({
    type: 'put' as const,
    key: `${keyOf(i)} x`,
    value: VALUE,
    ttl: 60 * MINUTE,
  }))
  await db.batch([...stay, ...expire])
  await db.flush()
}

function keyOf(number: number): string {
  return `session ${String(number).padStart(5, '0')}`
}

function entriesOf(db: LabStore): number {
  return (db.shape() as BtreeShape).entries
}

/** Bytes of the tables of a store. */
function bytesIn(fileSystem: FileSystem, directory: string): number {
  const tables = fileSystem.list(directory).filter(name => name.endsWith('.sst'))
  return tables.reduce((sum, name) => sum + fileSystem.stat(joinPath(directory, name))!.size, 0)
}

function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes`
}

function shown(value: string | undefined): string {
  return value === undefined ? 'not found' : JSON.stringify(value)
}
