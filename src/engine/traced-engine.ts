/**
 * Tells every call of an engine as an operation: its begin, its end, and by `within` and `during` whose the events in between are.
 *
 * Invariants:
 * 1. An operation is told at level io; it has a number at every level, by which jobs name the operations that they serve.
 * 2. Steps of a cursor are operations of their own only at level step. Below, and when it is closed, what a cursor does belongs to its
 *    last operation, although that has ended.
 */
import type { ByteView } from '../codec/entry.js'
import type { EventBodies, OperationKind } from '../trace/events.js'
import type { OperationTracer, Trace } from '../trace/trace.js'
import { BatchReader, type WriteBatch } from './batch.js'
import type { Cursor, Engine, EngineShape, EngineSnapshot, EngineStats, KeyRange, Violation, WriteOptions } from './contract.js'
import { boundBytes, halfOpen } from './range.js'

type Begin = Omit<EventBodies['operation.begin'], 'kind'>
type End = Omit<EventBodies['operation.end'], 'kind'>

const OK: End = { status: 'ok' }

export class TracedEngine implements Engine {
  readonly name: string
  /** What does the work. */
  readonly inner: Engine
  readonly getView?: NonNullable<Engine['getView']>
  readonly #operations: Operations

  constructor(inner: Engine, trace: Trace) {
    this.name = inner.name
    this.inner = inner
    this.#operations = new Operations(trace)
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
      operation => new TracedCursor(this.inner.cursor(range, snapshot), this.#operations, operation),
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

  /** A job, not an operation: told by whoever closes the store. */
  close(): Promise<void> {
    return this.inner.close()
  }

  stats(): EngineStats {
    return this.inner.stats()
  }

  shape(): EngineShape {
    return this.inner.shape()
  }

  async *check(): AsyncIterable<Violation> {
    const operations = this.#operations
    const operation = operations.begin('check', nothing)
    try {
      const violations = operations.trace.within(operation, () => this.inner.check()[Symbol.asyncIterator]())
      for (;;) {
        const next = await operations.trace.during(operation, () => violations.next())
        if (next.done === true) break
        yield next.value
      }
      operations.end(operation, OK)
    } catch (error) {
      operations.end(operation, failure(error))
      throw error
    }
  }
}

class TracedCursor implements Cursor {
  readonly #inner: Cursor
  readonly #operations: Operations
  readonly #step: boolean
  /** What belongs to no other operation belongs to this one. */
  #last: OperationTracer

  constructor(inner: Cursor, operations: Operations, operation: OperationTracer) {
    this.#inner = inner
    this.#operations = operations
    this.#step = operations.trace.at('step') !== null
    this.#last = operation
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
    return this.#operations.trace.within(this.#last, () => this.#inner.next())
  }

  prev(): boolean {
    if (this.#step) return this.#run('next', nothing, () => this.#inner.prev())
    return this.#operations.trace.within(this.#last, () => this.#inner.prev())
  }

  close(): void {
    this.#operations.trace.within(this.#last, () => this.#inner.close())
  }

  #run(kind: OperationKind, about: () => Begin, work: () => boolean): boolean {
    return this.#operations.run(
      kind,
      about,
      operation => {
        this.#last = operation
        return work()
      },
      valid => (valid ? { status: 'found', valueBytes: this.#inner.value.length } : { status: 'missing' }),
    )
  }
}

/** Begins and ends operations. */
class Operations {
  readonly trace: Trace
  readonly #isTold: boolean

  constructor(trace: Trace) {
    this.trace = trace
    this.#isTold = trace.at('io') !== null
  }

  begin(kind: OperationKind, about: () => Begin): OperationTracer {
    const operation = this.trace.begin(kind)
    if (this.#isTold) operation.emit({ type: 'operation.begin', kind, ...about() })
    return operation
  }

  end(operation: OperationTracer, end: End): void {
    const { trace } = this
    const { touched } = trace
    trace.touched = undefined
    if (!this.#isTold) return
    operation.emit({ type: 'operation.end', kind: operation.kind, ...end, ...(touched !== undefined && { touched }) })
  }

  /** An operation of one turn. */
  run<T>(kind: OperationKind, about: () => Begin, work: (operation: OperationTracer) => T, outcome: (result: T) => End = () => OK): T {
    const operation = this.begin(kind, about)
    try {
      const result = this.trace.within(operation, () => work(operation))
      this.end(operation, outcome(result))
      return result
    } catch (error) {
      this.end(operation, failure(error))
      throw error
    }
  }

  /** An operation that is done when the call returns, or else when its promise settles. */
  runWrite(kind: OperationKind, about: () => Begin, work: () => Promise<void> | void): Promise<void> | void {
    const operation = this.begin(kind, about)
    let pending: Promise<void> | void
    try {
      pending = this.trace.within(operation, work)
    } catch (error) {
      this.end(operation, failure(error))
      throw error
    }
    if (pending !== undefined) return this.#settled(operation, pending)
    this.end(operation, OK)
  }

  /** An operation of several turns. */
  runLasting(kind: OperationKind, about: () => Begin, work: () => Promise<void>): Promise<void> {
    const operation = this.begin(kind, about)
    return this.#settled(operation, this.trace.during(operation, work))
  }

  async #settled(operation: OperationTracer, pending: Promise<void>): Promise<void> {
    try {
      await pending
    } catch (error) {
      this.end(operation, failure(error))
      throw error
    }
    this.end(operation, OK)
  }
}

function nothing(): Begin {
  return {}
}

function failure(error: unknown): End {
  return { status: 'failed', error: error instanceof Error ? error.message : String(error) }
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
