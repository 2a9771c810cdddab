import { beforeEach, describe, expect, it } from 'vitest'
import { loadHash32, type Hash32 } from '../../src/codec/checksum.js'
import { KIND_PUT } from '../../src/codec/entry.js'
import { WriteBatch } from '../../src/engine/batch.js'
import { replayLogs, type ReplayedLogs } from '../../src/engine/durable/log-replay.js'
import { LogSet } from '../../src/engine/durable/log-set.js'
import { CorruptionError, PoisonedError } from '../../src/errors.js'
import { Ledger } from '../../src/trace/ledger.js'
import { joinPath, MemoryFileSystem, simulatedEnvironment, type FileSystem } from '../../src/vfs/index.js'
import { MeteredFileSystem } from '../../src/vfs/metered-file-system.js'
import { keyOf, textOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem } from '../lsm/support/hooked-file-system.js'

const DIRECTORY = '/logs'
let hash32: Hash32
let fileSystem: MemoryFileSystem
let hooked: HookedFileSystem
let sequence: number

beforeEach(async () => {
  hash32 = await loadHash32()
  const fresh = new MemoryFileSystem()
  fresh.makeDirectory(DIRECTORY)
  fileSystem = fresh.processCrashClone()
  hooked = new HookedFileSystem(fileSystem)
  sequence = 0
})

interface Parts {
  readonly watched?: FileSystem
  readonly ledger?: Ledger
}

function logSet(first = 1, { watched = hooked, ledger = new Ledger() }: Parts = {}): LogSet {
  const { scheduler } = simulatedEnvironment({ seed: 1, fileSystem: watched })
  return new LogSet({ fileSystem: watched, directory: DIRECTORY, hash32, ledger, scheduler }, first, new Map())
}

function append(logs: LogSet, key: string, willSync = false): void {
  const batch = new WriteBatch()
  batch.put(keyOf(key), keyOf('v'))
  batch.seal(++sequence)
  logs.append(batch.bytes, batch.byteLength, willSync)
}

interface Replayed extends ReplayedLogs {
  readonly keys: string[]
}

async function replay(
  image: MemoryFileSystem,
  more: { firstLog?: number; expected?: number[]; from?: number; room?: number } = {},
): Promise<Replayed> {
  const keys: string[] = []
  let room = more.room ?? Infinity
  const result = await replayLogs({
    fileSystem: image,
    directory: DIRECTORY,
    hash32,
    firstLog: more.firstLog ?? 0,
    expected: more.expected ?? [],
    sequence: more.from ?? 0,
    apply: reader => {
      if (room === 0) return false
      room--
      while (reader.next()) {
        expect(reader.kind).toBe(KIND_PUT)
        keys.push(textOf(reader.key.copy()))
      }
      return true
    },
    makeRoom: () => {
      room = more.room ?? Infinity
      return Promise.resolve()
    },
  })
  return { ...result, keys }
}

/** Names what happens to files, in order. */
function record(): string[] {
  const seen: string[] = []
  hooked.before = ({ kind, path }) => void seen.push(`${kind} ${path.slice(path.lastIndexOf('/') + 1)}`)
  return seen
}

describe('a set of logs', () => {
  it('has every byte in the ledger before the next sync is over, zeros ahead of shared commits and the ends of closed logs included', async () => {
    const meter = new MeteredFileSystem(hooked)
    const ledger = new Ledger()
    const logs = logSet(1, { watched: meter, ledger })
    const uncounted: number[] = []
    const look = (): void => void uncounted.push(meter.counts().total.bytesWritten - ledger.written.log)
    hooked.before = ({ kind }) => kind === 'sync' && look()
    for (let round = 0; round < 10; round++) {
      const writers = [0, 1, 2].map(writer => {
        append(logs, `${round} ${writer}`)
        return logs.sync()
      })
      await Promise.all(writers)
      look()
    }
    expect(ledger.written.log).toBeGreaterThan(200_000)
    await logs.close()
    look()
    expect(uncounted).toEqual(uncounted.map(() => 0))
    expect(ledger.fileBytes).toBe(fileSystem.stat(joinPath(DIRECTORY, '000001.log'))!.size)
  })

  it('is synced in order, and a new log is registered before its first sync is acknowledged', async () => {
    const logs = logSet()
    append(logs, 'a')
    logs.start(2, () => Promise.resolve(void seen.push('register 2')))
    append(logs, 'b')
    logs.start(3, () => Promise.resolve(void seen.push('register 3')))
    append(logs, 'c')
    const seen = record()
    await logs.sync()
    const syncs = seen.filter(each => each.startsWith('sync '))
    expect(syncs.map(each => each.slice(5))).toEqual([...syncs.map(each => each.slice(5))].sort())
    expect(seen.filter(each => each.startsWith('register'))).toEqual(['register 2', 'register 3'])
    expect(new Set(syncs)).toEqual(new Set(['sync 000001.log', 'sync 000002.log', 'sync 000003.log']))
    expect((await replay(fileSystem)).keys).toEqual(['a', 'b', 'c'])
    await logs.close()
  })

  it('writes batches that wait for a sync before the next log begins: no later one survives them', async () => {
    const logs = logSet()
    append(logs, 'a')
    const first = logs.sync()
    append(logs, 'b')
    const second = logs.sync()
    append(logs, 'c', true)
    append(logs, 'd', true)
    const third = logs.sync()
    expect((await replay(fileSystem.processCrashClone())).keys).toEqual(['a', 'b'])
    logs.start(2, () => Promise.resolve())
    append(logs, 'e')
    expect((await replay(fileSystem.processCrashClone())).keys).toEqual(['a', 'b', 'c', 'd', 'e'])
    await Promise.all([first, second, third])
    await logs.close()
  })

  it('begins no log where those batches cannot be written', async () => {
    const logs = logSet()
    append(logs, 'a')
    const syncs = [logs.sync()]
    append(logs, 'b')
    syncs.push(logs.sync())
    append(logs, 'c', true)
    const outcomes = Promise.allSettled(syncs)
    hooked.before = ({ kind }) => {
      if (kind === 'write') throw new Error('ENOSPC')
    }
    expect(() => logs.start(2, () => Promise.resolve())).toThrow('ENOSPC')
    expect(logs.failure).toBeDefined()
    hooked.before = () => {}
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(fileSystem.list(DIRECTORY)).toEqual(['000001.log'])
    await logs.close()
    expect((await replay(fileSystem)).keys).toEqual(['a', 'b'])
  })

  it('removes logs that are released, and syncs them no more', async () => {
    const logs = logSet()
    append(logs, 'a')
    logs.start(2, () => Promise.resolve())
    append(logs, 'b')
    await logs.release(2)
    const seen = record()
    await logs.sync()
    expect(seen.filter(each => each.includes('000001'))).toEqual([])
    await logs.close()
    expect(fileSystem.list(DIRECTORY)).toEqual(['000002.log'])
    expect((await replay(fileSystem, { from: 1 })).keys).toEqual(['b'])
  })

  it('stops everything when registering a log fails', async () => {
    const logs = logSet()
    logs.start(2, () => Promise.reject(new Error('the manifest is broken')))
    append(logs, 'a')
    await expect(logs.sync()).rejects.toThrow('the manifest is broken')
    expect(() => append(logs, 'b')).toThrow(PoisonedError)
    await expect(logs.sync()).rejects.toBeInstanceOf(PoisonedError)
    expect(() => logs.start(3, () => Promise.resolve())).toThrow(PoisonedError)
    await logs.close()
    expect((await replay(fileSystem)).keys).toEqual(['a'])
  })

  it('is not closed before a log under way is registered, also when writing has failed meanwhile', async () => {
    const logs = logSet()
    append(logs, 'a')
    const seen: string[] = []
    let finish = (): void => {}
    logs.start(2, async () => {
      seen.push('registering')
      await new Promise<void>(resolve => (finish = resolve))
      seen.push('registered')
    })
    const synced = logs.sync()
    await expect.poll(() => seen).toEqual(['registering'])
    logs.poison(new Error('the disk is gone'))
    const closed = logs.close().then(() => seen.push('closed'))
    await new Promise(setImmediate)
    finish()
    await Promise.allSettled([synced, closed])
    expect(seen).toEqual(['registering', 'registered', 'closed'])
  })

  it('goes on when a new log cannot be made: nothing was lost yet', async () => {
    const logs = logSet()
    append(logs, 'a')
    hooked.before = ({ kind }) => {
      if (kind === 'create') throw new Error('no space is left')
    }
    expect(() => logs.start(2, () => Promise.resolve())).toThrow('no space')
    hooked.before = () => {}
    append(logs, 'b')
    await logs.close()
    expect((await replay(fileSystem)).keys).toEqual(['a', 'b'])
  })
})

describe('replaying logs', () => {
  async function twoLogs(): Promise<void> {
    const logs = logSet()
    for (const key of ['a', 'b']) append(logs, key)
    logs.start(2, () => Promise.resolve())
    for (const key of ['c', 'd']) append(logs, key)
    await logs.close()
  }

  it('leaves out obsolete logs and misses expected ones', async () => {
    await twoLogs()
    expect((await replay(fileSystem, { firstLog: 2, from: 2 })).keys).toEqual(['c', 'd'])
    expect((await replay(fileSystem)).keys).toEqual(['a', 'b', 'c', 'd'])
    await expect(replay(fileSystem, { expected: [1, 3] })).rejects.toMatchObject({ file: '/logs/000003.log' })
  })

  it('makes room as often as it needs to, without changing the order', async () => {
    await twoLogs()
    expect((await replay(fileSystem, { room: 1 })).keys).toEqual(['a', 'b', 'c', 'd'])
  })

  it('reports a gap between logs that were closed in good order', async () => {
    await twoLogs()
    fileSystem.remove(joinPath(DIRECTORY, '000001.log'))
    await expect(replay(fileSystem)).rejects.toBeInstanceOf(CorruptionError)
    await expect(replay(fileSystem, { from: 1, firstLog: 2 })).rejects.toBeInstanceOf(CorruptionError)
  })

  it('reports sequence numbers that were there before, also where nothing was ever synced', async () => {
    const logs = logSet()
    for (const key of ['a', 'b']) append(logs, key)
    await expect(replay(fileSystem, { from: 1 })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: '/logs/000001.log', offset: 16 })
  })

  it('names the log and the place of a record that is not a batch', async () => {
    const logs = logSet()
    logs.append(keyOf('this is not a batch'), 19)
    await logs.close()
    await expect(replay(fileSystem)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: '/logs/000001.log', offset: 16 })
  })
})
