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
        lines: ['random 500 keys 100000 values 1B', 'get ant', 'get ape', 'get bat', 'get bee', 'get cat'],
      },
      cheats: [
        { lines: ['get ant', 'get ape', 'get bat', 'get bee', 'get cat'] },
        { lines: ['random 500 keys 100000 values 1B', 'get ant', 'get ant', 'get ant', 'get ant', 'get ant'] },
        { lines: ['random 500 keys 100000 values 1B', 'get no1', 'get no2', 'get no3', 'get no4', 'get no5'] },
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
}
