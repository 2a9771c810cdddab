/**
 * Fails the n-th file operation of a workload, for every n, in every way such an operation can fail: once, for a while, from then on.
 *
 * It checks of each run: no error comes before the fault, and every error is typed; reads are right; every call settles; the
 * store continues, or reports that it takes no more writes; after the fault it can be closed, leaves no handle open, and opens
 * with everything acknowledged, even after a power loss at the end or soon after the fault; a failed batch is there as a whole or
 * not at all.
 */
import { WriteBatch } from '../../../src/engine/batch.js'
import type { Hash32 } from '../../../src/codec/checksum.js'
import {
  changesImage,
  FaultyFileSystem,
  type Fault,
  type FileOperation,
  type FileOperationKind,
  type MemoryFileSystem,
} from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import { bounded } from './bounded.js'
import { emptyFileSystem, GROWTH_REFUSED, refuseGrowth, replayCommand, SweepFailure } from './crash-sweep.js'
import { Oracle, type State } from './oracle.js'
import { Session } from './session.js'
import type { Subject } from './subjects.js'
import { workload } from './workload.js'

/** One way to fail, by a name that a replay can give. */
interface Variant {
  readonly name: string
  readonly kinds?: readonly FileOperationKind[]
  readonly effect: Fault['effect']
  /** Operations it hits from the n-th on; default: only that one. */
  readonly times?: number
  /** The kinds of operations to fail; default: the kinds above, or all. */
  readonly alsoOn?: readonly FileOperationKind[]
  /** A failed sync whose data never reach the medium. */
  readonly losesUnsynced?: boolean
  /** Fails only while this many handles are open. */
  readonly handles?: number
  /** The store has what it needs to go on: no call may fail. */
  readonly harmless?: boolean
}

const OPENS: readonly FileOperationKind[] = ['openRead', 'openWrite', 'create']
/** Reading and syncing a directory takes a descriptor, too. */
const NEED_A_DESCRIPTOR: readonly FileOperationKind[] = [...OPENS, 'list', 'syncDirectory']
/** Handles that suffice an engine, with what it does in the background, while one of its tables is open. */
const ENOUGH_HANDLES = 9
const CHANGES: readonly FileOperationKind[] = ['create', 'rename', 'remove', 'syncDirectory', 'truncate', 'sync', 'close']
/** Operations that a full disk fails. */
const GROWING: readonly FileOperationKind[] = ['create', 'write', 'makeDirectory']

const VARIANTS: readonly Variant[] = [
  { name: 'eio', effect: { kind: 'error', code: 'EIO', done: 'nothing' } },
  { name: 'eio-for-ever', effect: { kind: 'error', code: 'EIO', done: 'nothing' }, times: Infinity, alsoOn: [] },
  { name: 'eio-done', kinds: CHANGES, effect: { kind: 'error', code: 'EIO', done: 'all' } },
  { name: 'torn-first-byte', kinds: ['write'], effect: { kind: 'error', code: 'EIO', done: 1 } },
  { name: 'torn-header', kinds: ['write'], effect: { kind: 'error', code: 'EIO', done: 20 } },
  { name: 'torn-sector', kinds: ['write'], effect: { kind: 'error', code: 'EIO', done: 512 } },
  { name: 'written-and-failed', kinds: ['write'], effect: { kind: 'error', code: 'EIO', done: 'all' } },
  {
    name: 'same-kind-for-ever',
    kinds: [...CHANGES, 'write', 'read'],
    effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    times: Infinity,
  },
  { name: 'sync-lost', kinds: ['sync'], effect: { kind: 'error', code: 'EIO', done: 'nothing' }, losesUnsynced: true },
  { name: 'enospc', kinds: GROWING, effect: { kind: 'error', code: 'ENOSPC', done: 'nothing' } },
  { name: 'enospc-torn', kinds: ['write'], effect: { kind: 'error', code: 'ENOSPC', done: 7 } },
  { name: 'full-for-a-while', kinds: GROWING, effect: { kind: 'error', code: 'ENOSPC', done: 'nothing' }, times: 12, alsoOn: GROWING },
  { name: 'full', kinds: GROWING, effect: { kind: 'error', code: 'ENOSPC', done: 'nothing' }, times: Infinity, alsoOn: GROWING },
  { name: 'emfile', kinds: NEED_A_DESCRIPTOR, effect: { kind: 'error', code: 'EMFILE', done: 'nothing' } },
  { name: 'emfile-for-ever', kinds: OPENS, effect: { kind: 'error', code: 'EMFILE', done: 'nothing' }, times: Infinity, alsoOn: OPENS },
  { ...budget('descriptors', ENOUGH_HANDLES), harmless: true },
  ...[1, 2, 3, 4, 6, 8].map(handles => budget(`descriptors-${handles}`, handles)),
  { name: 'short-read', kinds: ['read'], effect: { kind: 'short read', bytes: 3 } },
]

/** From the failing operation on only this many handles can be open. */
function budget(name: string, handles: number): Variant {
  return { name, kinds: OPENS, effect: { kind: 'error', code: 'ENFILE', done: 'nothing' }, times: Infinity, alsoOn: OPENS, handles }
}

export interface FaultCounts {
  runs: number
  /** Operations failed. */
  hits: number
}

export interface FaultSweepOptions {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  readonly steps: number
  /** Tries one in this many of the pairs of operation and variant; the seed decides which. */
  readonly oneIn: number
  readonly counts: FaultCounts
  /** Called with each failure; default: the sweep ends by throwing it. */
  readonly onFailure?: (failure: SweepFailure) => void
}

interface PowerLoss {
  readonly image: MemoryFileSystem
  readonly created: boolean
  /** What the wall clock showed. */
  readonly time: number
  /** Hashes of what may be there. */
  readonly allowed: ReadonlySet<number>
}

/** Most changes between the fault and the power loss. */
const MOST_CHANGES_TO_POWER_LOSS = 11
/** Longer than any engine waits before it tries again. */
const WAIT_AFTER_HEALING_MS = 5000

export class FaultSweep {
  readonly #options: FaultSweepOptions

  constructor(options: FaultSweepOptions) {
    this.#options = options
  }

  async run(until = Infinity): Promise<void> {
    const { subject, seed, oneIn } = this.#options
    const operations: FileOperation[] = []
    await this.#try(undefined, undefined, operations)
    let pair = seed
    for (const operation of operations) {
      for (const variant of VARIANTS) {
        if (variant.kinds?.includes(operation.kind) === false) continue
        if (variant.effect.kind === 'short read' && subject.endsMatter(operation.path)) continue
        if (pair++ % oneIn !== 0) continue
        if (performance.now() > until) return
        await this.#try(operation, variant)
      }
    }
  }

  /** Tries `operation:variant`. */
  async replay(path: string): Promise<void> {
    const [number, name] = path.split(':')
    const variant = VARIANTS.find(each => each.name === name)
    const operations: FileOperation[] = []
    await this.#try(undefined, undefined, operations)
    const operation = operations[Number(number) - 1] as FileOperation | undefined
    if (variant === undefined || operation === undefined)
      throw new TypeError(`"${path}" names no operation and fault: write operation:fault`)
    await this.#try(operation, variant)
  }

  async #try(failing: FileOperation | undefined, variant: Variant | undefined, record?: FileOperation[]): Promise<void> {
    const { subject, hash32, seed, steps, counts } = this.#options
    const memory = emptyFileSystem()
    const fileSystem = new FaultyFileSystem(memory)
    const session = new Session({ subject, seed, fileSystem, hash32, delays: seed % 3 !== 0 })
    if (record !== undefined) fileSystem.before = operation => record.push(operation)
    let powerLoss: PowerLoss | undefined
    if (failing !== undefined && variant !== undefined) {
      fileSystem.inject(faultOf(failing, variant, fileSystem))
      let left = 0
      fileSystem.before = operation => {
        if (left === 0 || !changesImage(operation) || --left > 0) return
        const image = memory.crashClone(seed % 2 === 0 ? 'none' : seed)
        powerLoss = { image, created: session.created, time: session.oracle.now, allowed: session.oracle.afterPowerLoss() }
      }
      fileSystem.failed = ({ kind, path }, { effect }) => {
        if (effect === GROWTH_REFUSED || variant.harmless === true) return
        if (!session.hasFailed) left = 1 + (failing.number % MOST_CHANGES_TO_POWER_LOSS)
        session.hasFailed = true
        if (effect.kind === 'short read') session.mayLookDamaged = true
        if (variant.losesUnsynced === true && kind === 'sync') memory.loseUnsynced(path)
      }
    }
    refuseGrowth(fileSystem, seed)
    const rejections: unknown[] = []
    const onRejection = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', onRejection)
    try {
      await session.open()
      for (const step of workload(seed, steps)) {
        await session.step(step)
        if (session.faults.length > 0) break
      }
      await this.#end(session, fileSystem)
      if (powerLoss !== undefined && session.faults.length === 0) await this.#afterPowerLoss(powerLoss)
      await new Promise(resolve => setImmediate(resolve))
      if (rejections.length > 0) throw new Error(`an unhandled rejection: ${describe(rejections[0])}`)
    } catch (error) {
      session.faults.push(describe(error))
    } finally {
      process.off('unhandledRejection', onRejection)
    }
    counts.runs++
    counts.hits += fileSystem.hits
    if (session.faults.length === 0) return
    const when = failing === undefined ? 'Without any fault' : `With ${variant!.name} at ${failing.kind} ${failing.path}`
    const path = failing === undefined ? '0:none' : `${failing.number}:${variant!.name}`
    const failure = new SweepFailure(`${when}: ${session.faults[0]}\nReplay: ${replayCommand('fault', subject, seed, steps, path)}`)
    if (this.#options.onFailure === undefined) throw failure
    this.#options.onFailure(failure)
  }

  /** The fault is over: everything must come back. */
  async #end(session: Session, fileSystem: FaultyFileSystem): Promise<void> {
    if (session.faults.length > 0) return
    await session.rest()
    fileSystem.heal()
    session.mayLookDamaged = false
    const { engine, environment } = session
    if (engine !== undefined && environment !== undefined) {
      if (!session.verifyReads()) throw new Error('reads do not go on although the fault is over')
      let outcome = await session.tryWrite()
      // A failed background job is tried again after a while.
      if (outcome === 'failed') await environment.scheduler.sleep(WAIT_AFTER_HEALING_MS)
      if (outcome === 'failed') outcome = await session.tryWrite()
      if (outcome === 'failed') throw new Error('writes neither go on nor are refused for good, although the fault is over')
    }
    if (session.faults.length > 0) return
    const memory = fileSystem.inner as MemoryFileSystem
    await this.#expect(memory.crashClone('none'), session, session.oracle.synced, 'after a power loss')
    await this.#expect(memory.crashClone(this.#options.seed), session, session.oracle.synced, 'after a power loss that kept some')
    await this.#expect(memory.processCrashClone(), session, session.oracle.acknowledged, 'after a kill')
    await session.close()
    if (session.faults.length > 0) return
    await this.#expect(memory.processCrashClone(), session, session.oracle.acknowledged, 'after the close')
  }

  #expect(memory: MemoryFileSystem, { oracle, created }: Session, floor: number, when: string): Promise<void> {
    return this.#reopen(memory, created, oracle.now, when, found => {
      if (oracle.allows(found.hash, floor) === undefined) throw new Error(oracle.explain(found, floor))
    })
  }

  #afterPowerLoss({ image, created, time, allowed }: PowerLoss): Promise<void> {
    return this.#reopen(image, created, time, 'after a power loss soon after the fault', found => {
      if (!allowed.has(found.hash)) throw new Error(`the ${found.contents.size} keys there are not what any number of batches leaves`)
    })
  }

  async #reopen(memory: MemoryFileSystem, created: boolean, time: number, when: string, judge: (found: State) => void): Promise<void> {
    const { subject, seed, hash32 } = this.#options
    try {
      const { engine } = await bounded(subject.open(seed, memory, !created, { wallTime: () => time }), 'an open')
      judge(new Oracle(hash32).read(engine.cursor({})))
      for await (const { path, message } of engine.check()) throw new Error(`check: ${path}: ${message}`)
      const batch = new WriteBatch()
      batch.put(keyOf('after'), keyOf('the fault'))
      await bounded(Promise.resolve(engine.write(batch, { sync: true })), 'a write')
      await bounded(engine.close(), 'a close')
    } catch (error) {
      throw new Error(`${when}: ${describe(error)}`, { cause: error })
    }
  }
}

function faultOf(
  failing: FileOperation,
  { effect, times = 1, kinds, alsoOn, handles = 0 }: Variant,
  { openHandles }: FaultyFileSystem,
): Fault {
  const others = alsoOn ?? (kinds === undefined ? [] : [failing.kind])
  const isHit = ({ number, kind }: FileOperation): boolean =>
    openHandles.size >= handles &&
    (number === failing.number || (number > failing.number && (others.length === 0 || others.includes(kind))))
  return { on: isHit, times, effect }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
