/**
 * A trace in the JSON that Perfetto (ui.perfetto.dev) and chrome://tracing open. Operations are on one track, overlapping ones on lanes
 * below it; jobs are on a track per kind, likewise; waiting writers on their own. File calls, and all other events without a duration, are
 * marks on the track of their operation or job. Counters sum the bytes written by part, and per user byte.
 */
import { describe } from './describe.js'
import type { EventOf, TraceEvent } from '../trace/events.js'
import { writeAmplification, type WritePart } from '../trace/ledger.js'
import { hexOf } from '../codec/text.js'
import { textOfBytes } from '../codec/shown-text.js'

/** An object of the format's `traceEvents`. Times are microseconds. */
export interface ChromeEvent {
  readonly name: string
  /** `M`: name of a track, `X`: slice with a duration, `i`: mark, `C`: counter. */
  readonly ph: 'M' | 'X' | 'i' | 'C'
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly cat?: string
  /** The mark is on its track only. */
  readonly s?: 't'
  readonly args?: Readonly<Record<string, unknown>>
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms'
  readonly traceEvents: readonly ChromeEvent[]
}

const PROCESS = 1
const TRACKS = ['operations', 'stalls', 'open', 'close', 'commit', 'rotate', 'replay', 'flush', 'compaction', 'checkpoint', 'free'] as const
type Track = (typeof TRACKS)[number]
/** Most lanes of a track. */
const LANES = 100

export function chromeTrace(events: readonly TraceEvent[]): ChromeTrace {
  return new Export(events).run()
}

interface Open {
  readonly event: TraceEvent
  readonly tid: number
}

class Export {
  readonly #events: readonly TraceEvent[]
  readonly #out: ChromeEvent[] = []
  /** By the number of the operation or job. */
  readonly #operations = new Map<number, Open>()
  readonly #jobs = new Map<number, Open>()
  readonly #stalls = new Map<number, Open>()
  readonly #lanes = new Map<Track, boolean[]>()
  readonly #written: Record<WritePart, number> = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }
  #userBytes = 0

  constructor(events: readonly TraceEvent[]) {
    this.#events = events
  }

  run(): ChromeTrace {
    for (const event of this.#events) this.#add(event)
    const endMs = this.#events.reduce((latest, event) => Math.max(latest, event.atMs), 0)
    for (const open of [...this.#operations.values(), ...this.#jobs.values(), ...this.#stalls.values()]) {
      this.#out.push(slice(open, endMs, { unfinished: true }))
    }
    return { displayTimeUnit: 'ms', traceEvents: [...this.#names(), ...this.#out] }
  }

  #add(event: TraceEvent): void {
    switch (event.type) {
      case 'operation.begin':
        this.#operations.set(event.operation, { event, tid: this.#take('operations') })
        return
      case 'operation.end':
        this.#close(this.#operations, event.operation, event)
        return
      case 'job.begin':
        this.#jobs.set(event.job, { event, tid: this.#take(event.kind) })
        return
      case 'job.end':
        this.#close(this.#jobs, event.job, event)
        return
      case 'stall.begin':
        this.#stalls.set(event.operation, { event, tid: this.#take('stalls') })
        return
      case 'stall.end':
        this.#close(this.#stalls, event.operation, event)
        return
      default:
        this.#mark(event)
    }
  }

  #close(opened: Map<number, Open>, number: number, event: TraceEvent): void {
    const open = opened.get(number)
    // It began before the recording.
    if (open === undefined) return this.#mark(event)
    opened.delete(number)
    this.#release(open.tid)
    this.#out.push(slice(open, event.atMs, argumentsOf(event)))
  }

  #mark(event: TraceEvent): void {
    const owner = event.job > 0 ? this.#jobs.get(event.job) : this.#operations.get(event.operation)
    const tid = owner?.tid ?? 0
    const [cat] = event.type.split('.')
    const args = { says: describe(event), ...argumentsOf(event) }
    this.#out.push({ name: nameOf(event), ph: 'i', pid: PROCESS, tid, ts: micros(event.atMs), cat, s: 't', args })
    if (event.type === 'log.append') this.#userBytes += event.userBytes
    if (event.type === 'file.write') this.#count(event)
  }

  #count({ part, length, atMs }: EventOf<'file.write'>): void {
    this.#written[part] += length
    const counter = { ph: 'C', pid: PROCESS, tid: 0, ts: micros(atMs) } as const
    const { total } = writeAmplification({ userBytes: this.#userBytes, written: this.#written })
    this.#out.push({ ...counter, name: 'bytes written', args: { ...this.#written } })
    this.#out.push({ ...counter, name: 'write amplification', args: { total } })
  }

  /** The id of a free lane of the track. */
  #take(track: Track): number {
    const lanes = this.#lanes.get(track) ?? []
    this.#lanes.set(track, lanes)
    const free = lanes.indexOf(false)
    const lane = free >= 0 ? free : Math.min(lanes.length, LANES - 1)
    lanes[lane] = true
    return (TRACKS.indexOf(track) + 1) * LANES + lane
  }

  #release(tid: number): void {
    const lanes = this.#lanes.get(TRACKS[Math.floor(tid / LANES) - 1])
    if (lanes !== undefined) lanes[tid % LANES] = false
  }

  #names(): ChromeEvent[] {
    const name = (tid: number, about: string, text: string): ChromeEvent => ({
      name: about,
      ph: 'M',
      pid: PROCESS,
      tid,
      args: { name: text },
    })
    const named = [name(0, 'process_name', 'kvarium'), name(0, 'thread_name', 'other')]
    for (const [track, lanes] of this.#lanes) {
      const first = (TRACKS.indexOf(track) + 1) * LANES
      lanes.forEach((_, lane) => {
        named.push(name(first + lane, 'thread_name', lane === 0 ? track : `${track} (${lane + 1})`))
        named.push({ ...name(first + lane, 'thread_sort_index', ''), args: { sort_index: first + lane } })
      })
    }
    return named
  }
}

function slice({ event, tid }: Open, endMs: number, ended: Readonly<Record<string, unknown>>): ChromeEvent {
  const ts = micros(event.atMs)
  const cat = event.type.slice(0, event.type.indexOf('.'))
  const dur = Math.max(0, micros(endMs) - ts)
  return { name: nameOf(event), ph: 'X', pid: PROCESS, tid, ts, dur, cat, args: { ...argumentsOf(event), ...ended } }
}

function nameOf(event: TraceEvent): string {
  if (event.type === 'operation.begin' || event.type === 'job.begin') return event.kind
  if (event.type === 'stall.begin') return event.reason
  return 'file' in event && typeof event.file === 'string' ? `${event.type} ${event.file}` : event.type
}

/** The body, with bytes as text. */
function argumentsOf(event: TraceEvent): Record<string, unknown> {
  const { type: _type, atMs: _atMs, ...body } = event
  return JSON.parse(
    JSON.stringify(body, (_name, value: unknown) => (value instanceof Uint8Array ? (textOfBytes(value) ?? `0x${hexOf(value)}`) : value)),
  ) as Record<string, unknown>
}

function micros(ms: number): number {
  return Math.round(ms * 1e6) / 1e3
}
