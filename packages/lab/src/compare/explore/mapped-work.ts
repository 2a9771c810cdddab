/** What the phases of a map do, counted: the mix of reads and writes, and the input of the formulas. */
import type { Work } from '../../predict/prediction.js'
import type { MapReport } from '../../report/run-report.js'
import type { Operation, Phase } from '../operation.js'

export interface MappedWork {
  /** Without phases named `load`, unless there is nothing else. */
  readonly mix: MapReport['mix']
  /** A delete counts as a put of the mean size. */
  readonly work: Work
}

/**
 * Iterates over all operations once, without performing them.
 * @param reads - How reads draw their keys. Default: uniformly.
 */
export function countWork(phases: readonly Phase[], reads: Work['reads'] = { distribution: 'uniform' }): MappedWork {
  const all = new WorkCount()
  const run = new WorkCount()
  for (const phase of phases) {
    for (const operation of phase.operations()) {
      all.add(operation)
      if (phase.name !== 'load') run.add(operation)
    }
  }
  const { reads: readCalls, writes } = run.reads + run.writes === 0 ? all : run
  return { mix: { reads: readCalls, writes }, work: all.work(reads) }
}

class WorkCount {
  reads = 0
  writes = 0
  #calls = 0
  #scans = 0
  #scanEntries = 0
  #keyBytes = 0
  #valueBytes = 0
  #puts = 0
  readonly #keys = new Set<string>()
  #last = ''
  #isAscending = true

  add(operation: Operation): void {
    switch (operation.type) {
      case 'put':
        this.#calls++
        return this.#write(operation.key, operation.value)
      case 'del':
        this.#calls++
        return this.#write(operation.key)
      case 'batch':
        this.#calls++
        for (const part of operation.operations) this.#write(part.key, part.type === 'put' ? part.value : undefined)
        return
      case 'get':
      case 'get-sync':
        this.reads++
        return
      case 'scan':
        this.reads++
        this.#scans++
        this.#scanEntries += operation.limit ?? this.#keys.size
        return
      case 'clear':
        this.writes++
        return
      case 'flush':
      case 'compact':
      case 'settle':
      case 'reopen':
    }
  }

  work(reads: NonNullable<Work['reads']>): Work {
    const keys = Math.max(1, this.#keys.size)
    return {
      puts: this.writes,
      keys,
      keyBytes: this.writes === 0 ? 1 : this.#keyBytes / this.writes,
      valueBytes: this.#puts === 0 ? 0 : this.#valueBytes / this.#puts,
      distribution: this.#isAscending ? 'ascending' : 'uniform',
      batchPuts: this.#calls === 0 ? 1 : this.writes / this.#calls,
      reads: { ...reads, ...(this.#scans > 0 && { scanEntries: this.#scanEntries / this.#scans }) },
    }
  }

  #write(key: Uint8Array, value?: Uint8Array): void {
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
    this.writes++
    this.#keyBytes += key.length
    if (value !== undefined) {
      this.#puts++
      this.#valueBytes += value.length
    }
    this.#isAscending &&= text > this.#last
    this.#last = text
    this.#keys.add(text)
  }
}
