import { lsmEngine } from 'kvarium'
import { LeveledPicker, type Compaction, type LeveledOptions, type Version } from 'kvarium/lsm'
import { exportedFunction, type Exercise } from '../exercise.js'
import type { Operation } from '../operation.js'
import { units, type PickCompaction } from './units.js'

const LEVELED: LeveledOptions = { level0Tables: 2, level1Bytes: 16 << 10, fanOut: 2 }

/** The part picks the compactions after flushes; those of a call of `compactRange` are not part of the exercise. */
class PluggedPicker extends LeveledPicker {
  readonly #pick: PickCompaction

  constructor(pick: PickCompaction) {
    super(LEVELED)
    this.#pick = pick
  }

  override pick(version: Version): Compaction | undefined {
    const choice = this.#pick(version.levels, LEVELED)
    if (choice === undefined) return undefined
    if (choice.inputs.flat().length === 0) throw new Error('pickCompaction chose a compaction of no tables, which would never end')
    const reason = choice.outputLevel === 1 ? 'level 0 is full' : 'level is too large'
    const inputs = choice.inputs.map(run => run.map(file => file.meta))
    return { reason, ...choice, inputs, outputRun: 0, drop: false }
  }
}

export const exercise: Exercise<PickCompaction> = {
  name: 'compaction-picker',
  title: 'Compaction picker: what to merge and when, so that reads stay short and writes cheap',
  part: module => exportedFunction(module, 'pickCompaction') as unknown as PickCompaction,
  units,
  plug: pick => lsmEngine({ parts: { picker: new PluggedPicker(pick) } }),
  options: {
    compression: 'none',
    writeBufferSize: 16 << 10,
    blockSize: 512,
    maxFileSize: 4 << 10,
    level0Tables: LEVELED.level0Tables,
    level1Size: LEVELED.level1Bytes,
    fanOut: LEVELED.fanOut,
  },
  workload(random) {
    const operations: Operation[] = []
    const key = (number: number): string => `key ${1000 + number}`
    const value = (): string => '.'.padEnd(1 + random.uniform(400), '.')
    for (let step = 0; step < 500; step++) {
      const kind = random.uniform(30)
      if (kind < 26) operations.push({ do: 'put', key: key(random.uniform(400)), value: value() })
      else if (kind < 28) operations.push({ do: 'del', key: key(random.uniform(400)) })
      else if (kind < 29) operations.push({ do: 'flush' })
      else operations.push({ do: 'get', key: key(random.uniform(400)) })
    }
    // Tables of few neighbouring keys, which leave gaps between them.
    for (let table = 0; table < 24; table++) {
      const first = random.uniform(390)
      for (let step = 0; step < 8; step++) operations.push({ do: 'put', key: key(first + random.uniform(10)), value: value() })
      operations.push({ do: 'flush' })
    }
    return operations
  },
  compared: event => (/^(compaction\.pick|merge|manifest)/.test(event.type) ? event : undefined),
}
