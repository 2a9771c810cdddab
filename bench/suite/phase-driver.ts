/**
 * Performs the operations of a phase on a store, times each, and sums up the answers.
 *
 * Invariants:
 * 1. Only the store's own work is timed, not preparing operations and summing up answers.
 * 2. All engines with right answers have the same digests of operations and of answers.
 */
import type { Hash32 } from '../../src/codec/checksum.js'
import { mix32 } from '../../src/codec/checksum.js'
import { MixedLatencies } from '../../packages/lab/src/compare/latency-recorder.js'
import type { CallLatency, Latency } from '../../packages/lab/src/compare/results.js'
import type { Data } from '../peers/data.js'
import type { Store } from '../peers/stores.js'
import { settle } from '../peers/settle.js'
import { hexadecimal, StreamDigest } from '../../packages/lab/src/workloads/digest.js'
import type { WorkloadOperation, WorkloadPhase } from '../../packages/lab/src/workloads/workload.js'

/** The outcome of a phase on one engine, in one round. */
export interface PhaseOutcome {
  readonly name: string
  readonly operations: number
  readonly entries: number
  /** Sum over the calls, or elapsed time if several ran concurrently. */
  readonly ms: number
  readonly latency: Latency
  readonly distribution: readonly (readonly [us: number, share: number])[]
  /** Per kind of call; empty if there is only one. */
  readonly calls: readonly CallLatency[]
  /** Gets that found an entry, and that did not. */
  readonly found: number
  readonly missing: number
}

export interface PhaseDriverParts {
  readonly store: Store
  readonly hash32: Hash32
  /** Whether `settle` alone is enough, as for kvarium; the processes of other stores are watched, too. */
  readonly trustsSettle: boolean
  /** Called with the duration of a call. */
  readonly onCall: (elapsedMs: number, entries: number) => void
}

const SYNC = { sync: true }
const SCAN_CHUNK = 1000

export class PhaseDriver {
  readonly #parts: PhaseDriverParts
  #digest = 0
  #answers = 0
  #userBytes = 0
  #calls = 0
  #entries = 0
  #found = 0
  #missing = 0
  #latencies = new MixedLatencies()

  constructor(parts: PhaseDriverParts) {
    this.#parts = parts
  }

  /** Key and value bytes put, and key bytes deleted. */
  get userBytes(): number {
    return this.#userBytes
  }

  /** Calls of the store. */
  get calls(): number {
    return this.#calls
  }

  /** Digest of all operations so far. */
  get digest(): string {
    return hexadecimal(this.#digest)
  }

  /** Digest of all answers so far, in phases without a second lane. */
  get answers(): string {
    return hexadecimal(this.#answers)
  }

  async run({ name, lanes }: WorkloadPhase): Promise<PhaseOutcome> {
    const callsBefore = this.#calls
    this.#latencies = new MixedLatencies()
    this.#entries = this.#found = this.#missing = 0
    const answersBefore = this.#answers
    const start = performance.now()
    const digests = await Promise.all(lanes.map(lane => this.#lane(lane())))
    const wallMs = performance.now() - start
    for (const digest of digests) this.#digest = mix32(this.#digest, parseInt(digest, 16))
    // The answers of a reader beside a writer depend on timing.
    if (lanes.length > 1) this.#answers = answersBefore
    return {
      name,
      operations: this.#calls - callsBefore,
      entries: this.#entries,
      ms: lanes.length > 1 ? wallMs : this.#latencies.all.totalMs,
      latency: this.#latencies.all.summary(),
      distribution: this.#latencies.all.distribution(),
      calls: this.#latencies.byKind(),
      found: this.#found,
      missing: this.#missing,
    }
  }

  async #lane(operations: Iterable<WorkloadOperation>): Promise<string> {
    const digest = new StreamDigest(this.#parts.hash32)
    for (const operation of operations) {
      digest.add(operation)
      await this.#perform(operation)
    }
    return digest.toString()
  }

  async #perform(operation: WorkloadOperation): Promise<void> {
    const { store, trustsSettle } = this.#parts
    switch (operation.type) {
      case 'put': {
        const { key, value, sync } = operation
        this.#userBytes += key.length + value.length
        const start = performance.now()
        await (sync === true ? store.put(key, value, SYNC) : store.put(key, value))
        return this.#took(operation.type, performance.now() - start, 1)
      }
      case 'del': {
        const { key, sync } = operation
        this.#userBytes += key.length
        const start = performance.now()
        await (sync === true ? store.del(key, SYNC) : store.del(key))
        return this.#took(operation.type, performance.now() - start, 1)
      }
      case 'batch': {
        const { operations } = operation
        for (const write of operations) this.#userBytes += write.key.length + (write.type === 'put' ? write.value.length : 0)
        const start = performance.now()
        await store.batch(operations)
        return this.#took(operation.type, performance.now() - start, operations.length)
      }
      case 'get': {
        const start = performance.now()
        const value = await store.get(operation.key)
        this.#took(operation.type, performance.now() - start, 1)
        return this.#answer(value)
      }
      case 'get-sync': {
        const start = performance.now()
        const value = store.getSync(operation.key)
        this.#took(operation.type, performance.now() - start, 1)
        return this.#answer(value)
      }
      case 'read-modify-write': {
        const { key, value } = operation
        this.#userBytes += key.length + value.length
        const start = performance.now()
        const before = await store.get(key)
        await store.put(key, value)
        this.#took(operation.type, performance.now() - start, 1)
        return this.#answer(before)
      }
      case 'scan':
        return this.#scan(operation)
      case 'flush': {
        const start = performance.now()
        await store.flush?.()
        return this.#took(operation.type, performance.now() - start, 0)
      }
      case 'settle': {
        const start = performance.now()
        if (trustsSettle) await store.settle?.()
        const end = trustsSettle ? performance.now() : await settle(store)
        return this.#took(operation.type, Math.max(0, end - start), 0)
      }
      case 'clear':
      case 'compact':
      case 'reopen':
        throw new TypeError(`A workload has no operations of type ${operation.type}`)
    }
  }

  async #scan(operation: WorkloadOperation & { readonly type: 'scan' }): Promise<void> {
    const { gte, limit = Infinity, reverse = false } = operation
    const start = performance.now()
    const bounds = { ...(gte !== undefined && { gte }), ...(limit !== Infinity && { limit }) }
    const iterator = this.#parts.store.iterator({ reverse, ...bounds })
    let elapsed = 0
    let chunkStart = start
    let seen = 0
    while (seen < limit) {
      const chunk = await iterator.nextv(Math.min(SCAN_CHUNK, limit - seen))
      elapsed += performance.now() - chunkStart
      seen += chunk.length
      for (const [key, value] of chunk) this.#sum(key, value)
      chunkStart = performance.now()
      if (chunk.length === 0) break
    }
    await iterator.close()
    this.#took(operation.type, elapsed + performance.now() - chunkStart, seen)
  }

  #answer(value: Data | undefined): void {
    if (value === undefined) {
      this.#missing++
      this.#answers = (Math.imul(this.#answers, 31) + 1) >>> 0
    } else {
      this.#found++
      this.#sum(value, value)
    }
  }

  /** Sums a few bytes of each: values are random text, so wrong ones would be noticed. */
  #sum(key: Data, value: Data): void {
    const a = key as Uint8Array
    const b = value as Uint8Array
    const some = a[a.length - 1] | (b[0] << 8) | (b[b.length >> 1] << 16) | (b[b.length - 1] << 24)
    this.#answers = (Math.imul(this.#answers, 31) + some + b.length) >>> 0
  }

  #took(kind: WorkloadOperation['type'], elapsedMs: number, entries: number): void {
    this.#calls++
    this.#entries += entries
    this.#latencies.record(kind, elapsedMs)
    this.#parts.onCall(elapsedMs, entries)
  }
}
