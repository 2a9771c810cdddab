/** The flush or compaction under way, or the one before: what became of every entry, and why. */
import { KIND_DELETE, KIND_PUT } from 'kvarium/sstable'
import type { KeyFate, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { keyText } from './key-text.js'

export interface MergedKey {
  readonly key: string
  readonly sequence: number
  readonly kind: 'value' | 'tombstone' | 'expiring value'
  readonly fate: KeyFate
}

export type Fates = Readonly<Record<KeyFate, number>>

export interface MergePicture {
  readonly job: number
  readonly kind: 'flush' | 'compaction'
  readonly reason?: string
  readonly outcome?: 'merge' | 'move' | 'drop'
  readonly state: 'running' | 'merged' | 'ok' | 'failed' | 'cancelled'
  /** Numbers of the tables that are merged; none for a flush. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly fates: Fates
  /** The latest entries, the last one last. */
  readonly recent: readonly MergedKey[]
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Whether the present event is one of its entries: the last of `recent`. */
  readonly isAtKey: boolean
  /** Entries that were merged without being recorded. */
  readonly notRecorded: number
}

export interface MergesPicture {
  readonly merge?: MergePicture
}

const MOST_RECENT = 30
const NO_FATES: Fates = { kept: 0, expired: 0, shadowed: 0, covered: 0, 'tombstone-dropped': 0 }

export class MergeFold implements Fold<MergesPicture> {
  /** By job, in the order of their beginning: those that run, and the last one. */
  #merges = new Map<number, MergePicture>()
  #last: number | undefined

  apply(event: TraceEvent): void {
    const { job } = event
    const last = this.#last === undefined ? undefined : this.#merges.get(this.#last)
    if (last?.isAtKey === true) this.#merges.set(last.job, { ...last, isAtKey: false })
    if (event.type === 'job.begin') {
      if (event.kind === 'open') this.#merges.clear()
      if (event.kind === 'flush' || event.kind === 'compaction') this.#begin(job, event.kind, event.reason)
      return
    }
    const merge = this.#merges.get(job)
    if (merge === undefined || job === 0) return
    switch (event.type) {
      case 'compaction.pick':
        this.#set({ ...merge, outcome: event.outcome, reason: event.reason, inputs: event.inputs.flat() })
        break
      case 'compaction.key': {
        const { key, entrySequence: sequence, kind, fate } = event
        const entry = { key: keyText(key), sequence, kind: kindOf(kind), fate }
        const fates = { ...merge.fates, [fate]: merge.fates[fate] + 1 }
        this.#set({ ...merge, fates, recent: [...merge.recent.slice(1 - MOST_RECENT), entry], isAtKey: true })
        break
      }
      case 'file.read':
        this.#set({ ...merge, bytesRead: merge.bytesRead + event.length })
        break
      case 'file.write':
        this.#set({ ...merge, bytesWritten: merge.bytesWritten + event.length })
        break
      case 'table.built':
        this.#set({ ...merge, outputs: [...merge.outputs, event.number] })
        break
      case 'merge.end':
        this.#set({ ...merge, state: 'merged', notRecorded: event.notRecorded })
        break
      case 'job.end':
        this.#set({ ...merge, state: event.status, bytesRead: event.bytesRead, bytesWritten: event.bytesWritten })
        break
      default:
        break
    }
  }

  clone(): MergeFold {
    const clone = new MergeFold()
    clone.#merges = new Map(this.#merges)
    clone.#last = this.#last
    return clone
  }

  picture(): MergesPicture {
    const merge = this.#last === undefined ? undefined : this.#merges.get(this.#last)
    return merge === undefined ? {} : { merge }
  }

  #begin(job: number, kind: MergePicture['kind'], reason: string | undefined): void {
    for (const [number, { state }] of this.#merges) if (state !== 'running' && state !== 'merged') this.#merges.delete(number)
    this.#set({
      job,
      kind,
      state: 'running',
      inputs: [],
      outputs: [],
      fates: NO_FATES,
      recent: [],
      bytesRead: 0,
      bytesWritten: 0,
      isAtKey: false,
      notRecorded: 0,
      ...(reason !== undefined && { reason }),
    })
  }

  #set(merge: MergePicture): void {
    this.#merges.set(merge.job, merge)
    this.#last = merge.job
  }
}

function kindOf(kind: number): MergedKey['kind'] {
  if (kind === KIND_DELETE) return 'tombstone'
  return kind === KIND_PUT ? 'value' : 'expiring value'
}
