/**
 * Performs operations on an open store, one at a time: times each, and compares its answer with the oracle.
 *
 * Invariant: only the store's own work is timed, not preparing and checking operations.
 */
import type { MeasuredStore } from './measured-store.js'
import type { Operation, ScanOperation } from './operation.js'
import type { ExpectedEntries, Oracle } from './oracle.js'
import { showKey, wrongValue } from './problem-list.js'

const SYNC = { sync: true }
const SCAN_CHUNK = 1000

export interface StoreDriverParts {
  readonly db: MeasuredStore
  readonly oracle: Oracle
  /** Called with every wrong answer. */
  readonly wrong: (message: string) => void
  /** Prepares for `reopen`, untimed. */
  readonly beforeReopen: () => Promise<void>
  /** Closes the store and opens it again. */
  readonly reopen: () => Promise<void>
}

export class StoreDriver {
  readonly #parts: StoreDriverParts
  #elapsedMs = 0
  #entries = 0

  constructor(parts: StoreDriverParts) {
    this.#parts = parts
  }

  /** Milliseconds that the last operation spent inside the store. */
  get elapsedMs(): number {
    return this.#elapsedMs
  }

  /** Entries that the last operation wrote, looked up or scanned. */
  get entries(): number {
    return this.#entries
  }

  async perform(operation: Operation): Promise<void> {
    const { db, wrong, beforeReopen, reopen } = this.#parts
    this.#entries = 1
    switch (operation.type) {
      case 'put': {
        const { key, value, sync } = operation
        const start = performance.now()
        await (sync === true ? db.put(key, value, SYNC) : db.put(key, value))
        return this.#took(start)
      }
      case 'del': {
        const { key, sync } = operation
        const start = performance.now()
        await (sync === true ? db.del(key, SYNC) : db.del(key))
        return this.#took(start)
      }
      case 'batch': {
        const { operations, sync } = operation
        // Typed as a mutable array, but never changed.
        const writes = operations as (typeof operations)[number][]
        this.#entries = writes.length
        const start = performance.now()
        // No options if possible: abstract-level copies them into every operation, which costs microseconds.
        await (sync === true ? db.batch(writes, SYNC) : db.batch(writes))
        return this.#took(start)
      }
      case 'clear': {
        const { sync = false } = operation
        const range = boundsOf(operation)
        const start = performance.now()
        await db.clear({ ...range, sync })
        return this.#took(start)
      }
      case 'get': {
        const start = performance.now()
        const value = await db.get(operation.key)
        this.#took(start)
        return this.#expect(operation.key, value)
      }
      case 'get-sync': {
        const start = performance.now()
        const found = db.getSync(operation.key)
        const value = found instanceof Promise ? await found : found
        this.#took(start)
        return this.#expect(operation.key, value)
      }
      case 'scan':
        return this.scan(operation, message => wrong(`scan: ${message}`))
      case 'reopen': {
        await beforeReopen()
        const start = performance.now()
        await reopen()
        return this.#took(start)
      }
      case 'flush':
      case 'compact':
      case 'settle': {
        const start = performance.now()
        if (operation.type === 'flush') await db.flush()
        else if (operation.type === 'compact') await db.compactRange()
        else await db.settle()
        return this.#took(start)
      }
    }
  }

  /** In chunks, so that their entries are compared outside of the timing. */
  async scan(operation: ScanOperation, wrong: (message: string) => void): Promise<void> {
    const { reverse = false, limit = -1 } = operation
    const expected = this.#parts.oracle.scan(operation)
    this.#entries = 0
    let start = performance.now()
    const iterator = this.#parts.db.iterator({ ...boundsOf(operation), reverse, limit })
    let elapsed = 0
    try {
      for (;;) {
        const chunk = await iterator.nextv(SCAN_CHUNK)
        elapsed += performance.now() - start
        if (chunk.length === 0) break
        this.#entries += chunk.length
        for (const [key, value] of chunk) compareEntry(key, value, expected, wrong)
        start = performance.now()
      }
    } finally {
      start = performance.now()
      await iterator.close()
      elapsed += performance.now() - start
    }
    if (expected.next()) wrong(`it ended before ${showKey(expected.key)}`)
    this.#elapsedMs = elapsed
  }

  #took(start: number): void {
    this.#elapsedMs = performance.now() - start
  }

  #expect(key: Uint8Array, value: Uint8Array | undefined): void {
    const wrong = wrongValue(key, value, this.#parts.oracle.get(key))
    if (wrong !== undefined) this.#parts.wrong(wrong)
  }
}

function boundsOf({ gte, lt }: { gte?: Uint8Array; lt?: Uint8Array }): { gte?: Uint8Array; lt?: Uint8Array } {
  return { ...(gte !== undefined && { gte }), ...(lt !== undefined && { lt }) }
}

function compareEntry(key: Uint8Array, value: Uint8Array, expected: ExpectedEntries, wrong: (message: string) => void): void {
  if (!expected.next()) return wrong(`${showKey(key)} comes after the last entry`)
  if (!expected.hasKey(key)) return wrong(`${showKey(key)} comes where ${showKey(expected.key)} must`)
  const message = wrongValue(key, value, expected.value)
  if (message !== undefined) wrong(message)
}
