/**
 * The writes that took effect while transactions are open: by key and, for clears, by range. A transaction that wants to commit asks it what
 * has changed since its start.
 *
 * Invariants:
 * 1. Writes have numbers in the order in which they take effect. Those up to the start of a transaction are at its moment, later ones are not.
 * 2. The moment of a transaction is the present until the first write after its start is about to take effect. Only then the engine makes a
 *    snapshot, one for all transactions that began since the write before.
 * 3. Nothing is kept while no transaction is open, and nothing older than the start of the oldest one.
 * 4. The history is bounded: past the limit the oldest transactions lose their claim to it, and cannot commit writes.
 * 5. Open transactions are a linked list in the order of their starts. Those at the present are the last ones of it.
 */
import type { Engine, EngineSnapshot } from '../../engine/contract.js'
import { typedError } from '../../vfs/vfs-error.js'
import type { KeyText, TextRange } from './key-text.js'
import type { ReadSet } from './read-set.js'

/** Memory that the history takes at most, in bytes, roughly. */
const HISTORY_BYTES = 32 << 20
/** What an entry takes beside its key. */
const ENTRY_BYTES = 96
/** The pruned part of the log is cut off once it is this long, and half of the log. */
const PRUNED_ENTRIES = 1024

interface Clear {
  readonly range: TextRange
  readonly number: number
}

/** The start of a transaction in the history. */
export class OpenTransaction {
  /** The number of the last write in effect. */
  readonly start: number
  /** The history no longer reaches back to the start. */
  isOverrun = false
  /** Why the moment could not be kept. */
  failure: Error | undefined
  /** Undefined while the moment is the present. */
  moment: SharedMoment | undefined
  /** Whether it is in the list of the history, and its neighbours there. */
  isListed = false
  older: OpenTransaction | undefined
  younger: OpenTransaction | undefined

  constructor(start: number) {
    this.start = start
  }

  /** Where to read; `undefined` is the present. Throws where the moment is lost. */
  get snapshot(): EngineSnapshot | undefined {
    if (this.failure !== undefined) throw this.failure
    return this.moment?.snapshot
  }
}

/** One snapshot of the engine for several transactions. */
class SharedMoment {
  readonly snapshot: EngineSnapshot
  #users = 0

  constructor(snapshot: EngineSnapshot) {
    this.snapshot = snapshot
  }

  give(transaction: OpenTransaction): void {
    transaction.moment = this
    this.#users++
  }

  release(): void {
    if (--this.#users === 0) this.snapshot.release()
  }
}

export class CommitHistory {
  readonly #engine: Pick<Engine, 'snapshot'>
  readonly #limitBytes: number
  #oldest: OpenTransaction | undefined
  #youngest: OpenTransaction | undefined
  /** The oldest one whose moment is the present. */
  #atPresent: OpenTransaction | undefined
  #number = 0
  /** The number of the last write of each key. */
  #last = new Map<KeyText, number>()
  /** Writes of keys in their order; those before `#first` are pruned. */
  #keys: KeyText[] = []
  #numbers: number[] = []
  #first = 0
  #clears: Clear[] = []
  #bytes = 0

  constructor(engine: Pick<Engine, 'snapshot'>, limitBytes = HISTORY_BYTES) {
    this.#engine = engine
    this.#limitBytes = limitBytes
  }

  /** Whether writes have to be entered. */
  get isOpen(): boolean {
    return this.#oldest !== undefined
  }

  /** Roughly what the history takes, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  begin(): OpenTransaction {
    const transaction = new OpenTransaction(this.#number)
    transaction.isListed = true
    transaction.older = this.#youngest
    if (this.#youngest === undefined) this.#oldest = transaction
    else this.#youngest.younger = transaction
    this.#youngest = transaction
    this.#atPresent ??= transaction
    return transaction
  }

  /** Ends a transaction, however it ended. Ending twice is harmless. */
  end(transaction: OpenTransaction): void {
    transaction.moment?.release()
    transaction.moment = undefined
    if (transaction.isListed) this.#drop(transaction)
  }

  /** Ends all transactions. */
  close(): void {
    while (this.#oldest !== undefined) this.end(this.#oldest)
  }

  /** A write begins of which neither the keys nor the moment are known: no transaction that is open can commit writes any more. */
  interrupt(): void {
    this.beforeWrite()
    while (this.#oldest !== undefined) this.#overrun(this.#oldest)
  }

  /** A write is about to take effect: keeps the moment of the transactions that read the present. */
  beforeWrite(): void {
    const first = this.#atPresent
    if (first === undefined) return
    this.#atPresent = undefined
    try {
      const moment = new SharedMoment(this.#engine.snapshot())
      for (let at: OpenTransaction | undefined = first; at !== undefined; at = at.younger) moment.give(at)
    } catch (error) {
      // The write goes on.
      const failure = typedError(error)
      for (let at: OpenTransaction | undefined = first; at !== undefined; at = at.younger) at.failure = failure
    }
  }

  /** A write is in effect. */
  addKeys(keys: Iterable<KeyText>): void {
    const number = ++this.#number
    for (const key of keys) {
      this.#last.set(key, number)
      this.#keys.push(key)
      this.#numbers.push(number)
      this.#bytes += ENTRY_BYTES + key.length
    }
    if (this.#bytes > this.#limitBytes) this.#shorten()
  }

  /** A clear is in effect. */
  addRange(range: TextRange): void {
    this.#clears.push({ range, number: ++this.#number })
    this.#bytes += bytesOf(range)
    if (this.#bytes > this.#limitBytes) this.#shorten()
  }

  /** A key that was read and has changed since the start of the transaction. */
  conflictOf({ start }: OpenTransaction, reads: ReadSet): KeyText | undefined {
    if (this.#number === start) return undefined
    return this.#changedKey(start, reads) ?? this.#changedRange(start, reads)
  }

  #changedKey(start: number, reads: ReadSet): KeyText | undefined {
    for (const key of reads.keys()) if ((this.#last.get(key) ?? 0) > start) return key
    if (reads.ranges.length === 0) return undefined
    for (let at = this.#keys.length - 1; at >= this.#first && this.#numbers[at] > start; at--) {
      if (reads.isInRange(this.#keys[at])) return this.#keys[at]
    }
    return undefined
  }

  #changedRange(start: number, reads: ReadSet): KeyText | undefined {
    for (const { range, number } of this.#clears) {
      const key = number > start ? reads.firstIn(range) : undefined
      if (key !== undefined) return key
    }
    return undefined
  }

  #shorten(): void {
    while (this.#bytes > this.#limitBytes && this.#oldest !== undefined) this.#overrun(this.#oldest)
    if (this.#oldest === undefined) this.#forget()
  }

  #overrun(transaction: OpenTransaction): void {
    transaction.isOverrun = true
    this.#drop(transaction)
  }

  #drop(transaction: OpenTransaction): void {
    const { older, younger } = transaction
    transaction.isListed = false
    transaction.older = transaction.younger = undefined
    if (younger === undefined) this.#youngest = older
    else younger.older = older
    if (this.#atPresent === transaction) this.#atPresent = younger
    if (older !== undefined) older.younger = younger
    else {
      this.#oldest = younger
      if (younger === undefined) this.#forget()
      else this.#prune(younger.start)
    }
  }

  /** Forgets the writes up to the number. */
  #prune(start: number): void {
    while (this.#first < this.#keys.length && this.#numbers[this.#first] <= start) {
      const key = this.#keys[this.#first]
      if (this.#last.get(key) === this.#numbers[this.#first]) this.#last.delete(key)
      this.#bytes -= ENTRY_BYTES + key.length
      this.#first++
    }
    if (this.#first >= PRUNED_ENTRIES && this.#first * 2 >= this.#keys.length) {
      this.#keys = this.#keys.slice(this.#first)
      this.#numbers = this.#numbers.slice(this.#first)
      this.#first = 0
    }
    while (this.#clears.length > 0 && this.#clears[0].number <= start) this.#bytes -= bytesOf(this.#clears.shift()!.range)
  }

  #forget(): void {
    if (this.#keys.length === 0 && this.#clears.length === 0) return
    this.#last = new Map()
    this.#keys = []
    this.#numbers = []
    this.#clears = []
    this.#first = 0
    this.#bytes = 0
  }
}

function bytesOf({ lower, upper = '' }: TextRange): number {
  return ENTRY_BYTES + lower.length + upper.length
}
