/**
 * Fills a store with a few keys and clears them, a thousand times over, with occasional power losses and process kills. Each crash image
 * must pass the checks of `crash-sweep.ts`, and its reads stay right while it is filled and cleared further.
 */
import type { Hash32 } from '../../../src/codec/checksum.js'
import { FaultyFileSystem, SeededRandom, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { bounded } from './bounded.js'
import { emptyFileSystem, SweepFailure } from './crash-sweep.js'
import type { Change } from './oracle.js'
import { Session } from './session.js'
import type { Subject } from './subjects.js'
import { FIRST_KEY, LAST_KEY } from './workload.js'

export interface ClearCounts {
  clears: number
  /** Images opened. */
  crashes: number
}

export interface ClearSweepOptions {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  readonly cycles: number
  readonly counts: ClearCounts
}

const KEYS_A_CYCLE = 40
const KEYS_A_BATCH = 8
/** One in this many cycles ends in a crash. */
const CRASH_ONE_IN = 40

/** What a seed decides: which keys a cycle fills and clears. */
const PATTERNS = ['the same', 'growing', 'shrinking', 'anywhere', 'a part of them'] as const

export async function clearSweep({ subject, hash32, seed, cycles, counts }: ClearSweepOptions): Promise<void> {
  const random = new SeededRandom(seed)
  const pattern = PATTERNS[random.uniform(PATTERNS.length)]
  const memory = emptyFileSystem()
  const session = new Session({ subject, seed, fileSystem: new FaultyFileSystem(memory), hash32, delays: seed % 3 !== 0 })
  const crash = async (): Promise<void> => {
    const { oracle } = session
    const kind = random.uniform(3)
    const image = kind === 0 ? memory.processCrashClone() : memory.crashClone(kind === 1 ? 'none' : random.uint32())
    counts.crashes++
    await verify(image, session, kind === 0 ? oracle.acknowledged : oracle.synced)
  }
  const verify = async (image: MemoryFileSystem, { oracle }: Session, floor: number): Promise<void> => {
    const { engine } = await bounded(subject.open(seed, image, false), 'an open')
    const found = oracle.read(engine.cursor({}))
    if (oracle.allows(found.hash, floor) === undefined) throw new Error(`after a crash: ${oracle.explain(found, floor)}`)
    if (oracle.read(engine.cursor({}), true).hash !== found.hash) throw new Error('after a crash: a scan in reverse differs')
    for await (const { path, message } of engine.check()) throw new Error(`after a crash: check: ${path}: ${message}`)
    await bounded(engine.close(), 'a close')
  }
  try {
    await session.open()
    for (let cycle = 0; cycle < cycles && session.faults.length === 0; cycle++) {
      const keys = Array.from({ length: KEYS_A_CYCLE }, (_, i) => keyIn(pattern, cycle, i, random))
      for (let from = 0; from < keys.length; from += KEYS_A_BATCH) {
        const changes = keys
          .slice(from, from + KEYS_A_BATCH)
          .map((key, i): Change => ({ kind: 'put', key, value: valueOf(cycle, from + i) }))
        await session.step({ kind: 'write', changes, sync: random.uniform(20) === 0, awaited: random.uniform(3) > 0 })
      }
      // A crash that finds keys, or the next that finds none.
      if (random.uniform(CRASH_ONE_IN) === 0) await crash()
      const [first, last] = pattern === 'a part of them' ? [keys[3], LAST_KEY] : [FIRST_KEY, LAST_KEY]
      await session.step({ kind: 'clear', first, last, sync: random.uniform(20) === 0, awaited: random.uniform(3) > 0 })
      counts.clears++
      if (random.uniform(CRASH_ONE_IN) === 0) await crash()
      if (random.uniform(100) === 0)
        await session.step({ kind: (['reopen', 'compact', 'settle', 'scan', 'get'] as const)[random.uniform(5)] })
    }
    await session.rest()
    session.verifyReads()
    await session.close()
    await verify(memory.processCrashClone(), session, session.oracle.acknowledged)
  } catch (error) {
    session.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const [fault] = session.faults
  if (fault === undefined) return
  const replay = `npm run torture -- --engine ${subject.name} --seed ${seed} --steps ${cycles} --only clear`
  throw new SweepFailure(`With clears by the thousand (${pattern}): ${fault}\nReplay: ${replay}`)
}

function keyIn(pattern: (typeof PATTERNS)[number], cycle: number, index: number, random: SeededRandom): string {
  const number = {
    'the same': index,
    growing: cycle * KEYS_A_CYCLE + index,
    shrinking: 900_000 - cycle * KEYS_A_CYCLE + index,
    anywhere: random.uniform(1_000_000),
    'a part of them': index * 1000 + (cycle % 1000),
  }[pattern]
  return `key ${String(number).padStart(7, '0')}`
}

/** No two writes have the same value. */
function valueOf(cycle: number, index: number): Uint8Array {
  const value = new Uint8Array(40)
  new DataView(value.buffer).setUint32(0, cycle * KEYS_A_CYCLE + index)
  return value
}
