/** The background of a run: which job ran from where to where, and the moments that a timeline marks. */
import { visibleText } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { Moment } from '../run/run.js'
import type { Timeline, TimelineJob, TimelineMark, TimelineRequest } from './protocol.js'

/** A job whose end is not known yet. */
type OpenJob = { -readonly [Field in keyof TimelineJob]: TimelineJob[Field] }
type MarkType = TimelineMark['type']

export class Timelines {
  /** By their beginning. */
  #jobs: OpenJob[] = []
  readonly #open = new Map<string, OpenJob>()
  #marks: TimelineMark[] = []

  add(moment: Moment, position: number): void {
    const { lane } = moment
    if (moment.kind === 'return') {
      const { status } = moment.outcome
      if (status === 'failed' || status === 'conflict') this.#marks.push({ lane, type: status, position, count: 1 })
    }
    if (moment.kind !== 'event') return
    const { event } = moment
    if (event.type === 'job.begin') {
      const job: OpenJob = {
        lane,
        job: event.job,
        kind: event.kind,
        from: position,
        count: 1,
        ...(event.reason !== undefined && { reason: visibleText(event.reason) }),
      }
      this.#jobs.push(job)
      this.#open.set(`${lane}:${event.job}`, job)
    }
    if (event.type === 'job.end') {
      const job = this.#open.get(`${lane}:${event.job}`)
      if (job !== undefined) job.to = position
      this.#open.delete(`${lane}:${event.job}`)
    }
    const type = markOf(event)
    if (type !== undefined) this.#marks.push({ lane, type, position, count: 1 })
  }

  /** Forgets what has ended by a position. */
  forget(position: number): void {
    this.#jobs = this.#jobs.filter(({ to }) => to === undefined || to > position)
    this.#marks = this.#marks.filter(mark => mark.position > position)
  }

  /** How many marks of each type a lane has had up to a position. */
  counts(lane: number, position: number): Readonly<Record<MarkType, number>> {
    const counts: Record<MarkType, number> = {
      flush: 0,
      compaction: 0,
      checkpoint: 0,
      stall: 0,
      eviction: 0,
      sync: 0,
      conflict: 0,
      failed: 0,
    }
    for (const mark of this.#marks) if (mark.lane === lane && mark.position <= position) counts[mark.type]++
    return counts
  }

  /** What lies in a part of the run. */
  within({ from, to, buckets }: TimelineRequest): Timeline {
    const width = Math.max(1, (to - from) / buckets)
    const jobs: TimelineJob[] = []
    const short = new Map<string, OpenJob>()
    for (const job of this.#jobs) {
      if (job.from > to || (job.to ?? Infinity) < from) continue
      const bucket = `${job.lane} ${job.kind} ${Math.floor((job.from - from) / width)}`
      const before = short.get(bucket)
      if (before !== undefined && isShort(job, width)) {
        before.count++
        before.to = Math.max(before.to!, job.to!)
        continue
      }
      const shown = { ...job }
      jobs.push(shown)
      if (isShort(job, width)) short.set(bucket, shown)
    }
    const marks = new Map<string, TimelineMark>()
    for (const mark of this.#marks) {
      if (mark.position < from || mark.position > to) continue
      const bucket = `${mark.lane} ${mark.type} ${Math.floor((mark.position - from) / width)}`
      const before = marks.get(bucket)
      marks.set(bucket, before === undefined ? mark : { ...before, count: before.count + 1 })
    }
    return { jobs, marks: [...marks.values()] }
  }
}

function isShort({ from, to }: TimelineJob, width: number): boolean {
  return to !== undefined && to - from < width
}

function markOf(event: TraceEvent): MarkType | undefined {
  switch (event.type) {
    case 'job.end':
      return event.kind === 'flush' || event.kind === 'compaction' || event.kind === 'checkpoint' ? event.kind : undefined
    case 'stall.begin':
      return 'stall'
    case 'cache.evict':
      return 'eviction'
    case 'log.commit':
      return 'sync'
    default:
      return undefined
  }
}
