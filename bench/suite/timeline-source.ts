/** The source of a store's timeline: its own stats, or measurements from outside for stores without stats. */
import type { EngineShape, EngineStats } from '../../src/engine/contract.js'
import type { JobWatch } from '../../packages/lab/src/compare/job-watch.js'
import type { TimelineSource } from '../../packages/lab/src/compare/timeline-recorder.js'
import type { Sample, Timeline } from '../../packages/lab/src/report/run-report.js'
import { Ledger } from '../../src/trace/ledger.js'
import type { Store } from '../peers/stores.js'
import type { Outside } from './outside.js'

const LIST_EVERY_MS = 100

export interface TimelineSources {
  readonly source: TimelineSource
  /** Corrects the values that the recorder took for the store's own. */
  readonly finish: (timeline: Timeline) => Timeline
}

export function timelineSource(
  store: Store,
  outside: Outside | undefined,
  userBytes: () => number,
  jobs: JobWatch | undefined,
): TimelineSources {
  const { stats, shape } = store
  if (stats !== undefined && shape !== undefined) {
    const source = {
      isOpen: () => true,
      stats: () => stats.call(store),
      shape: () => shape.call(store),
      traffic: () => stats.call(store).ledger,
      ...(jobs !== undefined && { jobs }),
    }
    return { source, finish: timeline => timeline }
  }
  const seen = new SeenFromOutside(outside, userBytes)
  const source = { isOpen: () => true, stats: () => seen.stats(), shape: () => seen.shape(), traffic: () => seen.stats().ledger }
  return { source, finish: timeline => ({ ...timeline, samples: timeline.samples.map(fromOutside) }) }
}

/** Outside measurements in the form of stats, with all bytes counted as log bytes, because no better split is known. */
class SeenFromOutside {
  readonly #outside: Outside | undefined
  readonly #userBytes: () => number
  #listedMs = -Infinity
  #fileBytes = 0

  constructor(outside: Outside | undefined, userBytes: () => number) {
    this.#outside = outside
    this.#userBytes = userBytes
  }

  stats(): EngineStats {
    const now = performance.now()
    if (this.#outside !== undefined && now - this.#listedMs > LIST_EVERY_MS) {
      this.#listedMs = now
      this.#fileBytes = this.#outside.fileBytes()
    }
    const ledger = new Ledger()
    ledger.userBytes = this.#userBytes()
    ledger.written.log = this.#outside?.written() ?? 0
    ledger.fileBytes = this.#fileBytes
    return {
      engine: '',
      ledger: ledger.counts(0),
      memoryBytes: 0,
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    return { engine: '' }
  }
}

function fromOutside({ written, cacheHits: _hits, cacheMisses: _misses, ...sample }: Sample): Sample {
  return written === undefined || Number.isNaN(written.log) ? sample : { ...sample, outsideWrittenBytes: written.log }
}
