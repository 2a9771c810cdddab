/** How a list stays sorted, and finds a key without walking through it. */
import { LEVELED } from '../run/engine-lanes.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { counted, number, ratio } from './words.js'

const ANIMALS = ['cat', 'yak', 'bee', 'owl', 'ant', 'hen', 'elk', 'rat', 'ape', 'pig', 'dog', 'emu', 'bat', 'cow', 'eel']
const SOUGHT = 'pig'
const MANY = 60

const memtableOf = (scene: Scene) => pictureOf(scene, 'memtable').memtables[0]
const placeOf = (scene: Scene): number => {
  const keys = memtableOf(scene).columns.map(column => ('key' in column ? column.key : ''))
  return keys.indexOf(SOUGHT) + 1
}

export const lesson: Lesson = {
  title: 'The skiplist and its towers',
  settings: lanesOf(small(LEVELED, { writeBufferSize: 1 << 20 })),
  lines: [
    'put fox 1',
    `batch ${ANIMALS.map(key => `put ${key} 1`).join('; ')}`,
    `get ${SOUGHT}`,
    `ascending ${MANY} values 1B`,
    'get key000051',
    'get key000042',
  ],
  question: {
    text: 'Sixteen keys stand in a sorted list. A walk through it meets pig as number fourteen. Some of the keys have a second and a third pointer, which skips others; chance has decided which. How many keys does a search for pig compare?',
    answers: [
      {
        text: '14: it has to pass all keys before',
        why: 'The higher pointers pass several keys at once, so most keys are never compared.',
      },
      {
        text: '8',
        why: scene =>
          `The search compared ${counted(memtableOf(scene).search!.comparisons, 'key')}. A walk would have compared ${number(placeOf(scene))}.`,
      },
      {
        text: '1: it goes to the key at once',
        why: 'That takes a hash table, which has no order. A reader of a range could not go on from there.',
      },
    ],
    right: 1,
    at: { outcome: 3 },
    measured: scene => [placeOf(scene), 8, 1].indexOf(memtableOf(scene).search!.comparisons),
  },
  steps: [
    {
      title: 'The first tower',
      at: { next: 'memtable.insert' },
      lit: [{ drawing: 'Memtable' }],
      text: scene =>
        `The first key makes a tower of height ${number(memtableOf(scene).height)}. Its height was drawn by chance: each further level has a chance of one in four. The key does not matter.`,
    },
    {
      title: 'Sorted without moving',
      at: { outcome: 2 },
      lit: [{ drawing: 'Memtable' }],
      text: scene =>
        `Now there are ${counted(memtableOf(scene).entries, 'key')}, which came in no order. On the lowest level they are one sorted list. The level above links only the higher towers. No key was moved when another one came.`,
    },
    {
      title: 'A search from the top',
      at: { next: 'memtable.search' },
      lit: [{ drawing: 'Memtable' }],
      text: scene => {
        const { comparisons } = memtableOf(scene).search!
        return `The search for ${SOUGHT} begins at the top. It moves on while the next key is smaller, and goes down where it is not. It compares ${counted(comparisons, 'key')}. A walk along the lowest level would compare ${number(placeOf(scene))}.`
      },
    },
    {
      title: 'Many keys in order',
      at: { outcome: 3 + MANY },
      lit: [{ drawing: 'Memtable' }],
      text: scene =>
        `${counted(MANY, 'ascending key')} came. There are ${number(memtableOf(scene).entries)} now, and the highest tower has ${counted(memtableOf(scene).height, 'level')}. A search tree would have had to be balanced again and again. Here the heights know nothing of the keys.`,
    },
    {
      title: 'A search among many',
      at: { next: 'memtable.search' },
      lit: [{ drawing: 'Memtable' }],
      text: scene => {
        const { entries, search } = memtableOf(scene)
        return `Among ${number(entries)} keys the search compares ${number(search!.comparisons)}. The list is ${ratio(entries / (ANIMALS.length + 1))} times as long as before, and the search is far from being so much longer.`
      },
    },
    {
      title: 'Another one',
      at: { next: 'memtable.search' },
      lit: [{ drawing: 'Memtable' }, { drawing: 'Files' }],
      text: scene =>
        `This search compares ${counted(memtableOf(scene).search!.comparisons, 'key')}. Some searches are luckier than others; the mean grows with the logarithm of the number of keys. None of them has read a file.`,
    },
  ],
  free: {
    title: 'See the logarithm',
    text: 'Make the list at least four times as long. Then get at least five keys that are there and that no get has found before. Their searches may compare 30 keys each at most, on average.',
    hint: 'Add "random 300 keys 100000 values 1B". Then get five keys from the list of operations.',
    conditions: ({ now: { lanes: now }, before: { lanes: before } }) => {
      const length = now[0].memtableEntries! / before[0].memtableEntries!
      const found = now[0].keysFound - before[0].keysFound
      const searches = now[0].searches - before[0].searches
      const mean = searches === 0 ? 0 : (now[0].comparisons - before[0].comparisons) / searches
      return [
        { text: `The list is ${ratio(length)} times as long (4 at least).`, isMet: length >= 4 },
        { text: `Gets have found ${counted(found, 'more key')} (5 at least).`, isMet: found >= 5 },
        { text: `They compared ${ratio(mean)} keys each (30 at most).`, isMet: searches > 0 && mean <= 30 },
      ]
    },
  },
  challenges: [],
}
