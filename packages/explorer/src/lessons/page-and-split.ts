/** What is in a page of a B+tree, and what happens when it is full. */
import { BTREE } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { deletesNothing } from './tasks.js'
import { counted, number } from './words.js'

const FEW = ['fox', 'cat', 'eel', 'ant', 'dog', 'bee']
const ASCENDING = 200
const RANDOM = 400

const pagesOf = (scene: Scene) => pictureOf(scene, 'pages')
const leaves = (scene: Scene) => pagesOf(scene).shape.tree.at(-1)!
const percent = (share: number | undefined) => `${number(Math.round(100 * (share ?? 0)))} %`

export const lesson: Lesson = {
  title: 'The page, and how it splits',
  settings: lanesOf(small(BTREE, { pageSize: 512, writeBufferSize: 1 << 20 })),
  lines: [...FEW.map(key => `put ${key} 80B`), `ascending ${ASCENDING} values 30B`, `random ${RANDOM} keys 100000 values 30B`, 'flush'],
  question: {
    text: 'A leaf is full, and one more entry comes. The tree grows by one page. Where does the tree become higher when it has to?',
    answers: [
      {
        text: 'At the leaf: a new leaf hangs below the full one',
        why: 'Then some keys would be deeper than others, and the worst search would be as long as the tree is lopsided.',
      },
      {
        text: 'At the root: a new root takes the old one as its child',
        why: scene =>
          `Splits go upwards. When the root itself is full, a new root stands above it, and the height went from ${number(pagesOf(scene).root!.heightBefore!)} to ${number(pagesOf(scene).root!.height)}. So all leaves are equally deep, always.`,
      },
      {
        text: 'Nowhere: pages become larger instead',
        why: 'All pages of a kind have one size, so that a free place fits any of them and one read fetches a whole page.',
      },
    ],
    right: 1,
    at: { outcome: FEW.length },
    measured: scene => (pagesOf(scene).root?.heightBefore === 1 && pagesOf(scene).levels[1].pages > 1 ? 1 : 0),
  },
  steps: [
    {
      title: 'One page is the whole tree',
      at: { outcome: FEW.length - 1 },
      lit: [{ drawing: 'Pages' }],
      text: scene => {
        const [{ entries, fill }] = pagesOf(scene).levels[0].drawn
        return `The root is a leaf. It has ${counted(entries!, 'entry', 'entries')}, and ${percent(fill)} of its bytes are used. The next entry does not fit.`
      },
    },
    {
      title: 'A new root',
      at: { next: 'root.change' },
      lit: [{ drawing: 'Pages' }],
      text: ({ moment }) =>
        `${moment!.sentence} The old root is its child, and is about to be cut in two. The new one has no entries of its own, only separators: which keys are on which page.`,
    },
    {
      title: 'A split',
      at: { next: 'page.split' },
      lit: [{ drawing: 'Pages' }],
      text: ({ moment }) =>
        `${moment!.sentence} The upper half of the entries goes to the new page, and the separator between them to the root. It is as short as it can be. Nothing is written to the file: this is in memory, and the log has the put.`,
    },
    {
      title: 'Keys in ascending order',
      at: { outcome: FEW.length + ASCENDING },
      lit: [{ drawing: 'Pages' }],
      text: scene =>
        `${counted(ASCENDING, 'key')} came in ascending order. There are ${counted(leaves(scene).pages, 'leaf', 'leaves')}, and ${percent(leaves(scene).fill)} of their bytes are live keys and values. Where a key comes right behind the last one, the engine splits at that place. The full page stays full.`,
    },
    {
      title: 'Keys in random order',
      at: { outcome: FEW.length + ASCENDING + RANDOM },
      lit: [{ drawing: 'Pages' }],
      text: scene =>
        `${counted(RANDOM, 'random key')} more. Now there are ${counted(leaves(scene).pages, 'leaf', 'leaves')}, and ${percent(leaves(scene).fill)} of their bytes are live. A page that has split is half full, and fills again. A full leaf first shares with a neighbour that has room, which saves some of the splits.`,
    },
    {
      title: 'What the file gets',
      at: { end: true },
      lit: [{ drawing: 'Free space' }, { drawing: 'Ledger' }],
      text: ({ facts }) => {
        const [{ ledger, height }] = facts.lanes
        return `The checkpoint wrote ${counted(ledger.written.page, 'byte')} of pages: each page once, however often it had split in memory. The tree is ${counted(height!, 'level')} high. A search reads one page per level.`
      },
    },
  ],
  free: {
    title: 'Fuller pages',
    text: 'Put at least 200 more keys, and then make the leaves fuller than they ever were: at least 75 % of their bytes are live. Delete nothing.',
    hint: 'Keys may come as they like. "compact" rewrites pages: look at the leaves before and after.',
    conditions: ({ now, before }) => {
      const count = now.lanes[0].treeEntries! - before.lanes[0].treeEntries!
      const fill = now.lanes[0].leafFill!
      return [
        deletesNothing(now),
        { text: `${counted(Math.max(0, count), 'more entry', 'more entries')} (200 at least).`, isMet: count >= 200 },
        { text: `${percent(fill)} of the bytes of the leaves are live (75 % at least).`, isMet: fill >= 0.75 },
      ]
    },
  },
  challenges: [],
}
