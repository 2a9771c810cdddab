/** The levels of an LSM tree: its tables, what the picker aims at, the compaction of the moment, and where the get of the moment looked. */
import { LsmShapeFold, type FoldedLsmShape } from 'kvarium/lsm'
import type { EventOf, ProbeOutcome, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

/** A compaction from its pick on; the latest one stays until the next. */
export interface CompactionPicture {
  readonly job: number
  readonly reason: string
  readonly outcome: 'merge' | 'move' | 'drop'
  /** Numbers of tables, by input. */
  readonly inputs: readonly (readonly number[])[]
  readonly inputBytes: number
  readonly overlapBytes: number
  readonly outputLevel: number
  /** What the picker weighed, level by level: 1 or more is due. */
  readonly scores: readonly number[]
  /** Tables built so far. */
  readonly outputs: readonly number[]
  /** `current`: the manifest has the outcome. */
  readonly state: 'running' | 'current' | 'ended'
}

export interface ProbePicture {
  /** A table or a run has its number in `number`. */
  readonly in: 'memtable' | 'frozen' | 'table' | 'run'
  readonly number: number
  readonly level?: number
  readonly outcome: ProbeOutcome
}

export interface LevelsPicture extends FoldedLsmShape {
  /** What the levels should hold at most, from level 0 on, where the policy says. */
  readonly limits: readonly { readonly bytes?: number; readonly runs?: number }[]
  readonly compaction?: CompactionPicture
  /** Where the latest get looked, in its order, until the next operation begins. */
  readonly probes: readonly ProbePicture[]
}

const MOST_PROBES = 100

export class LevelsFold implements Fold<LevelsPicture> {
  readonly #shape: LsmShapeFold
  #options: EventOf<'engine.open'>['options'] = {}
  #compaction: CompactionPicture | undefined
  #probes: readonly ProbePicture[] = []

  constructor(shape = new LsmShapeFold()) {
    this.#shape = shape
  }

  apply(event: TraceEvent): void {
    this.#shape.apply(event)
    const running = this.#compaction
    const isOfIt = running !== undefined && event.job === running.job && running.state !== 'ended'
    switch (event.type) {
      case 'engine.open':
        this.#options = event.options
        break
      case 'compaction.pick': {
        const { job, reason, outcome, inputs, inputBytes, overlapBytes, outputLevel, scores } = event
        this.#compaction = { job, reason, outcome, inputs, inputBytes, overlapBytes, outputLevel, scores, outputs: [], state: 'running' }
        break
      }
      case 'table.built':
        if (isOfIt) this.#compaction = { ...running, outputs: [...running.outputs, event.number] }
        break
      case 'manifest.edit':
        if (isOfIt) this.#compaction = { ...running, state: 'current' }
        break
      case 'job.end':
        if (isOfIt) this.#compaction = { ...running, state: 'ended' }
        break
      case 'operation.begin':
        this.#probes = []
        break
      case 'get.probe':
        if (this.#probes.length < MOST_PROBES) this.#probes = [...this.#probes, probeOf(event)]
        break
      default:
        break
    }
  }

  clone(): LevelsFold {
    const clone = new LevelsFold(this.#shape.clone())
    clone.#options = this.#options
    clone.#compaction = this.#compaction
    clone.#probes = this.#probes
    return clone
  }

  picture(): LevelsPicture {
    const shape = this.#shape.shape()
    return {
      ...shape,
      limits: shape.levels.map(({ level }) => this.#limit(level, shape.levels.length - 1)),
      ...(this.#compaction !== undefined && { compaction: this.#compaction }),
      probes: this.#probes,
    }
  }

  #limit(level: number, deepest: number): { readonly bytes?: number; readonly runs?: number } {
    const { compaction, level0Tables, level1Size, fanOut, runsPerLevel } = this.#options
    // The last level of a lazily leveled tree is one run of any size until the level above is full.
    if (compaction === 'lazy-leveled') return level > 0 && level === deepest ? {} : { runs: Number(runsPerLevel) }
    if (compaction === 'tiered') return { runs: Number(runsPerLevel) }
    if (compaction !== 'leveled') return {}
    return level === 0 ? { runs: Number(level0Tables) } : { bytes: Number(level1Size) * Number(fanOut) ** (level - 1) }
  }
}

function probeOf({ source, outcome }: EventOf<'get.probe'>): ProbePicture {
  switch (source.in) {
    case 'memtable':
      return { in: 'memtable', number: 0, outcome }
    case 'frozen':
      return { in: 'frozen', number: source.index, outcome }
    case 'table':
      return { in: 'table', number: source.file, level: source.level, outcome }
    case 'run':
      return { in: 'run', number: source.run, level: source.level, outcome }
  }
}
