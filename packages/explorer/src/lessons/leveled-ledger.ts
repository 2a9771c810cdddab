/** Where all the bytes go that a leveled tree writes. */
import { LEVELED } from '../run/engine-lanes.js'
import type { LaneFacts } from '../session/facts.js'
import { pictureOf, type Condition, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const PUTS = 240
const LINES = [`random ${PUTS} keys 200 values 400B`, 'flush', 'wait 20']
const SMALL = small(LEVELED, { level0Tables: 2, level1Size: 24576, fanOut: 2, maxFileSize: 8192 })

const ledgerOf = ({ facts }: Scene) => facts.lanes[0].ledger
const perUserByte = (scene: Scene, part: 'log' | 'flush' | 'compaction'): string =>
  ratio(ledgerOf(scene).written[part] / ledgerOf(scene).userBytes)

export const lesson: Lesson = {
  title: 'The ledger by level',
  settings: lanesOf(SMALL),
  lines: LINES,
  question: {
    text: 'A leveled tree of some levels takes puts of random keys. Each byte goes to the log and is flushed to a table, and merges move it down. Which of the three writes most?',
    answers: [
      {
        text: 'The log: it has every put',
        why: scene => `The log has every put once: ${perUserByte(scene, 'log')} bytes per byte of the user.`,
      },
      {
        text: 'The flushes',
        why: scene => `A flush writes a put once at most: ${perUserByte(scene, 'flush')} bytes per byte of the user.`,
      },
      {
        text: 'The merges',
        why: scene =>
          `They wrote ${perUserByte(scene, 'compaction')} bytes per byte of the user, the log ${perUserByte(scene, 'log')} and the flushes ${perUserByte(scene, 'flush')}. A merge writes again what it meets below.`,
      },
    ],
    right: 2,
    measured: scene => {
      const { log, flush, compaction } = ledgerOf(scene).written
      return [log, flush, compaction].indexOf(Math.max(log, flush, compaction))
    },
  },
  steps: [
    {
      title: 'The first flush',
      at: { next: 'table.built' },
      lit: [{ drawing: 'Merge' }, { drawing: 'Ledger' }],
      text: scene =>
        `${counted(ledgerOf(scene).userBytes, 'byte')} of keys and values are written by now. They have cost ${perUserByte(scene, 'log')} bytes of the log for each. The flush writes them once more.`,
    },
    {
      title: 'Level 0 is full',
      at: { next: 'compaction.pick', says: 'level 0 is full' },
      lit: [{ drawing: 'Levels' }],
      text: scene => {
        const { compaction, levels } = pictureOf(scene, 'levels')
        return `${counted(levels[0].tables, 'table')} are in level 0, and that is as many as the options allow. Each may have any key. So all of them are merged into level ${number(compaction!.outputLevel)}. They meet ${counted(compaction!.overlapBytes, 'byte')} of tables there.`
      },
    },
    {
      title: 'A table moves for nothing',
      at: { next: 'compaction.pick', says: 'move unchanged' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) =>
        `${moment!.sentence} Below it there is nothing in its range of keys. So the manifest names it in the next level, and no byte of it is written again.`,
    },
    {
      title: 'A merge meets old bytes',
      at: { next: 'compaction.pick', says: 'level 0 is full' },
      lit: [{ drawing: 'Levels' }, { drawing: 'Merge' }],
      text: scene => {
        const { compaction } = pictureOf(scene, 'levels')
        return `Level 0 is full again. Now ${counted(compaction!.overlapBytes, 'byte')} lie below in the same range of keys. They are read and written again, though nothing about them is new. That is where the write amplification comes from.`
      },
    },
    {
      title: 'A level passes on',
      at: { next: 'compaction.pick', says: 'merged into level 2' },
      lit: [{ drawing: 'Levels' }],
      text: scene => {
        const { compaction } = pictureOf(scene, 'levels')
        return `Level ${number(compaction!.outputLevel - 1)} has more than its target, so it passes on a table. In level ${number(compaction!.outputLevel)} that table meets ${counted(compaction!.overlapBytes, 'byte')}. Each level may be larger than the one above by the fan-out.`
      },
    },
    {
      title: 'The ledger',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Levels' }],
      text: scene => {
        const { writeAmplification, spaceAmplification, runs } = scene.facts.lanes[0]
        return `Per byte of the user: log ${perUserByte(scene, 'log')}, flushes ${perUserByte(scene, 'flush')}, merges ${perUserByte(scene, 'compaction')}, in all ${ratio(writeAmplification!)}. In return there are only ${counted(runs!, 'run')} to read from, and the files take ${ratio(spaceAmplification!)} bytes per byte held.`
      },
    },
  ],
  free: {
    title: 'Write a fifth less',
    text: 'Change options until the same operations write at most 2.8 bytes per byte of the user, with the memtable as small as it is, without compression, and with 4 runs at most.',
    hint: 'What does a merge meet below? More tables in level 0, a larger level 1, or tiered compaction let it meet less.',
    conditions: ({ now: { lanes } }) => [
      {
        text: `${ratio(lanes[0].writeAmplification!)} bytes written per byte of the user (2.8 at most).`,
        isMet: lanes[0].writeAmplification! <= 2.8,
      },
      ...asSmall(lanes[0], 16_384),
      { text: `${counted(lanes[0].runs!, 'run')} (4 at most).`, isMet: lanes[0].runs! >= 1 && lanes[0].runs! <= 4 },
    ],
  },
  challenges: [
    {
      title: 'Fewest bytes, few runs',
      text: 'The same puts, and then everything must be in tables of at most 2 runs. The memtable may have 32,768 bytes at most, and nothing is compressed. Write as few bytes as possible.',
      hint: 'With one merge at the end each byte is merged once. When does a merge happen, and with how much below it?',
      settings: lanesOf(SMALL),
      lines: LINES,
      conditions: ({ now: { lanes } }) => [
        ...asSmall(lanes[0], 32_768),
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
        { text: `${counted(lanes[0].runs!, 'run')} (2 at most).`, isMet: lanes[0].runs! >= 1 && lanes[0].runs! <= 2 },
        { text: `${counted(lanes[0].bytesWritten, 'byte')} written (300,000 at most).`, isMet: lanes[0].bytesWritten <= 300_000 },
      ],
      score: { of: ({ now }) => now.lanes[0].bytesWritten, unit: 'bytes', par: 256_000 },
    },
  ],
}

/** The memtable is no larger than that, and tables are as large as their contents. */
function asSmall({ options }: LaneFacts, most: number): readonly Condition[] {
  const size = Number(options.writeBufferSize ?? Infinity)
  return [
    {
      text: `A memtable of ${Number.isFinite(size) ? number(size) : 'the default number of'} bytes (${number(most)} at most).`,
      isMet: size <= most,
    },
    { text: `Compression: ${String(options.compression ?? 'the default')} (none).`, isMet: options.compression === 'none' },
  ]
}
