/** What if an LSM tree never merged its tables, or always merged all of them? */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

/** Entries of a flush. */
const UNIT = 12
const FLUSHES = 10
/** Where the third flush ends in the list of operations. */
const THIRD = 3 * (UNIT + 2)

const NEVER = small(LEVELED, { level0Tables: 100, level0StopTables: 1000, idleCompaction: false }, 'never')
/** One table of level 0 is too many, and level 1 is never full: every flush is merged with all there is. */
const ALWAYS = small(LEVELED, { level0Tables: 1, level1Size: 1 << 30, maxFileSize: 1 << 20 }, 'always')

const mergedUnits = ({ facts }: Scene, lane: number): number => ((facts.lanes[lane].events['compaction.key'] ?? 0) - FLUSHES * UNIT) / UNIT
const runsOf = (scene: Scene, lane: number): number => scene.facts.lanes[lane].runs!

export const lesson: Lesson = {
  title: 'Never and always compacting',
  settings: lanesOf(NEVER, ALWAYS),
  lines: [
    ...Array.from({ length: FLUSHES }, (_, index) => [
      `random ${UNIT} keys 100000 values 100B seed ${index + 1}`,
      'flush',
      'wait 5',
    ]).flat(),
    'get key050000',
    'range key050000 limit 3',
  ],
  question: {
    text: 'A store is flushed ten times, each time with the same number of new keys: one unit. After every flush all tables are merged into one. How many units do the merges write in all?',
    answers: [
      {
        text: '10: every unit once',
        why: 'A merge writes everything that it merges, not only what is new. The old units are written again and again.',
      },
      {
        text: '54: each merge writes all units that are there',
        why: scene =>
          `The second merge writes two units, the third three, and so on up to ${number(FLUSHES)}. The run has written ${number(mergedUnits(scene, 1))}. Twice as many flushes would write four times as much.`,
      },
      {
        text: '100: ten merges of ten units',
        why: 'The first merges have less to write: after the second flush there are only two units.',
      },
    ],
    right: 1,
    measured: scene => [10, 54, 100].indexOf(Math.round(mergedUnits(scene, 1))),
  },
  steps: [
    {
      title: 'The first flush',
      at: { outcome: UNIT + 1, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Levels', lane: 1 }],
      text: scene =>
        `Both stores have flushed one unit. The store "never" has ${counted(runsOf(scene, 0), 'run')}, and so has the store "always". So far there is no difference.`,
    },
    {
      title: 'All tables, once more',
      at: { next: 'merge.end', says: 'merged', lane: 1 },
      lit: [
        { drawing: 'Merge', lane: 1 },
        { drawing: 'Levels', lane: 1 },
      ],
      text: ({ moment }) =>
        `${moment!.sentence} The store "always" has a rule that is simple: if there is a run beside the large one, merge both.`,
    },
    {
      title: 'After three flushes',
      at: { outcome: THIRD, lane: 1 },
      lit: [{ drawing: 'Levels' }, { drawing: 'Levels', lane: 1 }],
      text: scene =>
        `"never" has ${counted(runsOf(scene, 0), 'run')} by now, "always" has ${number(runsOf(scene, 1))}. The keys of these runs overlap, so a key may be in any of them.`,
    },
    {
      title: 'A get asks every run',
      at: { outcome: FLUSHES * (UNIT + 2) + 1 },
      lit: [{ drawing: 'Levels' }],
      text: scene =>
        `This key is in no run. The get had to ask ${counted(pictureOf(scene, 'levels').probes.length, 'place')}, the memtable among them. Filters answer for most, but each one has to be asked.`,
    },
    {
      title: 'What it cost',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Ledger', lane: 1 }],
      text: ({ facts: { lanes } }) =>
        `"never" has written ${ratio(lanes[0].writeAmplification!)} bytes per byte of the user, and "always" ${ratio(lanes[1].writeAmplification!)}. But "never" has ${counted(lanes[0].runs!, 'run')} to read from, and "always" ${number(lanes[1].runs!)}. The work has moved from writes to reads.`,
    },
  ],
  free: {
    title: 'Something between',
    text: 'Change the options of the store "never" and apply them, until it ends with 4 runs at most, and its merges have written less than half of what those of "always" have.',
    hint: 'Try compaction: tiered with few runs per level, or level0Tables of 3 or 4. "always" stays as it is.',
    conditions: ({ now: { lanes } }) => {
      const [own, always] = lanes.map(({ ledger }) => ledger.written.compaction)
      return [
        { text: `${counted(lanes[0].runs!, 'run')} (4 at most, 1 at least).`, isMet: lanes[0].runs! <= 4 && lanes[0].runs! >= 1 },
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
        {
          text: `Merges wrote ${number(own)} bytes, those of "always" ${number(always)} (less than half; "always" writes 40,000 at least).`,
          isMet: always >= 40_000 && 2 * own < always,
        },
      ]
    },
  },
  challenges: [
    {
      title: 'Space under 1.3',
      text: 'Twelve flushes put the same forty keys again and again. Find options with which the files take at most 1.3 bytes per byte that a reader finds, with the fewest bytes written, and none of them compressed.',
      hint: 'Old versions take space until a merge meets the newer ones. It is enough to merge at the right time.',
      settings: lanesOf({ ...NEVER, name: LEVELED.name }),
      lines: Array.from({ length: 12 }, (_, index) => [`random 14 keys 40 values 300B seed ${index + 1}`, 'flush', 'wait 5']).flat(),
      conditions: ({ now: { lanes } }) => [
        {
          text: `Compression: ${String(lanes[0].options.compression ?? 'the default')} (none).`,
          isMet: lanes[0].options.compression === 'none',
        },
        {
          text: `${ratio(lanes[0].spaceAmplification!)} bytes of files per byte held (1.3 at most).`,
          isMet: lanes[0].spaceAmplification! <= 1.3,
        },
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
      ],
      score: { of: ({ now }) => now.lanes[0].bytesWritten, unit: 'bytes', par: 125_000 },
    },
  ],
}
