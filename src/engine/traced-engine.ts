/**
 * Makes every call of an engine an operation: a span with a begin, an end, and the events in between.
 *
 * Invariants:
 * 1. Begin and end are emitted at level io. An operation has a number at every level, by which jobs name the operations that they serve.
 * 2. Steps of a cursor are operations of their own only at level step. Below, and when it is closed, what a cursor does belongs to its
 *    last operation, although that has ended.
 */
import type { ByteView } from '../codec/entry.js'
import type { EventBodies, OperationKind } from '../trace/events.js'
import { withSpan, type Span, type SpanOptions, type Trace } from '../trace/span.js'
import { BatchReader, type WriteBatch } from './batch.js'
import type {
  BatchFeed,
  Cursor,
  Engine,
  EngineCheckpoint,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  SharedVersion,
  Violation,
  WriteOptions,
} from './contract.js'
import { boundBytes, halfOpen } from './range.js'

type Begin = Omit<EventBodies['operation.begin'], 'kind'>
type Outcome = Pick<EventBodies['operation.end'], 'status' | 'valueBytes'>

const OK: Outcome = { status: 'ok' }
const LASTING: SpanOptions = { fallback: true }

export class TracedEngine implements Engine {
  readonly name: string
  /** What does the work. */
  readonly inner: Engine
  readonly getView?: NonNullable<Engine['getView']>
  readonly expiresAt?: NonNullable<Engine['expiresAt']>
  readonly share?: NonNullable<Engine['share']>
  readonly ingest?: NonNullable<Engine['ingest']>
  readonly checkpoint?: NonNullable<Engine['checkpoint']>
  /** The reads of a feed belong to the operation that began it, although that has ended. */
  readonly changes?: NonNullable<Engine['changes']>
  readonly #operations: Operations

  constructor(inner: Engine, trace: Trace) {
    this.name = inner.name
    this.inner = inner
    this.#operations = new Operations(trace)
    const ingest = inner.ingest?.bind(inner)
    if (ingest !== undefined) this.ingest = batches => this.#operations.runLasting('ingest', nothing, () => ingest(batches))
    const share = inner.share?.bind(inner)
    if (share !== undefined) this.share = () => this.#operations.runLasting('share', nothing, span => tracedShare(share, span))
    const checkpoint = inner.checkpoint?.bind(inner)
    if (checkpoint !== undefined) this.checkpoint = () => new TracedCheckpoint(this.#operations, checkpoint)
    const expiresAt = inner.expiresAt?.bind(inner)
    if (expiresAt !== undefined) {
      this.expiresAt = (key, snapshot) =>
        this.#operations.run(
          'get',
          () => ({ key: new Uint8Array(key) }),
          () => expiresAt(key, snapshot),
          expiry => ({ status: expiry === undefined ? 'missing' : 'found' }),
        )
    }
    const changes = inner.changes?.bind(inner)
    if (changes !== undefined) this.changes = options => this.#operations.run('changes', nothing, (): BatchFeed => changes(options))
    const view = inner.getView?.bind(inner)
    if (view === undefined) return
    this.getView = (key, out, snapshot) =>
      this.#operations.run(
        'get',
        () => ({ key: new Uint8Array(key) }),
        () => view(key, out, snapshot),
        found => (found ? { status: 'found', valueBytes: out.length } : { status: 'missing' }),
      )
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    return this.#operations.run(
      'get',
      () => ({ key: new Uint8Array(key) }),
      () => this.inner.get(key, snapshot),
      value => (value === undefined ? { status: 'missing' } : { status: 'found', valueBytes: value.length }),
    )
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    return this.#operations.runWrite(
      'write',
      () => ({ ...keyOf(batch), entries: batch.count, userBytes: batch.userBytes, sync: options.sync }),
      () => this.inner.write(batch, options),
    )
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    return this.#operations.runWrite(
      'clear',
      () => ({ ...startOf(range), userBytes: boundBytes(halfOpen(range)), sync: options.sync }),
      () => this.inner.clear(range, options),
    )
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    return this.#operations.run(
      'cursor',
      () => startOf(range),
      span => new TracedCursor(this.inner.cursor(range, snapshot), this.#operations, span),
    )
  }

  snapshot(): EngineSnapshot {
    return this.#operations.run('snapshot', nothing, () => this.inner.snapshot())
  }

  approximateSize(range: KeyRange): number {
    return this.#operations.run(
      'estimate',
      () => startOf(range),
      () => this.inner.approximateSize(range),
    )
  }

  flush(): Promise<void> {
    return this.#operations.runLasting('flush', nothing, () => this.inner.flush())
  }

  compact(range?: KeyRange): Promise<void> {
    return this.#operations.runLasting(
      'compact',
      () => startOf(range ?? {}),
      () => this.inner.compact(range),
    )
  }

  settle(): Promise<void> {
    return this.#operations.runLasting('settle', nothing, () => this.inner.settle())
  }

  /** A job, not an operation: the store emits it. */
  close(): Promise<void> {
    return this.inner.close()
  }

  stats(): EngineStats {
    return this.inner.stats()
  }

  shape(): EngineShape {
    return this.inner.shape()
  }

  /** The end of the operation is that of the walk, also if the caller leaves it early. */
  async *check(): AsyncIterable<Violation> {
    const span = this.#operations.begin('check', nothing, LASTING)
    let failure: unknown
    try {
      const violations = withSpan(span, () => this.inner.check()[Symbol.asyncIterator]())
      yield* {
        [Symbol.asyncIterator]: () => ({
          next: () => withSpan(span, () => violations.next()),
          return: async value => (await withSpan(span, () => violations.return?.(value))) ?? { done: true, value },
        }),
      }
    } catch (error) {
      failure = error
      throw error
    } finally {
      span.end(failure === undefined ? 'ok' : 'failed', failure)
    }
  }
}

class TracedCursor implements Cursor {
  readonly #inner: Cursor
  readonly #operations: Operations
  readonly #step: boolean
  /** The span of the last operation, which also has what follows it. */
  #last: Span

  constructor(inner: Cursor, operations: Operations, span: Span) {
    this.#inner = inner
    this.#operations = operations
    this.#step = operations.trace.at('step') !== null
    this.#last = span
  }

  get valid(): boolean {
    return this.#inner.valid
  }

  get key(): ByteView {
    return this.#inner.key
  }

  get value(): ByteView {
    return this.#inner.value
  }

  first(): boolean {
    return this.#run('seek', nothing, () => this.#inner.first())
  }

  last(): boolean {
    return this.#run('seek', nothing, () => this.#inner.last())
  }

  seek(target: Uint8Array): boolean {
    return this.#run(
      'seek',
      () => ({ key: new Uint8Array(target) }),
      () => this.#inner.seek(target),
    )
  }

  seekReverse(target: Uint8Array): boolean {
    return this.#run(
      'seek',
      () => ({ key: new Uint8Array(target) }),
      () => this.#inner.seekReverse(target),
    )
  }

  next(): boolean {
    if (this.#step) return this.#run('next', nothing, () => this.#inner.next())
    return withSpan(this.#last, () => this.#inner.next())
  }

  prev(): boolean {
    if (this.#step) return this.#run('next', nothing, () => this.#inner.prev())
    return withSpan(this.#last, () => this.#inner.prev())
  }

  close(): void {
    withSpan(this.#last, () => this.#inner.close())
  }

  #run(kind: OperationKind, about: () => Begin, work: () => boolean): boolean {
    return this.#operations.run(
      kind,
      about,
      span => {
        this.#last = span
        return work()
      },
      valid => (valid ? { status: 'found', valueBytes: this.#inner.value.length } : { status: 'missing' }),
    )
  }
}

/** One operation from the moment to the release. */
class TracedCheckpoint implements EngineCheckpoint {
  readonly #inner: EngineCheckpoint
  readonly #span: Span
  #failure: unknown
  #isReleased = false

  constructor(operations: Operations, checkpoint: () => EngineCheckpoint) {
    this.#span = operations.begin('backup', nothing, LASTING)
    try {
      this.#inner = withSpan(this.#span, checkpoint)
    } catch (error) {
      this.#span.end('failed', error)
      throw error
    }
  }

  async write(directory: string, signal?: AbortSignal): Promise<void> {
    try {
      await withSpan(this.#span, () => this.#inner.write(directory, signal))
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    withSpan(this.#span, () => this.#inner.release())
    this.#span.end(this.#failure === undefined ? 'ok' : 'failed', this.#failure)
  }
}

/** Begins and ends operations. */
class Operations {
  readonly trace: Trace
  readonly #isRecorded: boolean

  constructor(trace: Trace) {
    this.trace = trace
    this.#isRecorded = trace.at('io') !== null
  }

  begin(kind: OperationKind, about: () => Begin, options?: SpanOptions): Span {
    const span = this.trace.startSpan('operation', kind, options)
    if (this.#isRecorded) span.emit({ type: 'operation.begin', kind, ...about() })
    return span
  }

  /** An operation of one turn. */
  run<T>(kind: OperationKind, about: () => Begin, work: (span: Span) => T, outcome: (result: T) => Outcome = () => OK): T {
    const span = this.begin(kind, about)
    try {
      const result = withSpan(span, () => work(span))
      const { status, valueBytes } = outcome(result)
      span.end(status, undefined, valueBytes)
      return result
    } catch (error) {
      span.end('failed', error)
      throw error
    }
  }

  /** An operation that is done when the call returns, or else when its promise settles. */
  runWrite(kind: OperationKind, about: () => Begin, work: () => Promise<void> | void): Promise<void> | void {
    const span = this.begin(kind, about)
    let pending: Promise<void> | void
    try {
      pending = withSpan(span, work)
    } catch (error) {
      span.end('failed', error)
      throw error
    }
    if (pending !== undefined) return this.#settled(span, pending)
    span.end('ok')
  }

  /** An operation of several turns. */
  async runLasting<T>(kind: OperationKind, about: () => Begin, work: (span: Span) => Promise<T>): Promise<T> {
    const span = this.begin(kind, about, LASTING)
    try {
      const result = await withSpan(span, () => work(span))
      span.end('ok')
      return result
    } catch (error) {
      span.end('failed', error)
      throw error
    }
  }

  async #settled(span: Span, pending: Promise<void>): Promise<void> {
    try {
      await pending
    } catch (error) {
      span.end('failed', error)
      throw error
    }
    span.end('ok')
  }
}

/** The release of a version belongs to the operation that shared it, although that has ended. */
async function tracedShare(share: () => Promise<SharedVersion>, span: Span): Promise<SharedVersion> {
  const version = await share()
  return { description: version.description, release: () => withSpan(span, () => version.release()) }
}

function nothing(): Begin {
  return {}
}

/** The key of a write of one entry. */
function keyOf(batch: WriteBatch): Begin {
  if (batch.count !== 1) return {}
  batch.seal(0)
  const reader = new BatchReader().reset(batch.bytes, 0, batch.byteLength)
  reader.next()
  return { key: reader.key.copy() }
}

function startOf({ gt, gte }: KeyRange): Begin {
  const key = gte ?? gt
  return key === undefined ? {} : { key: new Uint8Array(key) }
}
