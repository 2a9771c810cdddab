/**
 * Fills disks of every size: a workload runs until its disk is full and on, is closed, and the store is opened again while there is no room,
 * or room for a few bytes, so that each step of opening and of closing meets the end of the disk.
 *
 * It checks of each disk: every error is typed; every read is right; a created store opens on a full disk, and every read of it works; a
 * write succeeds or reports the missing space; with room again writes continue, in the same process unless the store has reported that it
 * must be reopened; nothing acknowledged is lost.
 */
import { WriteBatch } from '../../../src/engine/batch.js'
import type { Hash32 } from '../../../src/codec/checksum.js'
import { FaultyFileSystem, LimitedFileSystem, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import { bounded } from './bounded.js'
import { emptyFileSystem, replayCommand, SweepFailure } from './crash-sweep.js'
import { Oracle } from './oracle.js'
import { Session } from './session.js'
import { DIRECTORY, type Subject } from './subjects.js'
import { workload } from './workload.js'

export interface FullDiskCounts {
  /** Sizes of disks tried, and stores opened on full ones. */
  disks: number
  opened: number
}

export interface FullDiskSweepOptions {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  readonly steps: number
  /** Bytes between one size of the disk and the next; or how many sizes, which lie closer together the smaller they are. */
  readonly sizes: { readonly stride: number } | { readonly count: number }
  /** Each disk tries every N-th of the rooms to open with, and the next disk those after them. Default: 1, all of them. */
  readonly roomsOneIn?: number
  readonly counts: FullDiskCounts
}

/** Room on the disk when a store is opened there: each meets another step of opening. */
const ROOM = [0, 1, 16, 31, 32, 40, 48, 60, 64, 90, 128, 200, 300, 500, 800, 1300, 2100, 3400, 5500, 9000, 20_000]
/** Behind every key of the workload. */
const TRIED = '\xff\xff tried'
/** Longer than any engine waits before it tries again. */
const WAIT_MS = 5000

export class FullDiskSweep {
  readonly #options: FullDiskSweepOptions

  constructor(options: FullDiskSweepOptions) {
    this.#options = options
  }

  async run(until = Infinity): Promise<void> {
    const wanted = await this.#try(Infinity)
    for (const size of this.#sizes(wanted)) if (performance.now() < until) await this.#try(size)
  }

  #sizes(wanted: number): number[] {
    const { sizes } = this.#options
    if ('stride' in sizes) return Array.from({ length: Math.ceil(wanted / sizes.stride) - 1 }, (_, index) => (index + 1) * sizes.stride)
    // Most of a large disk holds the zeros that a log writes ahead; its data are at the small sizes.
    return Array.from({ length: sizes.count }, (_, index) => Math.ceil(wanted * ((index + 1) / (sizes.count + 1)) ** 2))
  }

  /** Returns how much of the disk was in use at most. */
  async #try(size: number): Promise<number> {
    const { subject, hash32, seed, steps, counts } = this.#options
    const memory = emptyFileSystem()
    const disk = new LimitedFileSystem(memory, size)
    const fileSystem = new FaultyFileSystem(disk)
    const session = new Session({ subject, seed, fileSystem, hash32, delays: seed % 3 !== 0, isDiskFull: true })
    session.hasFailed = true
    let most = 0
    fileSystem.before = () => (most = Math.max(most, disk.usedBytes))
    try {
      await session.open()
      for (const step of workload(seed, steps)) {
        await session.step(step)
        if (session.faults.length > 0) break
      }
      await session.rest()
      if (session.created && session.faults.length === 0) {
        await this.#openFull(memory.processCrashClone(), session, 'after a kill')
        await session.close()
        await this.#openFull(memory.processCrashClone(), session, 'after the close')
        await session.open()
      }
      disk.limitBytes = Infinity
      if (session.faults.length === 0) await this.#goOn(session)
    } catch (error) {
      session.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    counts.disks++
    if (session.faults.length === 0) return most
    const replay = replayCommand('full', subject, seed, steps, String(size))
    throw new SweepFailure(`On a disk of ${size} bytes: ${session.faults[0]}\nReplay: ${replay}`)
  }

  /** Tries one size of the disk. */
  async replay(size: number): Promise<void> {
    await this.#try(size)
  }

  /** Opens an image on disks that are full or nearly so, and lets each of them have room again later. */
  async #openFull(image: MemoryFileSystem, { oracle, created }: Session, when: string): Promise<void> {
    const { roomsOneIn = 1, counts } = this.#options
    for (const room of ROOM.filter((_, index) => index % roomsOneIn === counts.disks % roomsOneIn)) {
      const memory = image.processCrashClone()
      const disk = new LimitedFileSystem(memory, 0, [DIRECTORY])
      disk.limitBytes = disk.usedBytes + room
      try {
        const wasTaken = await this.#useFull(disk, oracle, created)
        counts.opened++
        await this.#reopen(memory.processCrashClone(), oracle, created, wasTaken)
      } catch (error) {
        const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
        throw new Error(`${when}, opened with room for ${room} bytes: ${cause}`, { cause: error })
      }
    }
  }

  /** Reads, writes, gets room, writes, closes. Returns what was acknowledged. */
  async #useFull(disk: LimitedFileSystem, oracle: Oracle, created: boolean): Promise<readonly string[]> {
    const { subject, seed } = this.#options
    const taken: string[] = []
    const opened = await bounded(subject.open(seed, disk, !created, { wallTime: () => oracle.now }), 'an open')
    let { engine } = opened
    const expect = (): void => {
      const found = new Oracle(this.#options.hash32).read(engine.cursor({ lt: keyOf(TRIED) }))
      if (oracle.allows(found.hash, oracle.acknowledged) === undefined) throw new Error(oracle.explain(found, oracle.acknowledged))
    }
    const put = async (key: string): Promise<Error | undefined> => {
      const batch = new WriteBatch()
      batch.put(keyOf(key), keyOf('x'.repeat(40)))
      try {
        await bounded((async () => engine.write(batch, { sync: true }))(), 'a write')
        taken.push(key)
        return undefined
      } catch (error) {
        return error as Error
      }
    }
    expect()
    const refused = await put(`${TRIED} on a full disk`)
    if (refused !== undefined && !/ENOSPC/.test(refused.message)) throw refused
    expect()
    await bounded(engine.flush(), 'a flush').catch(refuseOther)
    await bounded(engine.settle(), 'a settle').catch(refuseOther)
    expect()
    disk.limitBytes = Infinity
    await opened.environment.scheduler.sleep(WAIT_MS)
    let error = await put(`${TRIED} with room`)
    if ((error as { code?: string } | undefined)?.code === 'LEVEL_WRITES_STOPPED') {
      await bounded(engine.close(), 'a close')
      ;({ engine } = await bounded(subject.open(seed, disk, false, { wallTime: () => oracle.now }), 'an open'))
      error = await put(`${TRIED} with room`)
    }
    if (error !== undefined) throw error
    expect()
    await bounded(engine.close(), 'a close')
    return taken
  }

  async #reopen(memory: MemoryFileSystem, oracle: Oracle, created: boolean, taken: readonly string[]): Promise<void> {
    const { subject, seed, hash32 } = this.#options
    const { engine } = await bounded(subject.open(seed, memory, !created, { wallTime: () => oracle.now }), 'an open')
    const found = new Oracle(hash32).read(engine.cursor({ lt: keyOf(TRIED) }))
    if (oracle.allows(found.hash, oracle.acknowledged) === undefined) throw new Error(oracle.explain(found, oracle.acknowledged))
    for (const key of taken) if (engine.get(keyOf(key)) === undefined) throw new Error(`the key "${key}" was acknowledged and is gone`)
    for await (const { path, message } of engine.check()) throw new Error(`check: ${path}: ${message}`)
    await bounded(engine.close(), 'a close')
  }

  /** The disk of the session has room again. */
  async #goOn(session: Session): Promise<void> {
    if (session.engine === undefined) await session.open()
    await session.environment?.scheduler.sleep(WAIT_MS)
    if ((await session.tryWrite()) === 'stopped') {
      await session.close()
      await session.open()
    }
    if (session.faults.length === 0 && (await session.tryWrite()) !== 'taken') throw new Error('no write is taken although there is room')
    if (!session.verifyReads()) throw new Error('reads do not go on although there is room')
    await session.close()
    await session.open()
    await session.close()
  }
}

function refuseOther(error: unknown): void {
  if (!/ENOSPC/.test(String(error))) throw error
}
