/**
 * A hash engine: the directory, the data files with what is live and dead in them, and the merge of the moment with the fate of what it meets.
 *
 * Invariants:
 * 1. Files and totals are those of the engine's own fold.
 * 2. The places of keys are those that events have named; a clone shares them until one of both changes.
 */
import { HashShapeFold, parseDataName, type HashShape } from 'kvarium/hash'
import type { EventOf, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { keyText } from './key-text.js'

/** A record of the directory. */
export interface DirectoryRecord {
  readonly key: string
  readonly hash: number
  readonly record: number
  readonly file: number
  readonly offset: number
  readonly length: number
  readonly sequence: number
}

export interface DataMerge {
  readonly job: number
  readonly reason?: string
  readonly state: 'running' | 'current' | 'ended' | 'failed'
  /** Numbers of the files that were merged; known once the new file is there. */
  readonly inputs: readonly number[]
  readonly output?: number
  readonly fates: { readonly kept: number; readonly dead: number; readonly expired: number }
  /** The latest entries that were kept or have expired, the last one last. */
  readonly recent: readonly { readonly key: string; readonly fate: 'kept' | 'expired'; readonly from?: number }[]
}

export interface SearchPicture {
  readonly key: string
  readonly outcome: 'hit' | 'expired' | 'miss'
  readonly file?: number
  readonly offset?: number
}

export interface DataPicture {
  readonly shape: HashShape
  /** The dead share of the sealed files at which a merge begins, in percent. */
  readonly mergeThreshold?: number
  readonly maxFileSize?: number
  /** Bytes of sealed files that nothing needs, and of all sealed files. */
  readonly deadBytes: number
  readonly sealedBytes: number
  /** Records of the directory, the newest version first, as far as they are listed. */
  readonly records: readonly DirectoryRecord[]
  /** Keys whose places events have named. */
  readonly placed: number
  /** What the present operation has looked up. */
  readonly searches: readonly SearchPicture[]
  /** The key that the present event places or removes. */
  readonly present?: string
  readonly merge?: DataMerge
  /** Keys that were sorted for the last cursor or clear, of how many. */
  readonly sort?: { readonly sorted: number; readonly records: number }
}

/** The number of a data file; `undefined` for the name of another file. */
export function dataFileNumber(name: string): number | undefined {
  return parseDataName(name)?.number
}

const MOST_RECORDS = 48
const MOST_SEARCHES = 12
const MOST_RECENT = 12
const NO_FATES = { kept: 0, dead: 0, expired: 0 }

export class DataFold implements Fold<DataPicture> {
  readonly #shape: HashShapeFold
  /** By key, in the order in which they were placed. */
  #places = new Map<string, DirectoryRecord>()
  #isShared = false
  #options: EventOf<'engine.open'>['options'] = {}
  #searches: readonly SearchPicture[] = []
  #present: string | undefined
  #merge: DataMerge | undefined
  #sort: DataPicture['sort']
  /** Puts of each file, as long as it is there. */
  #puts: ReadonlyMap<number, number> = new Map()

  constructor(shape = new HashShapeFold()) {
    this.#shape = shape
  }

  apply(event: TraceEvent): void {
    this.#shape.apply(event)
    this.#present = undefined
    const merge = this.#merge?.job === event.job && this.#merge.state !== 'ended' ? this.#merge : undefined
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        if (event.kind === 'compaction')
          this.#merge = {
            job: event.job,
            ...(event.reason !== undefined && { reason: event.reason }),
            state: 'running',
            inputs: [],
            fates: NO_FATES,
            recent: [],
          }
        break
      case 'job.end':
        if (merge !== undefined) this.#merge = { ...merge, state: event.status === 'ok' ? 'ended' : 'failed' }
        break
      case 'engine.open':
        this.#options = event.options
        break
      case 'operation.begin':
        this.#searches = []
        break
      case 'directory.search': {
        const { outcome, file, offset } = event
        const search = { key: keyText(event.key), outcome, ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) }
        this.#searches = [...this.#searches, search].slice(-MOST_SEARCHES)
        break
      }
      case 'directory.place': {
        const { hash, record, file, offset, length, entrySequence: sequence, from } = event
        const key = keyText(event.key)
        const places = this.#own()
        // A copy is as old as what it is a copy of.
        if (from === undefined) places.delete(key)
        places.set(key, { key, hash, record, file, offset, length, sequence })
        this.#present = key
        if (merge !== undefined && from !== undefined) this.#met(merge, key, 'kept', from)
        break
      }
      case 'directory.remove':
        this.#remove(event, merge)
        break
      case 'directory.change': {
        if (event.files.length === 0) break
        const puts = new Map(this.#puts)
        for (const file of event.files) puts.set(file.file, file.puts)
        this.#puts = puts
        break
      }
      case 'directory.sort':
        this.#sort = { sorted: event.sorted, records: event.records }
        break
      case 'data.add':
        if (merge === undefined) break
        this.#merge = {
          ...merge,
          state: 'current',
          inputs: event.replaces,
          output: event.file,
          fates: { ...merge.fates, dead: this.#deadOf(event, merge) },
        }
        break
      default:
        break
    }
  }

  clone(): DataFold {
    const clone = new DataFold(this.#shape.clone())
    clone.#places = this.#places
    this.#isShared = clone.#isShared = true
    clone.#options = this.#options
    clone.#searches = this.#searches
    clone.#present = this.#present
    clone.#merge = this.#merge
    clone.#sort = this.#sort
    clone.#puts = this.#puts
    return clone
  }

  /** Where the newest value of a key is. */
  find(key: string): DirectoryRecord | undefined {
    return this.#places.get(key)
  }

  picture(): DataPicture {
    const shape = this.#shape.shape()
    const sealed = shape.files.filter(({ number, kind }) => kind === 'data' && !this.#isReplaced(number))
    const { mergeThreshold, maxFileSize } = this.#options
    return {
      shape,
      ...(typeof mergeThreshold === 'number' && { mergeThreshold }),
      ...(typeof maxFileSize === 'number' && { maxFileSize }),
      deadBytes: sealed.reduce((sum, file) => sum + file.deadBytes, 0),
      sealedBytes: sealed.reduce((sum, file) => sum + file.bytes, 0),
      records: this.#newest(),
      placed: this.#places.size,
      searches: this.#searches,
      ...(this.#present !== undefined && { present: this.#present }),
      ...(this.#merge !== undefined && { merge: this.#merge }),
      ...(this.#sort !== undefined && { sort: this.#sort }),
    }
  }

  #isReplaced(number: number): boolean {
    return this.#merge?.output !== undefined && this.#merge.inputs.includes(number)
  }

  /** The latest places, and before them those that the present operation has looked up. */
  #newest(): readonly DirectoryRecord[] {
    const asked = this.#searches.flatMap(({ key }) => this.#places.get(key) ?? [])
    const all = [...this.#places.values()].slice(-MOST_RECORDS).reverse()
    return [...new Set([...asked, ...all])].slice(0, MOST_RECORDS)
  }

  #deadOf({ replaces }: EventOf<'data.add'>, { fates }: DataMerge): number {
    const puts = replaces.reduce((sum, file) => sum + (this.#puts.get(file) ?? 0), 0)
    return Math.max(0, puts - fates.kept - fates.expired)
  }

  #met(merge: DataMerge, key: string, fate: 'kept' | 'expired', from?: number): void {
    const fates = { ...merge.fates, [fate]: merge.fates[fate] + 1 }
    const recent = [...merge.recent, { key, fate, ...(from !== undefined && { from }) }].slice(-MOST_RECENT)
    this.#merge = { ...merge, fates, recent }
  }

  #remove({ key, last }: EventOf<'directory.remove'>, merge: DataMerge | undefined): void {
    const first = keyText(key)
    const places = this.#own()
    this.#present = first
    if (last === undefined) places.delete(first)
    else {
      const end = keyText(last)
      for (const each of places.keys()) if (each >= first && each <= end) places.delete(each)
    }
    if (merge !== undefined) this.#met(merge, first, 'expired')
  }

  /** The places, to be changed. */
  #own(): Map<string, DirectoryRecord> {
    if (this.#isShared) this.#places = new Map(this.#places)
    this.#isShared = false
    return this.#places
  }

  #reset(): void {
    this.#places = new Map()
    this.#isShared = false
    this.#searches = []
    this.#merge = undefined
    this.#sort = undefined
    this.#puts = new Map()
  }
}
