/**
 * A whole storage engine: one sorted array that is never changed, only replaced. So a snapshot is a reference to it, a
 * batch is atomic by nature, and a cursor sees one moment; but every write copies the array. `custom-engine.ts` registers and uses it.
 *
 * Read it in this order: `arrayEngine` is what the store and the tools know, `ArrayEngine` the reads and writes, `ArrayCursor` a position in a
 * range. "How to add an engine" in CONTRIBUTING.md has the steps.
 */
import { ByteView, compareKeys, halfOpen, KIND_PUT, Ledger, MisuseError, type WriteBatch } from 'kvarium/engine'
import type {
  Cursor,
  Engine,
  EngineFactory,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  Violation,
  WriteOptions,
} from 'kvarium/engine'

interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What is registered. An engine on disk is `durable` and also says which `files` it makes. */
export const arrayEngine: EngineFactory = {
  name: 'array',
  durable: false,
  options: {},
  open: async () => new ArrayEngine(),
}

class ArraySnapshot implements EngineSnapshot {
  readonly entries: readonly Entry[]

  constructor(entries: readonly Entry[]) {
    this.entries = entries
  }

  release(): void {
    // The garbage collector frees the array.
  }
}

class ArrayEngine implements Engine {
  readonly name = 'array'
  readonly #ledger = new Ledger()
  #entries: readonly Entry[] = []
  #closed = false

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const entries = this.#at(snapshot)
    const entry = entries[firstAtOrAfter(entries, key)] as Entry | undefined
    const found = entry !== undefined && compareKeys(entry.key, key) === 0
    this.#ledger[found ? 'found' : 'missing'].operations++
    return found ? Uint8Array.from(entry.value) : undefined
  }

  write(batch: WriteBatch, { precondition, applied }: WriteOptions): void {
    this.#requireOpen()
    precondition?.()
    const entries = [...this.#entries]
    // No operation has a number here; sealing finishes the batch.
    batch.seal(0)
    for (const reader = batch.reader(); reader.next();) {
      const key = reader.key.copy()
      const index = firstAtOrAfter(entries, key)
      const isThere = index < entries.length && compareKeys(entries[index].key, key) === 0
      entries.splice(index, isThere ? 1 : 0, ...(reader.kind === KIND_PUT ? [{ key, value: reader.value.copy() }] : []))
    }
    this.#entries = entries
    this.#ledger.userBytes += batch.userBytes
    this.#ledger.operations.batches++
    this.#ledger.operations.deletes += batch.deletes
    this.#ledger.operations.puts += batch.count - batch.deletes
    applied?.()
  }

  clear(range: KeyRange, { precondition, applied }: WriteOptions): void {
    this.#requireOpen()
    precondition?.()
    const [from, to] = indexesOf(this.#entries, range)
    this.#entries = this.#entries.toSpliced(from, to - from)
    const { lower, upper } = halfOpen(range)
    this.#ledger.userBytes += (lower?.length ?? 0) + (upper?.length ?? 0)
    this.#ledger.operations.clears++
    applied?.()
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    const entries = this.#at(snapshot)
    return new ArrayCursor(entries.slice(...indexesOf(entries, range)), () => this.#ledger.scan.operations++)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return new ArraySnapshot(this.#entries)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return bytesOf(this.#entries.slice(...indexesOf(this.#entries, range)))
  }

  async flush(): Promise<void> {
    this.#requireOpen()
  }

  async compact(): Promise<void> {
    this.#requireOpen()
  }

  async settle(): Promise<void> {
    this.#requireOpen()
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  stats(): EngineStats {
    const bytes = bytesOf(this.#entries)
    return {
      engine: this.name,
      ledger: this.#ledger.counts(bytes),
      memoryBytes: bytes,
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    return { engine: this.name, entries: this.#entries.length }
  }

  async *check(): AsyncGenerator<Violation> {
    this.#requireOpen()
    for (const [index, { key }] of this.#entries.entries()) {
      if (index > 0 && compareKeys(this.#entries[index - 1].key, key) >= 0) yield { path: `array / ${index}`, message: 'out of order' }
    }
  }

  #at(snapshot: EngineSnapshot | undefined): readonly Entry[] {
    this.#requireOpen()
    return snapshot instanceof ArraySnapshot ? snapshot.entries : this.#entries
  }

  #requireOpen(): void {
    if (this.#closed) throw new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine is closed; open it again')
  }
}

class ArrayCursor implements Cursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #count: () => void
  #entries: readonly Entry[]
  #index = -1
  #isOpen = true

  constructor(entries: readonly Entry[], count: () => void) {
    this.#entries = entries
    this.#count = count
  }

  get valid(): boolean {
    return this.#index >= 0 && this.#index < this.#entries.length
  }

  first(): boolean {
    return this.#moveTo(0)
  }

  last(): boolean {
    return this.#moveTo(this.#entries.length - 1)
  }

  seek(target: Uint8Array): boolean {
    return this.#moveTo(firstAtOrAfter(this.#entries, target))
  }

  seekReverse(target: Uint8Array): boolean {
    const index = firstAtOrAfter(this.#entries, target)
    const isExact = index < this.#entries.length && compareKeys(this.#entries[index].key, target) === 0
    return this.#moveTo(isExact ? index : index - 1)
  }

  next(): boolean {
    if (!this.valid) throw new MisuseError('LEVEL_CURSOR_INVALID', 'next() needs a valid cursor')
    return this.#moveTo(this.#index + 1)
  }

  prev(): boolean {
    if (!this.valid) throw new MisuseError('LEVEL_CURSOR_INVALID', 'prev() needs a valid cursor')
    return this.#moveTo(this.#index - 1)
  }

  close(): void {
    this.#isOpen = false
    this.#entries = []
  }

  #moveTo(index: number): boolean {
    if (!this.#isOpen) throw new MisuseError('LEVEL_CURSOR_CLOSED', 'The cursor is closed')
    this.#index = index
    if (!this.valid) return false
    const { key, value } = this.#entries[index]
    this.key.set(key, 0, key.length)
    this.value.set(value, 0, value.length)
    this.#count()
    return true
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
}

function indexesOf(entries: readonly Entry[], range: KeyRange): [from: number, to: number] {
  const { lower, upper } = halfOpen(range)
  const from = lower === undefined ? 0 : firstAtOrAfter(entries, lower)
  const to = upper === undefined ? entries.length : firstAtOrAfter(entries, upper)
  return [from, Math.max(from, to)]
}

function firstAtOrAfter(entries: readonly Entry[], key: Uint8Array): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(entries[middle].key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
