/** Where a get looks, and what it costs. */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const OLD = 100
const NEWER = 15
const TREE = [
  `ascending ${OLD} values 40B`,
  'compact',
  `random ${NEWER} keys ${OLD} values 40B seed 5`,
  'flush',
  `random ${NEWER} keys ${OLD} values 40B seed 6`,
  'flush',
  'put key000003 new',
]
/** Number of the first get in the list of operations. */
const FIRST_GET = OLD + 2 * NEWER + 3 + 1 + 1

const probesOf = (scene: Scene) => pictureOf(scene, 'levels').probes
const blocks = ({ facts }: Scene): number => facts.lanes[0].ledger.blocks

export const lesson: Lesson = {
  title: 'The anatomy of a get',
  settings: lanesOf(small(LEVELED, { blockSize: 512 })),
  lines: [...TREE, 'get key000050', 'get key000050', 'get key000003', 'get key000050x'],
  question: {
    text: 'A key was written long ago. Since then came two flushes of other keys, and one put that is still in memory. A get looks for the old key. How many blocks of tables does it read?',
    answers: [
      {
        text: '3: one of every table, until the key is found',
        why: 'Every table has a filter in memory. A filter can say for certain that a key is not in its table, and then no block is read.',
      },
      {
        text: '1: only the block that holds the key',
        why: scene =>
          `The get asked ${counted(probesOf(scene).length, 'place')}, and touched ${counted(blocks(scene), 'block')}. The others were ruled out from memory.`,
      },
      {
        text: 'None: the index says where the key is',
        why: 'The index leads to a block. The value itself is in the block, and that is in a file.',
      },
    ],
    right: 1,
    at: { outcome: FIRST_GET },
    measured: scene => [3, 1, 0].indexOf(blocks(scene)),
  },
  steps: [
    {
      title: 'Places, from new to old',
      at: { operation: FIRST_GET },
      lit: [{ drawing: 'Levels' }, { drawing: 'Memtable' }],
      text: ({ facts }) =>
        `The tree has a memtable with ${counted(facts.lanes[0].memtableEntries!, 'entry', 'entries')} and ${counted(facts.lanes[0].tables!, 'table')}. A get asks the newest place first: the memtable, then the tables of the upper level, then the run below.`,
    },
    {
      title: 'A table is ruled out',
      at: { next: 'get.probe', says: 'ruled out' },
      lit: [{ drawing: 'Levels' }],
      text: ({ moment }) =>
        `${moment!.sentence} The filter is a few bits per key, and it is in memory. One bit that is not set proves that the key was never added.`,
    },
    {
      title: 'The block that has it',
      at: { next: 'cache.miss' },
      lit: [{ drawing: 'Cache' }, { drawing: 'Levels' }],
      text: ({ moment }) => `${moment!.sentence} The filter of this table said "maybe". The index, in memory as well, led to one block.`,
    },
    {
      title: 'What it took',
      at: { outcome: FIRST_GET },
      lit: [{ drawing: 'Levels' }, { drawing: 'Ledger' }],
      text: scene =>
        `The get asked ${counted(probesOf(scene).length, 'place')} and read ${counted(blocks(scene), 'block')}. The receipt of the operation has each part; the panel "Receipt" shows it.`,
    },
    {
      title: 'The same again',
      at: { outcome: FIRST_GET + 1 },
      lit: [{ drawing: 'Cache' }, { drawing: 'Ledger' }],
      text: scene => {
        const { blocksFromDisk } = scene.facts.lanes[0].ledger
        return `The same key again asks the same places. But the block is in the cache. Of ${counted(blocks(scene), 'block')} so far, ${number(blocksFromDisk)} came from a file.`
      },
    },
    {
      title: 'A newer version',
      at: { outcome: FIRST_GET + 2 },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Levels' }],
      text: scene =>
        `This key was put again, so its newest version is in the memtable. The get ends after ${counted(probesOf(scene).length, 'place')}. The old version is still in a table, and no get sees it.`,
    },
    {
      title: 'A key that is not there',
      at: { outcome: FIRST_GET + 3 },
      lit: [{ drawing: 'Levels' }],
      text: scene =>
        `This key was never put, so it could be anywhere, and the get has to ask all ${counted(probesOf(scene).length, 'place')}. The filters say no. The gets so far have read ${counted(blocks(scene), 'block')}, and none of them was for this key.`,
    },
  ],
  free: {
    title: 'Make the read amplification 1',
    text: 'Get at least 8 more keys that are there, and at least 4 that are not but lie between them. Those that are there may take one block each, and the others none.',
    hint: 'Keys of the memtable take no block, so leave key000003 out. For a key that is not there add a letter to one that is: get key000020x.',
    conditions: ({ now: { lanes: now, script }, before: { lanes: before, script: lines } }) => {
      const absent = new Set(script.slice(lines.length).flatMap(line => /^get (key0000\d\d\D+)$/.exec(line)?.[1] ?? []))
      const found = now[0].found - before[0].found
      const keys = now[0].keysFound - before[0].keysFound
      const read = now[0].ledger.blocks - before[0].ledger.blocks
      return [
        { text: `${counted(keys, 'other key')} found (8 at least).`, isMet: keys >= 8 },
        {
          text: `${counted(absent.size, 'key')} that ${absent.size === 1 ? 'is' : 'are'} not there, between the others (4 at least).`,
          isMet: absent.size >= 4,
        },
        {
          text: `${counted(read, 'block')} for ${counted(found, 'get')} that found their key: ${ratio(found === 0 ? 0 : read / found)} each (1).`,
          isMet: found > 0 && read === found,
        },
      ]
    },
  },
  challenges: [
    {
      title: 'One block without luck',
      text: 'The same tree has no filters now, and gets look for old keys. Find options with which a get takes one block at most, on average, while the files stay under 10,000 bytes.',
      hint: 'Filters are one way, and cost a few bits per key. Fewer runs are another.',
      settings: lanesOf(small(LEVELED, { blockSize: 512, filterBitsPerKey: 0 })),
      lines: [...TREE, ...Array.from({ length: 12 }, (_, index) => `get key0000${10 + 7 * index}`)],
      conditions: ({ now: { lanes } }) => [
        { text: `${ratio(lanes[0].readAmplification!)} blocks per get (1 at most).`, isMet: lanes[0].readAmplification! <= 1 },
        { text: `${counted(lanes[0].ledger.fileBytes, 'byte')} of files (10,000 at most).`, isMet: lanes[0].ledger.fileBytes <= 10_000 },
        { text: `${counted(lanes[0].tables!, 'table')} (1 at least).`, isMet: lanes[0].tables! >= 1 },
      ],
      score: {
        of: ({ now }) => now.lanes[0].ledger.fileBytes,
        unit: 'bytes',
        par: 9_300,
      },
    },
  ],
}
