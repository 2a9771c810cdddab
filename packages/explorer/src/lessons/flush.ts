/** How keys get from memory into a sorted file. */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const KEYS = 40
const AGAIN = 8

const tableOf = (scene: Scene) => pictureOf(scene, 'levels').levels.flatMap(({ runTables }) => runTables.flat())[0]
const fileOf = (scene: Scene, ending: string) => pictureOf(scene, 'files').files.find(({ name }) => name.endsWith(ending))

export const lesson: Lesson = {
  title: 'From the memtable to a table',
  settings: lanesOf(small(LEVELED, { blockSize: 256 })),
  lines: [`ascending ${KEYS} values 14B`, `random ${AGAIN} keys ${KEYS} values 14B`, 'flush'],
  question: {
    text: 'Forty keys are put, and then eight of the same keys again. 48 versions are in the memtable. A flush writes them to a table. How many entries does the table have?',
    answers: [
      {
        text: '48: every version',
        why: 'No reader can see the older versions any more, and no snapshot holds them. The flush leaves them out.',
      },
      {
        text: '40: the newest version of every key',
        why: scene =>
          `The table has ${counted(tableOf(scene).entries, 'entry', 'entries')}. The flush passes over the keys in order, and keeps the newest version of each.`,
      },
      {
        text: '8: only what has changed',
        why: 'A table stands by itself. The other keys were only in memory and in the log, so they have to be in the table too.',
      },
    ],
    right: 1,
    measured: scene => [KEYS + AGAIN, KEYS, AGAIN].indexOf(tableOf(scene).entries),
  },
  steps: [
    {
      title: 'What is in memory',
      at: { operation: KEYS + AGAIN + 1 },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Log' }],
      text: scene => {
        const [{ entries }] = pictureOf(scene, 'memtable').memtables
        return `The memtable has ${counted(entries, 'version')}. A key that was put again stands there twice, the newer one first. The log has the same ${number(pictureOf(scene, 'log').logs[0].entries)}, in order of time.`
      },
    },
    {
      title: 'Room for new puts',
      at: { next: 'memtable.new' },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Log' }],
      text: scene =>
        `First the engine makes room. It begins a new log and a new memtable. There are ${counted(pictureOf(scene, 'memtable').memtables.length, 'memtable')} now, and the full one takes nothing more. So a put does not have to wait for the flush.`,
    },
    {
      title: 'An older version is left out',
      at: { next: 'compaction.key', says: 'dropped' },
      lit: [{ drawing: 'Merge' }],
      text: ({ moment }) => `${moment!.sentence} A snapshot from between the two puts would have kept it.`,
    },
    {
      title: 'The table is complete',
      at: { next: 'table.built' },
      lit: [{ drawing: 'Merge' }, { drawing: 'Files' }],
      text: scene => {
        const { bytes, unsyncedBytes } = fileOf(scene, '.sst')!
        return `The file has ${counted(bytes, 'byte')}. ${unsyncedBytes === 0 ? 'All of them are' : `All but ${number(unsyncedBytes)} are`} synced. Still no reader knows of this table: the level does not name it.`
      },
    },
    {
      title: 'The moment at which it counts',
      at: { next: 'manifest.edit' },
      lit: [{ drawing: 'Levels' }, { drawing: 'Files' }],
      text: scene => {
        const { entries, fileBytes } = tableOf(scene)
        return `The manifest names the table, and the manifest is synced. From now on the table counts: ${counted(entries, 'entry', 'entries')} in ${counted(fileBytes, 'byte')}, on the first level. Up to here the log had everything; from here on the table has it.`
      },
    },
    {
      title: 'The log may go',
      at: { next: 'file.remove' },
      lit: [{ drawing: 'Files' }, { drawing: 'Memtable' }],
      text: ({ moment }) =>
        `${moment!.sentence} Its entries are in the table, so no reader needs it. The order of these steps is such that the power may fail between any two of them.`,
    },
    {
      title: 'What it cost',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }],
      text: ({ facts }) => {
        const { ledger, writeAmplification } = facts.lanes[0]
        return `The keys and values of all puts have ${counted(ledger.userBytes, 'byte')}. The log took ${number(ledger.written.log)}, the flush ${number(ledger.written.flush)}. With the manifest that is a write amplification of ${ratio(writeAmplification!)}.`
      },
    },
  ],
  free: {
    title: 'A flush that writes little',
    text: 'Put at least 2,000 more bytes of keys and values, and flush them. The flush may write at most a third of what the log took for them.',
    hint: 'A key that is put again and again is in the table once: "random 200 keys 5 values 30B", then "flush".',
    conditions: ({ now: { lanes: now }, before: { lanes: before } }) => {
      const user = now[0].ledger.userBytes - before[0].ledger.userBytes
      const log = now[0].ledger.written.log - before[0].ledger.written.log
      const flush = now[0].ledger.written.flush - before[0].ledger.written.flush
      return [
        { text: `${counted(user, 'more byte')} of keys and values (2,000 at least).`, isMet: user >= 2000 },
        { text: `${counted(now[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`, isMet: now[0].memtableEntries === 0 },
        {
          text: `The flush wrote ${ratio(log === 0 ? 0 : flush / log)} of the log's bytes (a third at most).`,
          isMet: flush > 0 && 3 * flush <= log,
        },
      ]
    },
  },
  challenges: [
    {
      title: 'Fewest bytes for a few keys',
      text: 'Two hundred puts go to twenty keys. Find the options with which the engine writes the fewest bytes in all. At the end everything must be in tables.',
      hint: 'A version that is overwritten before the flush is never in a table. How large must the memtable be?',
      settings: lanesOf(LEVELED),
      lines: ['random 200 keys 20 values 450B', 'flush'],
      conditions: ({ now: { lanes } }) => [
        { text: `${counted(lanes[0].tables!, 'table')} (1 at least).`, isMet: lanes[0].tables! >= 1 },
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
        { text: `${counted(lanes[0].bytesWritten, 'byte')} written (120,000 at most).`, isMet: lanes[0].bytesWritten <= 120_000 },
      ],
      score: { of: ({ now }) => now.lanes[0].bytesWritten, unit: 'bytes', par: 109_000 },
    },
  ],
}
