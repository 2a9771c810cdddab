/** What the two engines do differently with the same work. */
import { BTREE, LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf } from './settings.js'
import { counted, number, ratio } from './words.js'

const FIRST = ['put mars red', 'flush', 'get mars', 'get venus', 'del mars', 'get mars']
const PUTS = 1000
const KEYS = 800

const writtenOf = (scene: Scene, lane: number) => scene.facts.lanes[lane].bytesWritten
const AFTER_FIRST = FIRST.length
const AFTER_PUTS = AFTER_FIRST + PUTS

export const lesson: Lesson = {
  title: 'Both engines in lockstep',
  settings: lanesOf(LEVELED, BTREE),
  lines: [...FIRST, `random ${PUTS} keys ${KEYS}`, 'flush', 'wait 1000', 'get key000100', 'get key0001000', 'range key000300 - limit 20'],
  question: {
    text: 'Both engines take the same thousand puts of random keys. Then they write what is in memory to files, and finish their background work. Which one has written more bytes?',
    answers: [
      {
        text: 'The LSM tree: it merges the same entries again and again',
        why: scene =>
          `It wrote ${number(writtenOf(scene, 0))} bytes, and the B+tree ${number(writtenOf(scene, 1))}. The buffer of the B+tree holds most of its pages here, and many puts meet on a page before it is written.`,
      },
      {
        text: 'The B+tree: it writes whole pages for single entries',
        why: 'It does. But its buffer holds most of the pages here, and many puts meet on a page before it is written. With less memory you would be right: the last part is about that.',
      },
      {
        text: 'Neither: the log is most of it, and both have the same',
        why: scene =>
          `The log has ${number(scene.facts.lanes[0].ledger.written.log)} bytes in the LSM tree and ${number(scene.facts.lanes[1].ledger.written.log)} in the B+tree. That is equal, but the rest is not.`,
      },
    ],
    right: 0,
    at: { outcome: AFTER_PUTS + 2, lane: 1 },
    measured: scene => (writtenOf(scene, 0) > 1.1 * writtenOf(scene, 1) ? 0 : writtenOf(scene, 1) > 1.1 * writtenOf(scene, 0) ? 1 : 2),
  },
  steps: [
    {
      title: 'The same log',
      at: { outcome: 1, lane: 1 },
      lit: [{ drawing: 'Log' }, { drawing: 'Log', lane: 1 }],
      text: scene =>
        `One put has gone into both. The frame in the log has ${counted(pictureOf(scene, 'log').logs[0].frames[0].length, 'byte')} here and ${number(pictureOf(scene, 'log', 1).logs[0].frames[0].length)} there. What differs is where the entry goes in memory: into a list, or into its place on a page.`,
    },
    {
      title: 'One flush, two ideas',
      at: { outcome: 2, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Pages', lane: 1 }],
      text: scene =>
        `The LSM tree has written a table of ${counted(scene.facts.lanes[0].ledger.written.flush, 'byte')}, the B+tree ${number(scene.facts.lanes[1].ledger.written.page)} bytes of pages. The table is one more place to search. The page is where the entry belongs.`,
    },
    {
      title: 'A key that is not there',
      at: { outcome: 4, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Pages', lane: 1 }],
      text: 'The LSM tree asks the bounds and the filter of a table, which are in memory, and reads no block. The B+tree walks to the leaf where the key would be, as if it were there.',
    },
    {
      title: 'A delete',
      at: { outcome: 5, lane: 1 },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Pages', lane: 1 }],
      text: scene =>
        `In the LSM tree a delete is one more entry: the memtable has ${counted(scene.facts.lanes[0].memtableEntries!, 'tombstone')}. In the B+tree the entry is gone from its page, and ${counted(scene.facts.lanes[1].treeEntries!, 'entry is', 'entries are')} left.`,
    },
    {
      title: 'A thousand random puts',
      at: { outcome: AFTER_PUTS + 2, lane: 1 },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Ledger', lane: 1 }],
      text: ({ facts: { lanes } }) =>
        `The write amplification is ${ratio(lanes[0].writeAmplification!)} against ${ratio(lanes[1].writeAmplification!)}. Compactions wrote ${number(lanes[0].ledger.written.compaction)} bytes, and flushes ${number(lanes[0].ledger.written.flush)}. Pages took ${number(lanes[1].ledger.written.page)}. The buffer of the B+tree holds most of its pages here. With a smaller one it would lose by far.`,
    },
    {
      title: 'One get in each',
      at: { outcome: AFTER_PUTS + 3, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Pages', lane: 1 }],
      text: scene =>
        `The LSM tree looked into ${counted(pictureOf(scene, 'levels').probes.length, 'place')}, from new to old, and most of them said no from memory. The B+tree went through ${counted(pictureOf(scene, 'pages', 1).path.length, 'page')}, one per level. It always does.`,
    },
    {
      title: 'A range in each',
      at: { end: true },
      lit: [{ drawing: 'Cache' }, { drawing: 'Cache', lane: 1 }],
      text: ({ facts: { lanes } }) =>
        `A range in the LSM tree has to look into every run, here ${number(lanes[0].runs!)}. In the B+tree the entries stand on neighbouring leaves. The files have ${number(lanes[0].ledger.fileBytes)} and ${number(lanes[1].ledger.fileBytes)} bytes.`,
    },
  ],
  free: {
    title: 'Turn it around',
    text: 'Change the options so that the engine that wrote less of the two writes at least one and a half times as much as the other one. The operations stay as they are, and both must have all in their files.',
    hint: 'What decides is the memory: how many puts gather before something is written? Each engine has its own writeBufferSize.',
    conditions: ({ now: { lanes } }) => {
      const times = lanes[1].bytesWritten / lanes[0].bytesWritten
      return [
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
        { text: `${counted(lanes[1].unwrittenBytes!, 'byte')} of changed pages in memory (none).`, isMet: lanes[1].unwrittenBytes === 0 },
        { text: `The B+tree writes ${ratio(times)} times as much as the LSM tree (1.5 at least).`, isMet: times >= 1.5 },
      ]
    },
  },
  challenges: [],
}
