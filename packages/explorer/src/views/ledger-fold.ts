/**
 * The three amplifications over time, by part: what every file event and every read of the run so far adds up to.
 *
 * Invariants:
 * 1. The written parts add up to the bytes of all `file.write` events, the read parts to those of all `file.read` events.
 * 2. There are at most `MOST_SAMPLES` samples: when there are more, every second one goes.
 */
import type { ReadPart, TraceEvent, WritePart } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { KnownFiles } from './known-files.js'
import { LiveBytes } from './live-bytes.js'

export interface LedgerSample {
  /** Ended operations of the store. */
  readonly operations: number
  /** Key and value bytes of acknowledged writes. */
  readonly userBytes: number
  readonly written: Readonly<Record<WritePart, number>>
  /** Gets, and the blocks or pages that they took from the cache and the disk. */
  readonly gets: number
  readonly blocks: number
  readonly blocksFromDisk: number
  readonly fileBytes: number
  readonly liveBytes: number
}

export interface LedgerPicture {
  /** Ascending; none of them is `now`. */
  readonly samples: readonly LedgerSample[]
  readonly now: LedgerSample
  readonly read: Readonly<Record<ReadPart, number>>
  /** Whether the live bytes are an estimate: an LSM tree does not know which of its versions a reader would find. */
  readonly areLiveBytesEstimated: boolean
}

export const MOST_SAMPLES = 120

export class LedgerFold implements Fold<LedgerPicture> {
  #samples: LedgerSample[] = []
  /** Operations from one sample to the next. */
  #stride = 1
  #operations = 0
  #userBytes = 0
  #written: Record<WritePart, number> = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }
  #read: Record<ReadPart, number> = { open: 0, get: 0, scan: 0, compaction: 0, changes: 0, backup: 0 }
  #gets = 0
  #blocks = 0
  #blocksFromDisk = 0
  #files = new KnownFiles()
  /** User bytes of operations under way. */
  #underway = new Map<number, number>()
  #live = new LiveBytes()

  apply(event: TraceEvent): void {
    this.#live.apply(event)
    this.#files.apply(event)
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#underway.clear()
        break
      case 'operation.begin':
        if (event.userBytes !== undefined) this.#underway.set(event.operation, event.userBytes)
        break
      case 'operation.end': {
        const userBytes = this.#underway.get(event.operation)
        this.#underway.delete(event.operation)
        if (userBytes !== undefined && event.status === 'ok') this.#userBytes += userBytes
        if (event.kind === 'get' && event.touched !== undefined) {
          this.#gets++
          this.#blocks += event.touched.blocksFromCache + event.touched.blocksFromDisk
          this.#blocksFromDisk += event.touched.blocksFromDisk
        }
        if (++this.#operations % this.#stride === 0) this.#keep()
        break
      }
      case 'file.read':
        this.#read[event.part] += event.length
        break
      case 'file.write':
        this.#written[event.part] += event.length
        break
      default:
        break
    }
  }

  findFiles(files: readonly TraceEvent[]): void {
    this.#files = new KnownFiles()
    for (const event of files) this.#files.apply(event)
  }

  clone(): LedgerFold {
    const clone = new LedgerFold()
    clone.#samples = [...this.#samples]
    clone.#stride = this.#stride
    clone.#operations = this.#operations
    clone.#userBytes = this.#userBytes
    clone.#written = { ...this.#written }
    clone.#read = { ...this.#read }
    clone.#gets = this.#gets
    clone.#blocks = this.#blocks
    clone.#blocksFromDisk = this.#blocksFromDisk
    clone.#files = this.#files.clone()
    clone.#underway = new Map(this.#underway)
    clone.#live = this.#live.clone()
    return clone
  }

  picture(): LedgerPicture {
    return {
      samples: [...this.#samples],
      now: this.#sample(),
      read: { ...this.#read },
      areLiveBytesEstimated: this.#live.isEstimated,
    }
  }

  #keep(): void {
    this.#samples.push(this.#sample())
    if (this.#samples.length <= MOST_SAMPLES) return
    this.#stride *= 2
    this.#samples = this.#samples.filter(({ operations }) => operations % this.#stride === 0)
  }

  #sample(): LedgerSample {
    return {
      operations: this.#operations,
      userBytes: this.#userBytes,
      written: { ...this.#written },
      gets: this.#gets,
      blocks: this.#blocks,
      blocksFromDisk: this.#blocksFromDisk,
      fileBytes: this.#files.bytes,
      liveBytes: this.#live.bytes,
    }
  }
}
