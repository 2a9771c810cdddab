/** When an expired entry is gone, and when its bytes come back. */
import { BTREE, LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { deletesNothing } from './tasks.js'
import { counted, number } from './words.js'

const SESSIONS = 200
const TTL = 5000
const SESSION = 'key000007'
const FIRST = ['put ada in', 'put bob in ttl 60000']
const LATER = ['flush', 'snapshot s', `wait ${TTL}`, `get ${SESSION}`, `get ${SESSION} at s`, 'release s', `put ${SESSION} 100B`, 'compact']

const numberOf = (line: string): number => FIRST.length + SESSIONS + LATER.indexOf(line) + 1
const filesOf = (scene: Scene) => scene.facts.lanes[0].ledger.fileBytes
const treeEntries = (scene: Scene) => pictureOf(scene, 'pages', 1).shape.entries
const tableEntries = (scene: Scene) =>
  pictureOf(scene, 'levels').levels.reduce((sum, { runTables }) => sum + runTables.flat().reduce((all, { entries }) => all + entries, 0), 0)

export const lesson: Lesson = {
  title: 'Expiry',
  settings: lanesOf(small(LEVELED, { writeBufferSize: 1 << 20 }), BTREE),
  lines: [...FIRST, `ascending ${SESSIONS} ttl ${TTL}`, ...LATER],
  question: {
    text: 'Two hundred sessions are in a table. Each was put with a time to live of five seconds. Now the five seconds are over. What does the store do at that moment?',
    answers: [
      {
        text: 'It deletes them: a timer was set for each',
        why: 'The store would need a second index, by time, and a write for each entry. A timer would also have to survive a crash.',
      },
      {
        text: 'Nothing',
        why: scene =>
          `The tables still have ${counted(tableEntries(scene), 'entry', 'entries')}, and the files ${counted(filesOf(scene), 'byte')}. The get of a session found nothing all the same: a read compares the expiry of what it meets with the clock.`,
      },
      {
        text: 'It writes a tombstone for each, and the next merge drops both',
        why: 'That is what deletes by the program would cost. An expiry stands in the entry itself, so nothing has to be added.',
      },
    ],
    right: 1,
    at: { outcome: numberOf(`get ${SESSION}`) },
    measured: ({ facts }) => (facts.lanes[0].missing === 1 && facts.lanes.every(({ expired }) => expired === 0) ? 1 : 0),
  },
  steps: [
    {
      title: 'A few bytes more',
      at: { outcome: FIRST.length },
      lit: [{ drawing: 'Log' }, { drawing: 'Memtable' }],
      text: scene => {
        const [ada, bob] = pictureOf(scene, 'log').logs.at(-1)!.frames
        return `Two puts of the same length, and only bob expires. Its frame has ${counted(bob.length, 'byte')}, and that of ada ${number(ada.length)}. The other ${number(bob.length - ada.length)} are the moment of the expiry, in front of the value. It is a moment and not a duration, so it means the same in the log, in a table and after a restart.`
      },
    },
    {
      title: 'The time is over',
      at: { outcome: numberOf(`wait ${TTL}`) },
      lit: [{ drawing: 'Levels' }, { drawing: 'Files' }],
      text: scene =>
        `${counted(SESSIONS, 'session')} have just expired. The tables have ${counted(tableEntries(scene), 'entry', 'entries')}, and the files ${counted(filesOf(scene), 'byte')}: as before. Nothing was written, and nothing was looked at.`,
    },
    {
      title: 'Hidden, though it is there',
      at: { next: 'get.probe', says: 'expired' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) =>
        `${moment!.sentence} The get ends here and says that there is no such key. An older version of the key would not come back either.`,
    },
    {
      title: 'A snapshot has a moment of its own',
      at: { outcome: numberOf(`get ${SESSION} at s`) },
      lit: [{ drawing: 'Levels' }],
      text: 'The snapshot was taken before the time was over. It sees what was live then, for as long as it is held, and so the same get finds the session. A merge would have to keep it.',
    },
    {
      title: 'A merge for its own sake',
      at: { next: 'compaction.pick', says: 'expired' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) =>
        `${moment!.sentence} The manifest says when about half of the entries of a table will have expired, so the store need not look at them. The snapshot held them, and now it is released.`,
    },
    {
      title: 'What has expired is not written',
      at: { outcome: numberOf('release s') },
      lit: [{ drawing: 'Merge' }, { drawing: 'Files' }],
      text: scene => {
        const { fates } = pictureOf(scene, 'merge').merge!
        return `The merge has dropped ${counted(fates.expired, 'expired entry', 'expired entries')} and kept ${number(fates.kept)}. The files have ${counted(filesOf(scene), 'byte')} now. If an older version of a key might lie further below, a tombstone would take the place of the entry.`
      },
    },
    {
      title: 'One put, one page',
      at: { lane: 1, next: 'entries.expire' },
      lit: [{ drawing: 'Pages', lane: 1 }],
      text: ({ moment }) =>
        `${moment!.sentence} The B+tree has kept all of them so far. The put of one key copies its page anyway, and what has expired on that page is left out. Pages that do not change keep theirs.`,
    },
    {
      title: 'Page by page',
      at: { end: true },
      lit: [
        { drawing: 'Pages', lane: 1 },
        { drawing: 'Free space', lane: 1 },
      ],
      text: scene =>
        `The compaction of the B+tree has walked over all of its pages: ${counted(treeEntries(scene), 'entry is', 'entries are')} left, and the places of the old pages become free. It would also have come by itself: a store that is idle looks for pages of which a good part has expired.`,
    },
  ],
  free: {
    title: 'Expired before the flush',
    text: 'Let at least 100 more entries expire in the LSM tree so that their bytes never take room in a table: without del, clear or another compact, and with files of at most 1,000 bytes more than now at the end. Nothing may be left in the memtable.',
    hint: 'A flush writes a table, too: what has expired by then is left out. "ascending 100 ttl 50" puts entries that expire soon.',
    conditions: ({ now, before }) => {
      const expired = now.lanes[0].expired - before.lanes[0].expired
      const grown = now.lanes[0].ledger.fileBytes - before.lanes[0].ledger.fileBytes
      const compacts = now.script.filter(line => /^compact\b/.test(line)).length - 1
      const left = now.lanes[0].memtableEntries!
      return [
        deletesNothing(now),
        { text: `${counted(compacts, 'more compact', 'more compacts')} (none).`, isMet: compacts === 0 },
        { text: `${counted(expired, 'more expired entry', 'more expired entries')} dropped (100 at least).`, isMet: expired >= 100 },
        { text: `${counted(left, 'entry', 'entries')} in the memtable (none).`, isMet: left === 0 },
        { text: `The files have ${number(grown)} bytes more than before (1,000 at most).`, isMet: grown <= 1000 },
      ]
    },
  },
  challenges: [],
}
