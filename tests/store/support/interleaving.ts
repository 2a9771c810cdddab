/** Runs transactions step by step in a given order, and records what each of them saw and did. */
import type { TransactionStore } from './transaction-stores.js'

export interface KeyRangePlan {
  readonly gte: string | undefined
  readonly lt: string | undefined
  readonly reverse: boolean
  readonly limit: number
  readonly inSublevel: boolean
}

export type Operation =
  | { readonly kind: 'get' | 'has' | 'put' | 'del'; readonly key: string; readonly inSublevel: boolean }
  | { readonly kind: 'getMany' | 'batch'; readonly keys: readonly string[]; readonly inSublevel: boolean }
  /** Takes at most this number of entries, one by one, and leaves the rest. */
  | { readonly kind: 'scan'; readonly range: KeyRangePlan; readonly taken: number }
  | { readonly kind: 'clear'; readonly range: KeyRangePlan }

export interface TransactionPlan {
  readonly operations: readonly Operation[]
  /** The function throws at its end. */
  readonly fails: boolean
  readonly retries: number
  readonly sync: boolean
}

export type PlainWrite =
  | { readonly kind: 'put' | 'del' | 'long'; readonly key: string; readonly inSublevel: boolean }
  | { readonly kind: 'clear'; readonly range: KeyRangePlan }

export interface History {
  readonly start: readonly { readonly key: string; readonly inSublevel: boolean }[]
  readonly transactions: readonly TransactionPlan[]
  readonly plain: readonly PlainWrite[]
  /** Each entry lets a transaction make a step, or starts a plain write: those have numbers after the transactions. */
  readonly order: readonly number[]
  readonly pauses: readonly number[]
}

/** A step as it happened, over keys as they are stored. */
export type Done =
  | { readonly read: 'get'; readonly key: string; readonly value: string | undefined }
  | { readonly read: 'has'; readonly key: string; readonly found: boolean }
  | { readonly read: 'scan'; readonly range: StoredRange; readonly entries: readonly (readonly [string, string])[] }
  | { readonly write: 'put'; readonly key: string; readonly value: string }
  | { readonly write: 'del'; readonly key: string }
  | { readonly write: 'clear'; readonly range: StoredRange }

export interface StoredRange {
  readonly gte: string
  readonly lt: string
  readonly reverse: boolean
  readonly limit: number
}

export interface Outcome {
  readonly start: readonly (readonly [string, string])[]
  readonly committed: readonly (readonly Done[])[]
  readonly conflicts: number
  readonly end: readonly (readonly [string, string])[]
}

const PREFIX = '!s!'
/** More than a batch of one turn may have. */
const LONG_OPERATIONS = 2100

class RolledBack extends Error {}

export async function runHistory(db: TransactionStore, plan: History): Promise<Outcome> {
  const sub = db.sublevel('s')
  await sub.open()
  await db.clear()
  await db.batch(plan.start.map(({ key, inSublevel }, index) => ({ type: 'put', key: stored(key, inSublevel), value: `start ${index}` })))
  const start = await db.iterator().all()
  let value = 0
  const committed: Done[][] = []
  let conflicts = 0
  const gates = plan.transactions.map(() => new Gate())

  const run = async ({ operations, fails, retries, sync }: TransactionPlan, gate: Gate): Promise<void> => {
    let done: Done[] = []
    try {
      await db.transaction(
        async tx => {
          done = []
          for (const operation of operations) {
            await gate.pass()
            const sublevel = 'range' in operation ? operation.range.inSublevel : operation.inSublevel
            const options = sublevel ? { sublevel: sub } : {}
            const full = (key: string): string => stored(key, sublevel)
            if (operation.kind === 'get') done.push({ read: 'get', key: full(operation.key), value: await tx.get(operation.key, options) })
            else if (operation.kind === 'has')
              done.push({ read: 'has', key: full(operation.key), found: await tx.has(operation.key, options) })
            else if (operation.kind === 'getMany') {
              const values = await tx.getMany(operation.keys, options)
              operation.keys.forEach((key, index) => done.push({ read: 'get', key: full(key), value: values[index] }))
            } else if (operation.kind === 'put') {
              const put = `value ${++value}`
              await tx.put(operation.key, put, options)
              done.push({ write: 'put', key: full(operation.key), value: put })
            } else if (operation.kind === 'del') {
              await tx.del(operation.key, options)
              done.push({ write: 'del', key: full(operation.key) })
            } else if (operation.kind === 'batch') {
              const puts = operation.keys.map(key => ({ type: 'put' as const, key, value: `value ${++value}`, ...options }))
              await tx.batch(puts)
              for (const put of puts) done.push({ write: 'put', key: full(put.key), value: put.value })
            } else if (operation.kind === 'clear') {
              await tx.clear({ ...given(operation.range), ...options })
              done.push({ write: 'clear', range: rangeOf(operation.range) })
            } else if (operation.kind === 'scan') {
              const { range, taken } = operation
              const entries: [string, string][] = []
              const iterator = tx.iterator({ ...given(range), ...options })
              for (let left = taken; left > 0; left--) {
                const entry = await iterator.next()
                if (entry === undefined) break
                entries.push([full(entry[0]), entry[1]])
              }
              // One that was left has only seen as many.
              const limit = Math.min(taken, range.limit < 0 ? Infinity : range.limit)
              done.push({ read: 'scan', range: { ...rangeOf(range), limit }, entries })
            }
          }
          await gate.pass()
          if (fails) throw new RolledBack()
        },
        { retries, sync },
      )
      committed.push(done)
    } catch (error) {
      if (error instanceof RolledBack) return
      if ((error as { code?: string }).code !== 'LEVEL_TRANSACTION_CONFLICT') throw error
      conflicts++
    }
  }

  const write = async (one: PlainWrite): Promise<void> => {
    if (one.kind === 'clear') {
      await (one.range.inSublevel ? sub.clear(given(one.range)) : db.clear(given(one.range)))
      committed.push([{ write: 'clear', range: rangeOf(one.range) }])
      return
    }
    const key = stored(one.key, one.inSublevel)
    const put = `value ${++value}`
    if (one.kind === 'del') await db.del(key)
    else if (one.kind === 'put') await db.put(key, put)
    else await db.batch(Array.from({ length: LONG_OPERATIONS }, () => ({ type: 'put' as const, key, value: put })))
    committed.push([one.kind === 'del' ? { write: 'del', key } : { write: 'put', key, value: put }])
  }

  const running: Promise<void>[] = plan.transactions.map((one, index) => run(one, gates[index]))
  for (const [index, number] of plan.order.entries()) {
    if (number < gates.length) gates[number].open()
    else running.push(write(plan.plain[number - gates.length]))
    await pause(plan.pauses[index])
  }
  for (const gate of gates) gate.remove()
  await Promise.all(running)
  return { start, committed, conflicts, end: await db.iterator().all() }
}

function stored(key: string, inSublevel: boolean): string {
  return inSublevel ? PREFIX + key : key
}

function given({ gte, lt, reverse, limit }: KeyRangePlan): { gte?: string; lt?: string; reverse: boolean; limit: number } {
  return { ...(gte !== undefined && { gte }), ...(lt !== undefined && { lt }), reverse, limit }
}

function rangeOf({ gte, lt, reverse, limit, inSublevel }: KeyRangePlan): StoredRange {
  if (!inSublevel) return { gte: gte ?? '', lt: lt ?? '\uffff', reverse, limit: limit < 0 ? Infinity : limit }
  return {
    gte: PREFIX + (gte ?? ''),
    lt: lt === undefined ? '!s"' : PREFIX + lt,
    reverse,
    limit: limit < 0 ? Infinity : limit,
  }
}

async function pause(length: number): Promise<void> {
  if (length === 0) return
  if (length === 4) return new Promise(resolve => setImmediate(resolve))
  for (let left = length * 3; left > 0; left--) await Promise.resolve()
}

/** Where a transaction waits for its next step. */
class Gate {
  #steps = 0
  #isRemoved = false
  #wake: (() => void) | undefined

  open(): void {
    this.#steps++
    this.#wake?.()
  }

  /** From now on everything passes: runs again, too. */
  remove(): void {
    this.#isRemoved = true
    this.#wake?.()
  }

  async pass(): Promise<void> {
    while (this.#steps === 0 && !this.#isRemoved) await new Promise<void>(resolve => (this.#wake = resolve))
    this.#steps--
  }
}
