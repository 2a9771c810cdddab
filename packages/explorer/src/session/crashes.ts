/**
 * Power loss at a position: the images that may be left of a lane's files, and what recovery makes of each.
 *
 * Invariants:
 * 1. The parts of what is not synced are whole sectors of writes and whole changes of names. Where at most `MOST_PARTS` parts are not synced, every
 *    choice among them is an image; otherwise `SAMPLES` images are drawn, in which writes may be torn at any byte, besides the two extremes.
 * 2. What a recovered store holds is compared with the state after each number of the lane's writes: after an honest recovery it is one of them, and no
 *    write is lost that was acknowledged as durable. A transaction is one write, at its commit. Keys that were ever put to expire are left out: what a store has reclaimed of them is no loss.
 */
import type { MemoryFileSystem } from 'kvarium/vfs'
import { formatOperation } from '../run/command.js'
import type { CrashImage, KeyInterval, Operation, TransactionWrite } from '../run/operation.js'
import { imageOf, type Run } from '../run/run.js'
import type { CrashOutcome, Crashed } from './protocol.js'
import { TransactionWrites, type Pending } from './transaction-writes.js'

const MOST_PARTS = 8
const SAMPLES = 64

/** Lost operations that an outcome names. */
const NAMED_LOST = 20

/** Puts and deletions of one operation: they happen all or not at all. */
interface Write {
  /** Index of the operation. */
  readonly operation: number
  readonly isDurable: boolean
  apply(state: StateHash): void
}

export async function crashAt(run: Run, lane: number, position: number): Promise<Crashed> {
  const events = run.moments
    .slice(0, position)
    .reduce((count, moment) => count + (moment.kind === 'event' && moment.lane === lane ? 1 : 0), 0)
  const { parts, images } = await run.at(lane, events, imagesOf)
  const { acknowledged, underway } = writesUntil(run, lane, position)
  const expiring = expiringUntil(run, position)
  const states = await statesAfter(run, lane, [...acknowledged, ...underway], expiring)
  const durable = acknowledged.findLastIndex(write => write.isDurable) + 1
  const outcomes = new Map<string, { -readonly [Field in keyof CrashOutcome]: CrashOutcome[Field] }>()
  for (const [image, files] of images) {
    const found = await recovered(run, lane, files, expiring)
    const key = typeof found === 'string' ? found : found.toString()
    const known = outcomes.get(key)
    if (known !== undefined) {
      known.images++
      continue
    }
    const kept = states.lastIndexOf(key)
    const lost = kept < 0 ? [] : acknowledged.slice(kept)
    outcomes.set(key, {
      image,
      images: 1,
      ...(typeof found === 'string' ? { problem: found } : { entries: found.entries }),
      kept: Math.min(kept, acknowledged.length),
      keptUnderway: Math.max(0, kept - acknowledged.length),
      lost: lost.slice(0, NAMED_LOST).map(({ operation }) => ({ operation, text: formatOperation(run.operations[operation]) })),
      lostCount: lost.length,
      isRight: kept >= durable,
    })
  }
  return {
    position,
    lane,
    event: events,
    parts,
    images: images.length,
    isComplete: parts.length <= MOST_PARTS,
    acknowledged: acknowledged.length,
    durable,
    outcomes: [...outcomes.values()].sort((a, b) => b.kept + b.keptUnderway - a.kept - a.keptUnderway),
  }
}

function imagesOf(
  files: MemoryFileSystem,
): Pick<Crashed, 'parts'> & { readonly images: readonly (readonly [CrashImage, MemoryFileSystem])[] } {
  const parts = files.unsynced()
  const choices: CrashImage[] = parts.length === 0 ? ['all'] : ['all', 'none']
  if (parts.length <= MOST_PARTS) {
    for (let bits = 1; bits < 2 ** parts.length - 1; bits++) choices.push([...parts.keys()].filter(part => (bits >> part) & 1))
  } else for (let seed = 1; seed <= SAMPLES; seed++) choices.push(seed)
  return { parts, images: choices.map(choice => [choice, imageOf(files, choice)]) }
}

/** What a store opened on these files holds, or why it does not open. */
async function recovered(run: Run, lane: number, files: MemoryFileSystem, expiring: ReadonlySet<string>): Promise<StateHash | string> {
  const store = run.recover(lane, files)
  const outcome = await store.open()
  if (outcome.status === 'failed') return outcome.text
  try {
    const state = new StateHash(expiring)
    for (const [key, value] of await store.entries()) state.put(key, value)
    return state
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await store.close()
  }
}

/** The writes that a lane had acknowledged at a position since it was last recovered, and those that were under way. */
function writesUntil(
  run: Run,
  lane: number,
  position: number,
): { readonly acknowledged: readonly Write[]; readonly underway: readonly Write[] } {
  let acknowledged: Write[] = []
  let underway: Write[] = []
  const transactions = new TransactionWrites()
  for (const moment of run.moments.slice(0, position)) {
    if (moment.lane !== lane) continue
    const committed = transactions.take(moment, run.operations)
    if (moment.kind === 'event' || moment.operation < 0) continue
    const operation = run.operations[moment.operation]
    if (moment.kind === 'call') {
      const write = writeOf(operation, moment.operation, transactions)
      underway = write === undefined ? [] : [write]
      continue
    }
    underway = []
    if (operation.type === 'crash') {
      // A crash that could not be done has changed nothing.
      const position = run.starts[moment.operation] + 1
      if (run.found.some(found => found.lane === lane && found.position === position)) acknowledged = []
    }
    if (moment.outcome.status === 'failed') continue
    const write = committed === undefined ? writeOf(operation, moment.operation, transactions) : commitOf(committed, moment.operation)
    if (write !== undefined) acknowledged.push(write)
  }
  return { acknowledged, underway }
}

/** The keys that were put to expire. */
function expiringUntil(run: Run, position: number): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const [index, operation] of run.operations.entries()) {
    if (run.starts[index] >= position) break
    const writes = operation.type === 'batch' ? operation.operations : [operation.type === 'in' ? operation.operation : operation]
    for (const write of writes) if (write.type === 'put' && write.ttl !== undefined) keys.add(write.key)
  }
  return keys
}

/** What an operation writes; a sync, a flush or a close writes nothing and makes durable what was written before. */
function writeOf(operation: Operation, index: number, transactions: TransactionWrites): Write | undefined {
  switch (operation.type) {
    case 'put':
    case 'del':
      return writeOfAll([operation], index, operation.sync)
    case 'batch':
      return writeOfAll(operation.operations, index, operation.sync)
    case 'clear':
      return writeOfAll([operation], index)
    case 'commit': {
      const pending = transactions.pending(operation.name)
      return pending === undefined ? undefined : commitOf(pending, index)
    }
    case 'sync':
    case 'flush':
    case 'reopen':
      return { operation: index, isDurable: true, apply: () => undefined }
    default:
      return undefined
  }
}

function commitOf({ writes, isSync }: Pending, operation: number): Write {
  return writeOfAll([...writes], operation, isSync)
}

function writeOfAll(writes: readonly TransactionWrite[], operation: number, isDurable = false): Write {
  return {
    operation,
    isDurable,
    apply: state => {
      for (const write of writes) applyOne(state, write)
    },
  }
}

function applyOne(state: StateHash, write: TransactionWrite): void {
  if (write.type === 'put') state.put(write.key, write.value)
  else if (write.type === 'del') state.del(write.key)
  else state.clear(write)
}

/** What the lane's store holds after each number of writes. */
async function statesAfter(run: Run, lane: number, writes: readonly Write[], expiring: ReadonlySet<string>): Promise<readonly string[]> {
  const first = await recovered(run, lane, await run.base(lane), expiring)
  if (typeof first === 'string') return []
  const states = [first.toString()]
  for (const write of writes) {
    write.apply(first)
    states.push(first.toString())
  }
  return states
}

/** Entries, and a digest of them that does not depend on their order: equal for equal contents. */
class StateHash {
  readonly #values = new Map<string, string>()
  readonly #leftOut: ReadonlySet<string>
  #a = 0
  #b = 0

  /** @param leftOut - Keys of which it takes no entry. */
  constructor(leftOut: ReadonlySet<string>) {
    this.#leftOut = leftOut
  }

  get entries(): number {
    return this.#values.size
  }

  put(key: string, value: string): void {
    if (this.#leftOut.has(key)) return
    this.del(key)
    this.#values.set(key, value)
    this.#mix(key, value, 1)
  }

  del(key: string): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#mix(key, value, -1)
  }

  clear({ from, to }: KeyInterval): void {
    for (const key of [...this.#values.keys()]) if ((from === undefined || key >= from) && (to === undefined || key < to)) this.del(key)
  }

  toString(): string {
    return `${this.entries} ${this.#a} ${this.#b}`
  }

  #mix(key: string, value: string, sign: 1 | -1): void {
    const entry = JSON.stringify([key, value])
    let a = 0x811c9dc5
    let b = 0x2545f491
    for (let index = 0; index < entry.length; index++) {
      a = Math.imul(a ^ entry.charCodeAt(index), 0x01000193)
      b = Math.imul(b + entry.charCodeAt(index), 0x9e3779b1) ^ (b >>> 13)
    }
    this.#a = (this.#a + sign * a) | 0
    this.#b = (this.#b + sign * b) | 0
  }
}
