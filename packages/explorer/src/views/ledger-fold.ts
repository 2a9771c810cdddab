/**
 * The three amplifications over time, by part: what every file event and every read of the run so far adds up to.
 *
 * Invariants:
 * 1. The written parts add up to the bytes of all `file.write` events, the read parts to those of all `file.read` events.
 * 2. There are at most `MOST_SAMPLES` samples: when there are more, every second one goes.
 */
import { DATA_FILE } from 'kvarium/btree'
import type { ReadPart, TraceEvent, WritePart } from 'kvarium/trace'
import type { Fold } from './fold.js'
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
  #files = new Map<string, number>()
  /** User bytes of operations under way. */
  #underway = new Map<number, number>()
  #live = new LiveBytes()

  apply(event: TraceEvent): void {
    this.#live.apply(event)
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
      // What an opening finds that no event has made.
      case 'meta.read':
        this.#files.set(DATA_FILE, event.fileBytes)
        break
      case 'manifest.read':
        for (const { number, fileBytes } of event.tables) this.#files.set(numbered(number, 'sst'), fileBytes)
        break
      case 'log.replay': {
        const name = numbered(event.log, 'log')
        this.#files.set(name, Math.max(this.#files.get(name) ?? 0, event.bytes))
        break
      }
      case 'file.create':
        this.#files.set(event.file, 0)
        break
      case 'file.read':
        this.#read[event.part] += event.length
        break
      case 'file.write':
        this.#written[event.part] += event.length
        this.#files.set(event.file, Math.max(this.#files.get(event.file) ?? 0, event.offset + event.length))
        break
      case 'file.truncate':
        this.#files.set(event.file, event.size)
        break
      case 'file.rename':
        this.#files.set(event.to, this.#files.get(event.from) ?? 0)
        this.#files.delete(event.from)
        break
      case 'file.remove':
        this.#files.delete(event.file)
        break
      default:
        break
    }
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
    clone.#files = new Map(this.#files)
    clone.#underway = new Map(this.#underway)
    clone.#live = this.#live.clone()
    return clone
  }

  picture(): LedgerPicture {
    return { samples: [...this.#samples], now: this.#sample(), read: { ...this.#read } }
  }

  #keep(): void {
    this.#samples.push(this.#sample())
    if (this.#samples.length <= MOST_SAMPLES) return
    this.#stride *= 2
    this.#samples = this.#samples.filter(({ operations }) => operations % this.#stride === 0)
  }

  #sample(): LedgerSample {
    let fileBytes = 0
    for (const size of this.#files.values()) fileBytes += size
    return {
      operations: this.#operations,
      userBytes: this.#userBytes,
      written: { ...this.#written },
      gets: this.#gets,
      blocks: this.#blocks,
      blocksFromDisk: this.#blocksFromDisk,
      fileBytes,
      liveBytes: this.#live.bytes,
    }
  }
}

function numbered(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`
}
