/** How a few bits per key save reads, and when they are wrong. */
import { LEVELED } from '../run/engine-lanes.js'
import type { Lesson, Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const KEYS = 60
const ABSENT = 40
/** Number of the first get in the list of operations. */
const FIRST_GET = KEYS + 2

const GETS = ['get key000030', ...Array.from({ length: ABSENT }, (_, index) => `get key0000${10 + index}x`)]
const LINES = [`ascending ${KEYS} values 20B`, 'flush', ...GETS]

const lane = ({ facts }: Scene) => facts.lanes[0]
const wrong = (scene: Scene): number => lane(scene).probes['false-positive'] ?? 0

export const lesson: Lesson = {
  title: 'Bloom bits',
  settings: lanesOf(small(LEVELED, { filterBitsPerKey: 4, blockSize: 512 })),
  lines: LINES,
  question: {
    text: 'The filter of a table says of a key that was never put: "maybe". What does the get return?',
    answers: [
      {
        text: 'Nothing, after it has read a block in vain',
        why: scene =>
          `All ${number(lane(scene).missing)} gets of absent keys returned nothing. ${counted(wrong(scene), 'time')} the filter said "maybe", and a block was read in vain.`,
      },
      {
        text: 'The value of another key',
        why: 'The filter only says where to look. The block has the keys themselves, and the get compares them.',
      },
      {
        text: 'An error, since the filter is damaged',
        why: 'The filter is not damaged. Other keys have set the same bits, which happens now and then.',
      },
    ],
    right: 0,
    measured: scene => (lane(scene).missing === ABSENT && lane(scene).failed === 0 && wrong(scene) > 0 ? 0 : 1),
  },
  steps: [
    {
      title: 'The filter is made',
      at: { next: 'table.filter' },
      lit: [{ drawing: 'Merge' }, { drawing: 'Files' }],
      text: ({ moment }) => `${moment!.sentence} Each key is hashed once. The hash chooses positions, and the bits there are set.`,
    },
    {
      title: 'A key that is there',
      at: { outcome: FIRST_GET },
      lit: [{ drawing: 'Levels' }],
      text: scene =>
        `All bits of this key are set, because the key itself has set them. So the filter says "maybe", and ${counted(lane(scene).ledger.blocks, 'block')} is read. A filter never says no to a key that is there. Select the table to see its bits and those that the get has asked.`,
    },
    {
      title: 'A certain no',
      at: { next: 'get.probe', says: 'ruled out' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) => `${moment!.sentence} One bit that is not set is proof. No block was read for it.`,
    },
    {
      title: 'A wrong maybe',
      at: { next: 'get.probe', says: 'false positive' },
      lit: [{ drawing: 'Levels' }, { drawing: 'Cache' }],
      text: ({ moment }) =>
        `${moment!.sentence} Other keys have set all of its bits. The get had to look into a block, and found that the key is not there.`,
    },
    {
      title: 'How often',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Levels' }],
      text: scene =>
        `${counted(lane(scene).missing, 'absent key')} were asked for. The filter was wrong ${counted(wrong(scene), 'time')}: ${ratio((100 * wrong(scene)) / lane(scene).missing)} percent. It has ${String(lane(scene).options.filterBitsPerKey)} bits per key. Each further bit makes that share smaller by about two fifths.`,
    },
  ],
  free: {
    title: 'A filter that is never wrong here',
    text: 'Change filterBitsPerKey of the engine until no get of this lesson reads a block in vain. Use 12 bits per key at most.',
    hint: 'The panel "Engines" has the option. "Apply" does the same operations again.',
    conditions: ({ now: { lanes } }) => {
      const bits = Number(lanes[0].options.filterBitsPerKey ?? 10)
      const inVain = lanes[0].ledger.blocks - lanes[0].found
      return [
        { text: `${number(bits)} bits per key (12 at most).`, isMet: bits <= 12 },
        { text: `${counted(inVain, 'block')} read in vain (none).`, isMet: inVain === 0 },
        {
          text: `Filters ruled out a table ${counted(lanes[0].probes['bloom-skip'] ?? 0, 'time')} (${number(ABSENT)} at least).`,
          isMet: (lanes[0].probes['bloom-skip'] ?? 0) >= ABSENT,
        },
      ]
    },
  },
  challenges: [
    {
      title: 'The smallest filter that is good enough',
      text: 'Four tables overlap, and 40 gets look for keys that are not there. At most 8 blocks may be read. Find the options with the fewest bytes of files.',
      hint: 'Fewer bits are smaller files, until too many gets are fooled. One table instead of four needs fewer bytes, too, and fewer filters.',
      settings: lanesOf(small(LEVELED, { filterBitsPerKey: 16, blockSize: 512, level0Tables: 8 })),
      lines: [
        ...[1, 2, 3, 4].flatMap(seed => [`random 30 keys 100 values 20B seed ${seed}`, 'flush']),
        ...Array.from({ length: ABSENT }, (_, index) => `get key0000${20 + index}x`),
      ],
      conditions: ({ now: { lanes } }) => [
        { text: `${counted(lanes[0].ledger.blocks, 'block')} read (8 at most).`, isMet: lanes[0].ledger.blocks <= 8 },
        { text: `${counted(lanes[0].ledger.fileBytes, 'byte')} of files (5,700 at most).`, isMet: lanes[0].ledger.fileBytes <= 5_700 },
      ],
      score: { of: ({ now }) => now.lanes[0].ledger.fileBytes, unit: 'bytes', par: 3_500 },
    },
  ],
}
