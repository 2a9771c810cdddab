/**
 * The times at which an engine flushed, compacted, made checkpoints and made writers wait, as far as polling its stats shows.
 *
 * A job is detected by its bytes: those of a flush or a compaction are counted when it ends, those of a checkpoint as it runs. It began,
 * at the earliest, when the one before ended or when work became pending. The bounds are accurate to the interval between two polls.
 */
import type { EngineStats } from 'kvarium/engine'
import { bytes as showBytes } from '../report/numbers.js'
import type { Mark } from '../report/run-report.js'

type Seen = Pick<EngineStats, 'pending' | 'stalls'> & { readonly written: EngineStats['ledger']['written'] }
type MutableMark = { -readonly [Field in keyof Mark]: Mark[Field] } & { bytes: number }

/** Marks of one kind that are no further apart become one. */
const JOIN_MS = 5

export class ActivityWatch {
  readonly #marks: MutableMark[] = []
  #before: Seen | undefined
  #beforeMs = 0
  /** When work was last seen to become pending while there was none, and when more came. */
  #busySinceMs = 0
  #moreSinceMs = 0
  readonly #endedMs = { flush: 0, compaction: 0 }

  look(atMs: number, stats: EngineStats): void {
    const { pending, stalls } = stats
    const seen = { pending, stalls, written: stats.ledger.written }
    const before = this.#before
    const lastMs = this.#beforeMs
    this.#before = seen
    this.#beforeMs = atMs
    // Another session of the store counts from zero.
    if (before === undefined || seen.written.log < before.written.log || stalls.count < before.stalls.count) {
      this.#busySinceMs = this.#moreSinceMs = atMs
      return
    }
    const grown = (part: 'flush' | 'compaction' | 'page'): number => seen.written[part] - before.written[part]
    const flushed = grown('flush')
    if (flushed > 0) this.#add('flush', Math.min(lastMs, Math.max(this.#moreSinceMs, this.#endedMs.flush)), atMs, flushed)
    const compacted = grown('compaction')
    if (compacted > 0) {
      this.#add('compaction', Math.min(lastMs, Math.max(this.#busySinceMs, this.#endedMs.compaction)), atMs, compacted)
    }
    const paged = grown('page')
    if (paged > 0) this.#add('checkpoint', lastMs, atMs, paged)
    if (stalls.count > before.stalls.count) this.#add('stall', Math.max(0, atMs - (stalls.totalMs - before.stalls.totalMs)), atMs, 0)

    if (flushed > 0) this.#endedMs.flush = atMs
    if (compacted > 0) this.#endedMs.compaction = atMs
    if (pending.jobs > before.pending.jobs) {
      this.#moreSinceMs = atMs
      if (before.pending.jobs === 0) this.#busySinceMs = atMs
    }
  }

  marks(): Mark[] {
    return this.#marks.map(({ bytes, ...mark }) => ({ ...mark, detail: bytes === 0 ? '' : `${showBytes(bytes)} written` }))
  }

  #add(kind: Mark['kind'], startMs: number, endMs: number, bytes: number): void {
    const last = this.#marks.findLast(mark => mark.kind === kind)
    if (last !== undefined && startMs - last.endMs <= JOIN_MS && (kind === 'checkpoint' || kind === 'stall')) {
      last.endMs = endMs
      last.bytes += bytes
    } else {
      this.#marks.push({ kind, startMs, endMs, detail: '', bytes })
    }
  }
}
