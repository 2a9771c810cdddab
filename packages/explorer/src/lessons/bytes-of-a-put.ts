/** What one put writes. */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf } from './settings.js'
import { counted, number } from './words.js'

const FIRST = 'put cat meow'
const BATCH = 'batch put cow moo; put fox yip; put hen cluck; put pig oink'

const frameOf = (scene: Scene, index: number) => pictureOf(scene, 'log').logs[0].frames[index]

export const lesson: Lesson = {
  title: 'The bytes of a put',
  settings: lanesOf(LEVELED),
  lines: [FIRST, 'put dog woof sync', BATCH],
  question: {
    text: 'The store is empty. A put writes the key cat and the value meow: three letters and four. How many bytes does the engine write before it acknowledges the put?',
    answers: [
      {
        text: '7 bytes: the key and the value',
        why: 'A reader of the file could not see where the key ends, or whether the bytes are intact. Something has to say that.',
      },
      {
        text: '38 bytes: the key, the value, and what a reader of the file needs to know about them',
        why: scene => {
          const { length, userBytes } = frameOf(scene, 0)
          return `${number(userBytes)} of the ${number(length)} bytes are the key and the value. The others say what they are, how long they are and whether they are intact.`
        },
      },
      {
        text: '1,024 bytes: a block of the size that is set',
        why: 'Blocks are parts of sorted tables. A put goes to the end of the log, which has no blocks: it grows by what is written.',
      },
      {
        text: 'None: the put is in memory, and is written later',
        why: 'Memory is lost when the process ends. An acknowledged put has to survive that, so it is in the log first.',
      },
    ],
    right: 1,
    at: { outcome: 1 },
    measured: scene => [7, 38, 1024, 0].indexOf(frameOf(scene, 0).length),
  },
  steps: [
    {
      title: 'Before the put',
      at: { operation: 1 },
      lit: [{ drawing: 'Files' }, { drawing: 'Memtable' }],
      text: scene => {
        const { files } = pictureOf(scene, 'files')
        const log = files.find(({ name }) => name.endsWith('.log'))!
        return `The store is open, and it has ${counted(files.length, 'file')}. The log is ${log.name}. It has ${counted(log.bytes, 'byte')}, which are its header. The memtable is empty.`
      },
    },
    {
      title: 'One write to one file',
      at: { next: 'log.append' },
      lit: [{ drawing: 'Log' }, { drawing: 'Bytes' }],
      text: scene => {
        const { length, offset, userBytes } = frameOf(scene, 0)
        return `The put is a frame at the end of the log: ${counted(length, 'byte')} at offset ${number(offset)}. ${number(userBytes)} of them are the key and the value. The other ${number(length - userBytes)} are a header with checksums, the number of the operation, and the lengths. The drawing Bytes names each of them.`
      },
    },
    {
      title: 'Sorted in memory',
      at: { next: 'memtable.insert' },
      lit: [{ drawing: 'Memtable' }],
      text: 'The same entry goes into the memtable. That is memory and costs no write. Readers look here, because the log is in order of time and the memtable is in order of keys.',
    },
    {
      title: 'Acknowledged, but not durable',
      at: { outcome: 1 },
      lit: [{ drawing: 'Files' }, { drawing: 'Log' }],
      text: ({ facts }) =>
        `The caller has its answer. If the process ends now, the next opening reads the log and has the put. But ${counted(facts.lanes[0].unsyncedBytes, 'byte')} of the files are not synced. If the power fails now, they may be gone.`,
    },
    {
      title: 'A durable put',
      at: { next: 'log.commit' },
      lit: [{ drawing: 'Log' }, { drawing: 'Files' }],
      text: scene =>
        `The second put asks for a sync. It is acknowledged only now that the log is durable, ${counted(pictureOf(scene, 'log').logs[0].syncedBytes, 'byte')} of it. A sync is for the whole file. So the first put is durable as well.`,
    },
    {
      title: 'Many entries in one frame',
      at: { outcome: 3 },
      lit: [{ drawing: 'Log' }],
      text: scene => {
        const [single, , batch] = [0, 1, 2].map(index => frameOf(scene, index))
        const each = batch.length / batch.entries
        return `A batch of ${counted(batch.entries, 'put')} is one frame of ${counted(batch.length, 'byte')}. That is ${number(Math.round(each))} per put, and a put by itself took ${number(single.length)}. The header comes once per frame, and all puts of the batch share it.`
      },
    },
  ],
  free: {
    title: 'Share the header',
    text: 'Write at least 6 more entries of 5 to 10 bytes each, keys and values together. They may take 20 bytes of the log each at most.',
    hint: 'Type a batch: batch put a 12345; put b 12345; and so on.',
    conditions: ({ now: { lanes: now }, before: { lanes: before } }) => {
      const entries = (now[0].memtableEntries ?? 0) - (before[0].memtableEntries ?? 0)
      const user = now[0].ledger.userBytes - before[0].ledger.userBytes
      const log = now[0].ledger.written.log - before[0].ledger.written.log
      return [
        { text: `${counted(Math.max(0, entries), 'more entry', 'more entries')} (6 at least).`, isMet: entries >= 6 },
        {
          text: `${number(per(user, entries))} bytes of key and value per entry (5 to 10).`,
          isMet: user >= 5 * entries && user <= 10 * entries,
        },
        { text: `${number(per(log, entries))} bytes of the log per entry (20 at most).`, isMet: entries > 0 && log <= 20 * entries },
      ]
    },
  },
  challenges: [],
}

function per(bytes: number, entries: number): number {
  return entries <= 0 ? 0 : Math.round((10 * bytes) / entries) / 10
}
