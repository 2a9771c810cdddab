/** What solves the tasks of the lessons, and what looks like a solution but is none: options for the first lane, and lines after the task's own. */
import type { LaneSettings } from '../../../packages/explorer/src/run/settings.js'

export interface Attempt {
  readonly options?: LaneSettings['options']
  readonly lines?: readonly string[]
}

export interface TaskSolution {
  readonly solution: Attempt
  readonly cheats: readonly Attempt[]
}

export interface LessonSolutions {
  readonly free: TaskSolution
  /** In the order of the lesson. */
  readonly challenges: readonly TaskSolution[]
}

/** By the names of the lessons. */
export const SOLUTIONS: Readonly<Record<string, LessonSolutions>> = {
  'bytes-of-a-put': {
    free: {
      solution: { lines: [`batch ${'abcdef'.replaceAll(/\w/g, 'put $& 12345; ').slice(0, -2)}`] },
      cheats: [
        { lines: ['ascending 6 values 1B'] },
        { lines: ['put a 1000B', 'put b 1000B', 'put c 1000B', 'put d 1000B', 'put e 1000B', 'put f 1000B'] },
        { lines: ['batch put a 12345; put b 12345'] },
        { lines: ['batch del a; del b; del c; del d; del e; del f'] },
      ],
    },
    challenges: [],
  },
  'skiplist-towers': {
    free: {
      solution: {
        lines: ['random 250 keys 100000 values 1B', 'get ant', 'get ape', 'get bat', 'get bee', 'get cat'],
      },
      cheats: [
        { lines: ['get ant', 'get ape', 'get bat', 'get bee', 'get cat'] },
        { lines: ['random 250 keys 100000 values 1B', 'get ant', 'get ant', 'get ant', 'get ant', 'get ant'] },
        { lines: ['random 250 keys 100000 values 1B', 'get no1', 'get no2', 'get no3', 'get no4', 'get no5'] },
      ],
    },
    challenges: [],
  },
  'crash-anywhere': {
    free: {
      solution: {
        lines: ['put a 1', 'put b 2', 'put c 3 sync', 'crash lsm event 137 none', 'get a', 'get b', 'get c'],
      },
      cheats: [
        { lines: ['put a 1', 'put b 2', 'put c 3', 'crash lsm event 137 all', 'get a', 'get b', 'get c'] },
        { lines: ['put a 1', 'put b 2', 'put c 3', 'crash lsm event 137 none', 'get a', 'get b', 'get c'] },
        { lines: ['put a 1 sync', 'put b 2 sync', 'put c 3 sync', 'get a', 'get b', 'get c'] },
        { lines: ['put a 1', 'put b 2', 'put c 3 sync', 'crash lsm event 137 none', 'get apple', 'get pear', 'get plum'] },
      ],
    },
    challenges: [],
  },
  flush: {
    free: {
      solution: { lines: ['random 200 keys 5 values 30B', 'flush'] },
      cheats: [
        { lines: ['random 200 keys 5 values 30B'] },
        { lines: ['ascending 100 values 30B', 'flush'] },
        { lines: ['flush', 'flush'] },
      ],
    },
    challenges: [
      {
        solution: { options: { writeBufferSize: 1 << 20 } },
        cheats: [{ options: { writeBufferSize: 1 << 20 }, lines: ['put a 1'] }, { options: { blockSize: 4096 } }],
      },
    ],
  },
  'anatomy-of-a-get': {
    free: {
      solution: {
        lines: [10, 11, 20, 21, 30, 31, 40, 41].map(key => `get key0000${key}`).concat([22, 32, 42, 52].map(key => `get key0000${key}x`)),
      },
      cheats: [
        { lines: [22, 32, 42, 52].map(key => `get key0000${key}x`) },
        { lines: Array.from({ length: 12 }, () => 'get key000003') },
        { lines: [10, 11, 20, 21, 30, 31, 40, 41].map(key => `get key0000${key}`).concat(['get a', 'get b', 'get x', 'get y']) },
      ],
    },
    challenges: [
      {
        solution: { options: { filterBitsPerKey: 10 } },
        cheats: [{ options: { filterBitsPerKey: 2 } }, { options: { cacheSize: 1 << 20 } }],
      },
    ],
  },
  'bloom-bits': {
    free: {
      solution: { options: { filterBitsPerKey: 10 } },
      cheats: [{ options: { filterBitsPerKey: 0 } }, { options: { filterBitsPerKey: 20 } }],
    },
    challenges: [
      {
        solution: { options: { level0Tables: 1, filterBitsPerKey: 4 } },
        cheats: [{ options: { filterBitsPerKey: 0 } }, { options: { filterBitsPerKey: 4 } }],
      },
    ],
  },
  'never-and-always-compacting': {
    free: {
      solution: { options: { level0Tables: 4 } },
      cheats: [{ options: { level0Tables: 1 } }, { options: { writeBufferSize: 1 << 20 } }],
    },
    challenges: [
      {
        solution: { options: { level0Tables: 12, level1Size: 1 << 20 } },
        cheats: [{ options: { level0Tables: 12, compression: 'lz4' } }, { options: { compaction: 'tiered' } }],
      },
    ],
  },
  'leveled-ledger': {
    free: {
      solution: { options: { level0Tables: 6 } },
      cheats: [{ options: { writeBufferSize: 1 << 20 } }, { options: { level0Tables: 100, level0StopTables: 200 } }],
    },
    challenges: [
      {
        solution: { options: { writeBufferSize: 32_768, level0Tables: 3, level1Size: 1 << 20 } },
        cheats: [{ options: { writeBufferSize: 1 << 20 } }, { options: { level0Tables: 6 } }],
      },
    ],
  },
  'tiered-against-leveled': {
    free: {
      solution: { lines: ['compact'] },
      cheats: [{ lines: ['batch del key000001', 'compact'] }, { lines: ['flush'] }],
    },
    challenges: [
      {
        solution: { options: { writeBufferSize: 1 << 20 } },
        cheats: [
          { options: { compression: 'lz4' } },
          { options: { writeBufferSize: 1 << 20 }, lines: ['clear'] },
          { options: { compaction: 'tiered' } },
        ],
      },
    ],
  },
  tombstones: {
    free: {
      solution: { lines: ['ascending 200', 'clear', 'flush', 'compact'] },
      cheats: [{ lines: ['ascending 200', 'clear'] }, { lines: ['ascending 200', 'flush', 'compact'] }, { lines: ['compact'] }],
    },
    challenges: [],
  },
  'page-and-split': {
    free: {
      solution: { lines: ['random 300 keys 100000 values 30B seed 9', 'compact'] },
      cheats: [
        { lines: ['random 300 keys 100000 values 30B seed 9'] },
        { lines: ['compact'] },
        { lines: ['clear', 'ascending 1500 values 30B', 'compact'] },
      ],
    },
    challenges: [],
  },
  'small-update': {
    free: {
      solution: { lines: ['ascending 300', 'flush'] },
      cheats: [
        { lines: ['random 300 keys 1000 seed 8', 'flush'] },
        { lines: ['ascending 300'] },
        { lines: ['put key000001 40000B', 'flush'] },
        { lines: ['put new 1B', 'flush'] },
      ],
    },
    challenges: [
      {
        solution: { options: { writeBufferSize: 1 << 20 } },
        cheats: [{ options: { pageSize: 4096 } }, { options: { writeBufferSize: 1 << 20 }, lines: ['wait 1'] }],
      },
    ],
  },
  cache: {
    free: {
      solution: { lines: Array.from({ length: 100 }, () => 'get key000300') },
      cheats: [
        { lines: Array.from({ length: 100 }, () => 'get nothing') },
        { options: { cacheSize: 1 << 20 }, lines: Array.from({ length: 100 }, () => 'get key000300') },
        { lines: Array.from({ length: 100 }, (_, index) => `get key${String((337 * index) % 700).padStart(6, '0')}`) },
      ],
    },
    challenges: [
      {
        solution: { options: { blockSize: 128 } },
        cheats: [{ options: { cacheSize: 65536 } }, { options: { blockSize: 4096 } }],
      },
    ],
  },
  lockstep: {
    free: {
      solution: { options: { writeBufferSize: 1 << 20 } },
      cheats: [{ lines: ['clear', 'flush'] }, { lines: ['put more 100000B'] }],
    },
    challenges: [],
  },
  transactions: {
    free: {
      solution: {
        lines: [
          ...['a', 'b', 'c'].flatMap(name => [`begin ${name}`, `in ${name} get ann`, `in ${name} put ${name} 1`]),
          ...['commit a', 'commit b', 'commit c'],
        ],
      },
      cheats: [
        { lines: ['a', 'b', 'c'].flatMap(name => [`begin ${name}`, `in ${name} get ann`, `in ${name} put ${name} 1`, `commit ${name}`]) },
        {
          lines: [
            ...['a', 'b', 'c'].flatMap(name => [`begin ${name}`, `in ${name} get ann`, `in ${name} put ann 1`]),
            ...['commit a', 'commit b', 'commit c'],
          ],
        },
        {
          lines: [
            ...['a', 'b', 'c'].flatMap(name => [`begin ${name}`, `in ${name} get ann`, `in ${name} put ${name} 1`]),
            ...['commit a', 'commit b', 'abort c'],
          ],
        },
        { lines: [...['a', 'b', 'c'].flatMap(name => [`begin ${name}`, `in ${name} get ann`]), 'commit a', 'commit b', 'commit c'] },
      ],
    },
    challenges: [],
  },
  expiry: {
    free: {
      solution: { lines: ['ascending 100 ttl 50', 'wait 100', 'flush'] },
      cheats: [
        { lines: ['ascending 100 ttl 50', 'flush', 'wait 100'] },
        { lines: ['ascending 100 ttl 50', 'wait 100'] },
        { lines: ['ascending 100 ttl 50', 'flush', 'wait 100', 'compact'] },
        { lines: ['ascending 100', 'clear', 'flush'] },
        { lines: ['random 100 keys 1 ttl 50', 'wait 100', 'flush'] },
      ],
    },
    challenges: [],
  },
}
