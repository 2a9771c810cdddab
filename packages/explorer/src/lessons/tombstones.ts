/** Why a tombstone must not be dropped early, and when it is dropped. */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number } from './words.js'

const MANY = 600
const CLEARED = 400
const FIRST = ['put cat meow', 'put ant 1000B', 'put zebra 1000B', 'flush', 'compact']
/** Enough entries that the tombstone is no reason for a merge by itself. */
const OTHERS = ['cow', 'eel', 'elk', 'emu', 'fox', 'hen', 'owl', 'pig', 'rat', 'yak'].map(key => `put ${key} 100B`).join('; ')
const DELETE = [`batch del cat; ${OTHERS}`, 'flush', 'get cat', 'compact', 'put dog woof']
const HELD = ['snapshot s', `batch del dog; ${OTHERS}`, 'flush', 'compact', 'get dog at s', 'get dog', 'release s', 'compact']

const filesOf = (scene: Scene) => scene.facts.lanes[0].ledger.fileBytes
const merged = (scene: Scene) => pictureOf(scene, 'merge').merge!

const AT_DELETE = FIRST.length + 1
const AT_RELEASE = FIRST.length + DELETE.length + HELD.indexOf('release s') + 1
const AT_CLEAR = FIRST.length + DELETE.length + HELD.length + MANY + 2

export const lesson: Lesson = {
  title: 'Tombstones',
  settings: lanesOf(small(LEVELED, { level0Tables: 4 })),
  lines: [
    ...FIRST,
    ...DELETE,
    ...HELD,
    `ascending ${MANY}`,
    'flush',
    `clear key000100 key${String(100 + CLEARED).padStart(6, '0')}`,
    'flush',
    'compact',
  ],
  question: {
    text: 'A cat was put, and its table lies deep in the tree. Now it is deleted, and the delete is flushed. How many bytes do the files lose by that flush?',
    answers: [
      {
        text: 'Those of the cat: its entry is taken out of the table',
        why: 'A table never changes. Readers may be in the middle of it, and its checksums are over what was written.',
      },
      {
        text: 'None: they gain some',
        why: scene =>
          `The files grow from ${number(bytesBefore(scene))} bytes: a delete is one more entry, a tombstone, in one more table. It hides the cat, and the cat is still there.`,
      },
      {
        text: 'None and they gain none: a delete is kept in memory',
        why: 'Memory is lost when the process ends, and the cat would be back. A delete has to be as durable as a put.',
      },
    ],
    right: 1,
    at: { outcome: AT_DELETE + 1 },
    measured: scene => (pictureOf(scene, 'levels').levels[0].tables === 1 ? 1 : 0),
  },
  steps: [
    {
      title: 'A delete is written',
      at: { operation: AT_DELETE },
      lit: [{ drawing: 'Levels' }, { drawing: 'Memtable' }],
      text: scene =>
        `The cat is in a table of the deepest level that is used. There ${filled(scene) === 1 ? 'is' : 'are'} ${counted(filled(scene), 'table')}. Nothing is in memory. Now the cat is deleted: step on and see what is written.`,
    },
    {
      title: 'A table that takes away',
      at: { outcome: AT_DELETE + 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Files' }],
      text: scene => {
        const [table] = pictureOf(scene, 'levels').levels[0].runTables[0]
        return `The flush has made a table of ${counted(table.entries, 'entry', 'entries')}, and ${counted(table.tombstones, 'of them is a tombstone', 'of them are tombstones')}. It has ${counted(table.fileBytes, 'byte')}. The store became larger by a delete.`
      },
    },
    {
      title: 'The search ends at the tombstone',
      at: { outcome: AT_DELETE + 2 },
      lit: [{ drawing: 'Levels' }],
      text: 'A get goes from the newest place to the oldest, and ends at the first version that it finds. It finds the tombstone, and says that there is no cat. It never sees the table in which the cat still is.',
    },
    {
      title: 'When it may go',
      at: { next: 'compaction.key', says: 'no older version' },
      lit: [{ drawing: 'Merge' }],
      text: ({ moment }) =>
        `${moment!.sentence} This merge has all tables that may hold a cat. If it had only the newer one, the tombstone would have to stay: without it, the next get would find the old cat.`,
    },
    {
      title: 'Both are gone',
      at: { outcome: AT_DELETE + 3 },
      lit: [{ drawing: 'Merge' }, { drawing: 'Levels' }],
      text: scene => {
        const { fates } = merged(scene)
        return `The merge kept ${counted(fates.kept, 'entry', 'entries')}. It dropped ${number(fates['tombstone-dropped'])} as a tombstone that hides nothing any more, and ${number(fates.shadowed)} as a version that a newer one hides.`
      },
    },
    {
      title: 'A snapshot holds on',
      at: { operation: AT_RELEASE },
      lit: [{ drawing: 'Merge' }, { drawing: 'Levels' }],
      text: scene =>
        `The dog was deleted as well, but a snapshot was taken before. The merge of all tables dropped ${counted(merged(scene).fates.shadowed + merged(scene).fates['tombstone-dropped'], 'entry', 'entries')}. A reader of the snapshot still gets the dog, and everyone else gets nothing. So both versions have to stay.`,
    },
    {
      title: 'After the release',
      at: { next: 'compaction.key', says: 'no older version' },
      lit: [{ drawing: 'Merge' }],
      text: ({ moment }) =>
        `${moment!.sentence} The snapshot is released. A snapshot that is never released is a leak: it costs nothing to take, and it keeps everything that it can see.`,
    },
    {
      title: 'One tombstone for a range',
      at: { outcome: AT_CLEAR },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Log' }],
      text: scene =>
        `${counted(CLEARED, 'key')} are cleared at once. That takes ${counted(pictureOf(scene, 'levels').memtable.rangeTombstones, 'range tombstone')}: its first key, its last key and the moment. Deletes one by one would have taken a tombstone each.`,
    },
    {
      title: 'Tables dropped unread',
      at: { next: 'compaction.pick', says: 'unread' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) =>
        `${moment!.sentence} These tables lie wholly in the range, and all of their versions are older than the clear. One edit of the manifest removes them, and no byte of them is read.`,
    },
  ],
  free: {
    title: 'Give the space back',
    text: 'Put at least 20,000 bytes of keys and values more, delete all that you have put, and bring the files back to at most 1,000 bytes more than they have now. No tombstone may be left in the tables.',
    hint: '"ascending 200", then "clear", "flush" and "compact". Other keys may be cleared as well.',
    conditions: ({ now: { lanes: now }, before: { lanes: before } }) => {
      const user = now[0].ledger.userBytes - before[0].ledger.userBytes
      const grown = now[0].ledger.fileBytes - before[0].ledger.fileBytes
      const left = now[0].memtableEntries!
      return [
        { text: `${counted(Math.max(0, user), 'more byte')} of keys and values (20,000 at least).`, isMet: user >= 20_000 },
        { text: `${counted(left, 'entry', 'entries')} in the memtable (none).`, isMet: left === 0 },
        { text: `The files have ${number(grown)} bytes more than before (1,000 at most).`, isMet: grown <= 1000 },
      ]
    },
  },
  challenges: [],
}

function filled(scene: Scene): number {
  return pictureOf(scene, 'levels').levels.reduce((sum, { tables }) => sum + tables, 0)
}

/** The files, less the table that the flush has made. */
function bytesBefore(scene: Scene): number {
  return filesOf(scene) - pictureOf(scene, 'levels').levels[0].runTables[0][0].fileBytes
}
