/** What tiered compaction wins over leveled, and what it loses. */
import { LEVELED, TIERED } from '../run/engine-lanes.js'
import { deletesNothing } from './tasks.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf } from './settings.js'
import { counted, number, ratio } from './words.js'

const PUTS = 1200
const KEYS = 500

/** Keys and values that the challenge leaves: every key is put once at least, with nine characters and a hundred. */
const LIVE_BYTES = KEYS * 109
const AGAIN = 700

const compactionOf = (scene: Scene, lane: number) => pictureOf(scene, 'levels', lane).compaction!
const compactedBytes = (scene: Scene, lane: number) => scene.facts.lanes[lane].ledger.written.compaction
const fileBytes = (scene: Scene, lane: number) => scene.facts.lanes[lane].ledger.fileBytes
const tablesIn = (scene: Scene, lane: number) => compactionOf(scene, lane).inputs.flat().length

export const lesson: Lesson = {
  title: 'Tiered against leveled',
  settings: lanesOf(LEVELED, TIERED),
  lines: [`random ${PUTS} keys ${KEYS}`, 'wait 1000', 'range key000100 - limit 10', 'get key000100'],
  question: {
    text: 'Two trees take the same puts, and each key is put more than twice on average. The leveled one merges new tables into the run of the next level. The tiered one merges them into a new run, and leaves the runs that are there alone. Which one writes fewer bytes, and which one has smaller files?',
    answers: [
      {
        text: 'The leveled tree does both: it keeps less, so it writes less',
        why: 'To keep less, it has to merge, and every merge writes its entries again.',
      },
      {
        text: 'The tiered tree writes less, the leveled tree has smaller files',
        why: scene =>
          `Compactions wrote ${number(compactedBytes(scene, 0))} bytes in the leveled tree and ${number(compactedBytes(scene, 1))} in the tiered one. The files have ${number(fileBytes(scene, 0))} and ${number(fileBytes(scene, 1))} bytes, for the same data.`,
      },
      {
        text: 'The tiered tree does both: it does less',
        why: 'A run that is left alone keeps versions that newer runs hide. They take space until a merge meets both.',
      },
    ],
    right: 1,
    measured: scene => {
      const writesLess = compactedBytes(scene, 1) < compactedBytes(scene, 0)
      return fileBytes(scene, 1) < fileBytes(scene, 0) ? 2 : writesLess ? 1 : 0
    },
  },
  steps: [
    {
      title: 'The first merge of the leveled tree',
      at: { next: 'compaction.pick', lane: 0 },
      lit: [{ drawing: 'Levels' }],
      text: scene =>
        `The level of the flushes has as many tables as it may. The picker takes ${counted(tablesIn(scene, 0), 'table')} with ${counted(compactionOf(scene, 0).inputBytes, 'byte')} into the next level. Nothing lies there yet.`,
    },
    {
      title: 'The first merge of the tiered tree',
      at: { next: 'compaction.pick', lane: 1 },
      lit: [{ drawing: 'Levels', lane: 1 }],
      text: scene =>
        `The tiered tree waits for one more run: it merges ${counted(tablesIn(scene, 1), 'table')} with ${counted(compactionOf(scene, 1).inputBytes, 'byte')}. They become the first run of the next level.`,
    },
    {
      title: 'Leveled: into the run that is there',
      at: { next: 'compaction.pick', lane: 0 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Merge' }],
      text: scene => {
        const { inputBytes, overlapBytes } = compactionOf(scene, 0)
        return `${counted(inputBytes, 'byte')} come from new tables. But the keys are everywhere, so ${counted(overlapBytes, 'byte')} of the next level lie in the same range. They are read and written again, changed or not.`
      },
    },
    {
      title: 'Tiered: beside the run that is there',
      at: { next: 'compaction.pick', lane: 1 },
      lit: [
        { drawing: 'Levels', lane: 1 },
        { drawing: 'Merge', lane: 1 },
      ],
      text: scene => {
        const { inputBytes, overlapBytes } = compactionOf(scene, 1)
        return `Here ${counted(inputBytes, 'byte')} are merged, and ${number(overlapBytes)} of the next level. The new run will stand beside the older one. A byte is written once per level.`
      },
    },
    {
      title: 'The same range in both',
      at: { outcome: PUTS + 2, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Levels', lane: 1 }],
      text: ({ facts }) =>
        `A range is in no filter. It has to look into every sorted run: ${number(facts.lanes[0].runs!)} in the leveled tree, and ${number(facts.lanes[1].runs!)} in the tiered one.`,
    },
    {
      title: 'The price of each',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Ledger', lane: 1 }],
      text: scene => {
        const [leveled, tiered] = scene.facts.lanes
        return `The write amplification is ${ratio(leveled.writeAmplification!)} against ${ratio(tiered.writeAmplification!)}. The files have ${number(leveled.ledger.fileBytes)} and ${number(tiered.ledger.fileBytes)} bytes. Neither tree is better: one pays when it writes, the other with space and when it scans.`
      },
    },
  ],
  free: {
    title: 'As small as leveled',
    text: 'Make the files of the tiered tree at most as large as those of the leveled tree were before. Delete nothing.',
    hint: 'What is hidden goes when one merge meets it all: "compact" merges everything.',
    conditions: ({ now, before }) => {
      const bytes = now.lanes[1].ledger.fileBytes
      const bound = before.lanes[0].ledger.fileBytes
      return [
        deletesNothing(now),
        { text: `${counted(bytes, 'byte')} of files in the tiered tree (${number(bound)} at most).`, isMet: bytes <= bound },
      ]
    },
  },
  challenges: [
    {
      title: 'Space under 1.2, without compression',
      text: `${number(KEYS)} keys are put, and then ${number(AGAIN)} puts go to the same keys. Find the options with which the files have at most 1.2 times the bytes of the keys and values that are live, when everything is in tables and the tree has come to rest. Compression stays off. Write as little as you can.`,
      hint: 'Old versions are dropped where they meet newer ones. A large memtable lets them meet in memory. And how many runs should the first level have?',
      settings: lanesOf(LEVELED),
      lines: [`ascending ${KEYS}`, `random ${AGAIN} keys ${KEYS}`, 'flush', 'wait 2000'],
      conditions: ({ now: { lanes } }) => {
        const [{ ledger, options, memtableEntries }] = lanes
        const space = ledger.fileBytes / LIVE_BYTES
        return [
          { text: 'The option compression is "none".', isMet: options.compression === 'none' },
          { text: `${counted(memtableEntries!, 'entry', 'entries')} in the memtable (none).`, isMet: memtableEntries === 0 },
          { text: `${ratio(space)} bytes of files per live byte (1.2 at most).`, isMet: space <= 1.2 },
        ]
      },
      score: { of: ({ now }) => now.lanes[0].bytesWritten, unit: 'bytes', par: 228_500 },
    },
  ],
}
