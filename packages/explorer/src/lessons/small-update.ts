/** What one small update costs in a B+tree, and what makes it cheaper. */
import { BTREE } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const KEYS = 1000
const ONE = 'put key000500 100B'
const MANY = 300

/** Key and value of an update: nine characters and a hundred. */
const UPDATE_BYTES = 109
/** Half of what the random updates need. */
const PAGE_BOUND = 60_000

const pageBytes = (scene: Scene) => scene.facts.lanes[0].ledger.written.page
const LOADED = KEYS + 1

export const lesson: Lesson = {
  title: 'One small update',
  settings: lanesOf(small(BTREE, { writeBufferSize: 1 << 20 })),
  lines: [`ascending ${KEYS}`, 'flush', ONE, 'flush', `random ${MANY} keys ${KEYS} seed 7`, 'flush'],
  question: {
    text: 'A tree of a thousand entries is in its file, in pages of a kibibyte. One value changes: 109 bytes with its key. What does the next checkpoint write of the tree?',
    answers: [
      {
        text: 'The 109 bytes, at their place',
        why: 'A power loss in the middle would leave a page that is half old and half new, and no copy of either.',
      },
      {
        text: 'The leaf: one page',
        why: 'The new leaf is at a new place, because the old one must stay until the new one is safe. So the page above has to name the new place. It changes too.',
      },
      {
        text: 'A page of every level, from the leaf to the root',
        why: scene => {
          const { height } = pictureOf(scene, 'pages').shape
          return `The tree has ${counted(height, 'level')}, and the checkpoint writes ${counted(height, 'page')}. Each is at a new place, so each page above has to name it.`
        },
      },
      {
        text: 'All pages, so that the file stays in order',
        why: 'Pages are found by the numbers in the pages above. Their order in the file does not matter.',
      },
    ],
    right: 2,
    at: { outcome: LOADED + 2 },
    measured: scene => {
      const { tree, height } = pictureOf(scene, 'pages').shape
      // The first checkpoint has written every page once.
      const again = scene.facts.lanes[0].events['page.write'] - tree.reduce((sum, { pages }) => sum + pages, 0)
      return again === height ? 2 : again === 1 ? 1 : 3
    },
  },
  steps: [
    {
      title: 'The tree is in its file',
      at: { operation: LOADED + 1 },
      lit: [{ drawing: 'Pages' }, { drawing: 'Free space' }],
      text: scene => {
        const { tree, height } = pictureOf(scene, 'pages').shape
        return `The tree is ${counted(height, 'level')} high and has ${counted(
          tree.reduce((sum, { pages }) => sum + pages, 0),
          'page',
        )}. None of them is changed in memory.`
      },
    },
    {
      title: 'Copies in memory',
      at: { outcome: LOADED + 1 },
      lit: [{ drawing: 'Pages' }, { drawing: 'Log' }],
      text: scene =>
        `On its way down the put has copied every page, and changed the copies: ${counted(pictureOf(scene, 'pages').shape.memory.dirtyBytes, 'byte')} in memory. It is acknowledged, and only the log was written. The old pages stay for snapshots and for the file.`,
    },
    {
      title: 'The leaf first',
      at: { next: 'page.write' },
      lit: [{ drawing: 'Pages' }, { drawing: 'Free space' }],
      text: ({ moment }) =>
        `${moment!.sentence} A page is written after its children, because it names their places and holds their checksums.`,
    },
    {
      title: 'The moment at which it counts',
      at: { next: 'meta.write' },
      lit: [{ drawing: 'Files' }, { drawing: 'Free space' }],
      text: ({ moment }) =>
        `${moment!.sentence} Before it, the old tree is the tree. After it, the new one is. No page is ever half old and half new.`,
    },
    {
      title: 'What it cost',
      at: { outcome: LOADED + 2 },
      lit: [{ drawing: 'Ledger' }],
      text: scene => {
        const { height, tree } = pictureOf(scene, 'pages').shape
        const bytes = tree.reduce((sum, level) => sum + level.bytes / level.pages, 0)
        return `${counted(height, 'page')} with ${counted(bytes, 'byte')} in all, for an update of ${number(UPDATE_BYTES)}. That is ${ratio(bytes / UPDATE_BYTES)} bytes a byte, and the log comes on top.`
      },
    },
    {
      title: 'Many updates, one checkpoint',
      at: { end: true },
      lit: [{ drawing: 'Ledger' }, { drawing: 'Pages' }],
      text: scene => {
        const { tree } = pictureOf(scene, 'pages').shape
        const all = tree.reduce((sum, { bytes }) => sum + bytes, 0)
        return `${counted(MANY, 'random update')} share this checkpoint. It cannot write more than all pages, ${number(all)} bytes, and so an update costs ${number(Math.round(all / MANY))} bytes at most. Updates that meet on a page share its price. ${number(pageBytes(scene))} bytes of pages were written in all.`
      },
    },
  ],
  free: {
    title: 'Three hundred updates for the price of few',
    text: `Put at least ${number(MANY)} more values of 100 bytes to keys that are there, and write them to the file. The pages that this writes may have ${number(PAGE_BOUND)} bytes at most: half of what the ${number(MANY)} random updates took.`,
    hint: 'Neighbours share a page, and updates of the same key share everything. "ascending 300" puts the first 300 keys again; end with "flush".',
    conditions: ({ now, before }) => {
      const user = now.lanes[0].ledger.userBytes - before.lanes[0].ledger.userBytes
      const pages = now.lanes[0].ledger.written.page - before.lanes[0].ledger.written.page
      const updates = Math.min(Math.floor(user / UPDATE_BYTES), now.operations - before.operations)
      const grown = now.lanes[0].treeEntries! - before.lanes[0].treeEntries!
      return [
        { text: `${counted(updates, 'more update')} of ${number(UPDATE_BYTES)} bytes (${number(MANY)} at least).`, isMet: updates >= MANY },
        { text: `${counted(grown, 'new key')} (none).`, isMet: grown === 0 },
        {
          text: `${counted(now.lanes[0].unwrittenBytes!, 'byte')} of changed pages in memory (none).`,
          isMet: now.lanes[0].unwrittenBytes === 0,
        },
        { text: `${counted(pages, 'byte')} of pages written (${number(PAGE_BOUND)} at most).`, isMet: pages > 0 && pages <= PAGE_BOUND },
      ]
    },
  },
  challenges: [
    {
      title: 'Fewest bytes for random updates',
      text: 'A thousand puts go to a thousand keys at random. Find the options with which this engine writes the fewest bytes in all. At the end everything must be in the file.',
      hint: 'How much of the tree fits into the buffer of changed pages decides how often a page is written.',
      settings: lanesOf(small(BTREE, { writeBufferSize: 32768 })),
      lines: ['random 1000 keys 1000', 'flush', 'wait 1000'],
      conditions: ({ now: { lanes } }) => [
        { text: `${counted(lanes[0].unwrittenBytes!, 'byte')} of changed pages in memory (none).`, isMet: lanes[0].unwrittenBytes === 0 },
        { text: `${counted(lanes[0].bytesWritten, 'byte')} written (300,000 at most).`, isMet: lanes[0].bytesWritten <= 300_000 },
      ],
      score: { of: ({ now }) => now.lanes[0].bytesWritten, unit: 'bytes', par: 232_000 },
    },
  ],
}
