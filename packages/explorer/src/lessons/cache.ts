/** How many gets a cache can answer that holds only part of the store. */
import { LEVELED } from '../run/engine-lanes.js'
import type { Facts } from '../session/facts.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf, small } from './settings.js'
import { deletesNothing } from './tasks.js'
import { counted, number } from './words.js'

const KEYS = 700
const UNIFORM = 200
const HOT = 80
/** Keys side by side that are read again and again: they fill a few blocks. */
const HOT_KEYS = 18
const CACHE_BYTES = 16384
const SCATTERED_KEYS = 40

const getOf = (key: number): string => `get key${String(key).padStart(6, '0')}`
const gets = (count: number, keyOf: (index: number) => number): string[] => Array.from({ length: count }, (_, index) => getOf(keyOf(index)))

/** Numbers below a bound, as if drawn by chance. */
function drawn(count: number, below: number): readonly number[] {
  let state = 1
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 16) % below
  })
}

const hotGets = gets(HOT, index => (7 * index) % HOT_KEYS)
const LOAD = [`ascending ${KEYS}`, 'flush', 'reopen']
/** Operations up to the end of each part. */
const OPENED = KEYS + 2
const AFTER_UNIFORM = OPENED + 2 + UNIFORM
const AFTER_HOT = AFTER_UNIFORM + HOT
const AFTER_SCAN = AFTER_HOT + 1

const cacheOf = (scene: Scene) => pictureOf(scene, 'cache')
const tableBytes = (scene: Scene) => pictureOf(scene, 'levels').levels.reduce((sum, { bytes }) => sum + bytes, 0)
const percent = (share: number) => `${number(Math.round(100 * share))} %`
/** Blocks in the cache that were found there since they came. */
const hot = (scene: Scene) => cacheOf(scene).newest.filter(({ hits }) => hits > 1)

function hitRate(now: Facts, before?: Facts): number {
  const hits = now.lanes[0].cacheHits - (before?.lanes[0].cacheHits ?? 0)
  const misses = now.lanes[0].cacheMisses - (before?.lanes[0].cacheMisses ?? 0)
  return hits + misses === 0 ? 0 : hits / (hits + misses)
}

export const lesson: Lesson = {
  title: 'The cache',
  settings: lanesOf(small(LEVELED, { cacheSize: CACHE_BYTES, writeBufferSize: 1 << 20 })),
  lines: [...LOAD, ...gets(2, index => index), ...gets(UNIFORM, index => (337 * index) % KEYS), ...hotGets, 'range', ...hotGets],
  question: {
    text: 'A table has five times as many bytes as the cache. Two hundred gets read keys from everywhere, hardly one of them twice. How many of the gets does the cache answer?',
    answers: [
      {
        text: 'About a fifth, the share of the table that fits',
        why: 'That holds for keys that are drawn again and again. These gets hardly come back to a block before it is evicted.',
      },
      {
        text: 'Nearly none',
        why: scene =>
          `Of ${counted(cacheOf(scene).hits + cacheOf(scene).misses, 'block')} that were asked for, ${number(cacheOf(scene).hits)} were there. A cache answers what comes again. Gets that come from everywhere in turn find their block evicted.`,
      },
      {
        text: 'Nearly all: each block has many entries, and one read brings them all',
        why: 'The entries of a block are neighbours in the order of the keys. The gets are not: each of them is in another block.',
      },
    ],
    right: 1,
    at: { outcome: AFTER_UNIFORM },
    measured: scene => {
      const rate = hitRate(scene.facts)
      return rate < 0.05 ? 1 : rate < 0.4 ? 0 : 2
    },
  },
  steps: [
    {
      title: 'The first get finds nothing in memory',
      at: { next: 'cache.miss' },
      lit: [{ drawing: 'Cache' }, { drawing: 'Levels' }],
      text: scene =>
        `${scene.moment!.sentence} The store has just been opened, and the cache is empty. The table has ${counted(tableBytes(scene), 'byte')}, and the cache may have ${number(cacheOf(scene).capacityBytes!)}.`,
    },
    {
      title: 'Its neighbour is there already',
      at: { next: 'cache.hit' },
      lit: [{ drawing: 'Cache' }],
      text: ({ moment }) => `${moment!.sentence} The unit of the cache is a block, not an entry: one read brings all neighbours of a key.`,
    },
    {
      title: 'The cache is full',
      at: { next: 'cache.evict' },
      lit: [{ drawing: 'Cache' }],
      text: scene =>
        `${scene.moment!.sentence} There are ${counted(cacheOf(scene).entries, 'block')} now, and for each new one another one has to go.`,
    },
    {
      title: 'Keys from everywhere',
      at: { outcome: AFTER_UNIFORM },
      lit: [{ drawing: 'Cache' }, { drawing: 'Ledger' }],
      text: scene =>
        `Up to here the cache has answered ${percent(hitRate(scene.facts))} of what was asked for, and has evicted ${counted(cacheOf(scene).evictions, 'block')}. It was work for nothing.`,
    },
    {
      title: 'A few hot keys, side by side',
      at: { outcome: AFTER_HOT },
      lit: [{ drawing: 'Cache' }],
      text: scene =>
        `${counted(HOT, 'get')} went to ${counted(HOT_KEYS, 'key')} that are neighbours. They lie in ${counted(hot(scene).length, 'block')}. The first of these was found ${counted(Math.max(...hot(scene).map(({ hits }) => hits)), 'time')}. Now the cache has answered ${percent(hitRate(scene.facts))} of everything.`,
    },
    {
      title: 'A scan passes by',
      at: { outcome: AFTER_SCAN },
      lit: [{ drawing: 'Cache' }],
      text: scene =>
        `A range has read the whole table, each block once. Yet ${counted(hot(scene).length, 'hot block')} ${hot(scene).length === 1 ? 'is' : 'are'} still there. A new block comes into a small queue of its own. It gets into the large one only if it is read again while it is there. So a scan evicts its own blocks.`,
    },
    {
      title: 'As if nothing had happened',
      at: { end: true },
      lit: [{ drawing: 'Cache' }, { drawing: 'Ledger' }],
      text: () =>
        `The hot keys again: all ${counted(HOT, 'get')} were answered from memory. A cache that keeps what was used last would have lost them to the scan.`,
    },
  ],
  free: {
    title: 'A good share with a small cache',
    text: `Read at least 100 more keys that are there, so that the cache answers 90 % of what these reads ask for. The cache may not be larger than ${number(CACHE_BYTES)} bytes.`,
    hint: 'Paste a list of gets of a few keys, such as "get key000300" again and again.',
    conditions: ({ now, before }) => {
      const found = now.lanes[0].found - before.lanes[0].found
      const rate = hitRate(now, before)
      const cacheSize = Number(now.lanes[0].options.cacheSize)
      return [
        deletesNothing(now),
        { text: `A cache of ${counted(cacheSize, 'byte')} (${number(CACHE_BYTES)} at most).`, isMet: cacheSize <= CACHE_BYTES },
        { text: `${counted(found, 'more get')} found their key (100 at least).`, isMet: found >= 100 },
        { text: `${percent(rate)} answered by the cache (90 % at least).`, isMet: rate >= 0.9 },
      ]
    },
  },
  challenges: [
    {
      title: 'Scattered hot keys',
      text: `Two hundred gets go to ${number(SCATTERED_KEYS)} keys that lie far from each other. The cache has 8,192 bytes at most. Find the options with which the fewest blocks are read from disk.`,
      hint: 'Each hot key brings its cold neighbours along. How many of them?',
      settings: lanesOf(small(LEVELED, { cacheSize: 8192, writeBufferSize: 1 << 20 })),
      lines: [...LOAD, ...drawn(200, SCATTERED_KEYS).map(key => getOf(17 * key))],
      conditions: ({ now: { lanes } }) => [
        {
          text: `A cache of ${counted(Number(lanes[0].options.cacheSize), 'byte')} (8,192 at most).`,
          isMet: Number(lanes[0].options.cacheSize) <= 8192,
        },
        {
          text: `${counted(lanes[0].memtableEntries!, 'entry', 'entries')} in the memtable (none).`,
          isMet: lanes[0].memtableEntries === 0,
        },
        {
          text: `${counted(lanes[0].ledger.blocksFromDisk, 'block')} from disk (150 at most).`,
          isMet: lanes[0].ledger.blocksFromDisk <= 150,
        },
      ],
      score: { of: ({ now }) => now.lanes[0].ledger.blocksFromDisk, unit: 'blocks', par: 146 },
    },
  ],
}
