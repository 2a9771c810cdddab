import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import type { FileSystem } from '../../src/vfs/index.js'
import { chdirSweep } from './support/chdir-sweep.js'
import { clearSweep } from './support/clear-sweep.js'
import { CrashSweep, formatPath, newCounts, parsePath, SweepFailure } from './support/crash-sweep.js'
import { FaultSweep } from './support/fault-sweep.js'
import { followerSweep } from './support/follower-sweep.js'
import { FullDiskSweep } from './support/full-disk-sweep.js'
import { SUBJECTS, type Subject } from './support/subjects.js'
import { transactionSweep } from './support/transaction-sweep.js'
import { slice } from '../support/thoroughness.js'

/** A slice of what `npm run torture` does for as long as you like. */
describe.each([...SUBJECTS.values()])('the engine $name', subject => {
  it('survives a crash at every file operation of seeded workloads, and crashes in the recoveries from these', async () => {
    const hash32 = await loadHash32()
    const counts = newCounts()
    for (let seed = 1; counts.points < slice(300, 2000); seed++) {
      await new CrashSweep({ subject, hash32, seed, steps: 40, seededImages: 1, nestOneIn: 60, depth: 2, counts }).run()
    }
    expect(counts.opened).toBeGreaterThan(slice(70, 500))
    expect(counts.byDepth[2]).toBeGreaterThan(slice(5, 50))
  }, 240_000)

  it('survives the failure of any file operation, once, for a while or from then on', async () => {
    const hash32 = await loadHash32()
    const counts = { runs: 0, hits: 0 }
    for (let seed = 1; counts.runs < slice(30, 200); seed++) {
      await new FaultSweep({ subject, hash32, seed, steps: 30, oneIn: 23, counts }).run()
    }
    expect(counts.hits).toBeGreaterThan(slice(30, 200))
  }, 240_000)

  it('keeps two stores of one relative name apart while the working directory changes before every file operation', async () => {
    const hash32 = await loadHash32()
    const counts = { runs: 0, moves: 0 }
    for (let seed = 1; seed <= slice(1, 3); seed++) await chdirSweep({ subject, hash32, seed, steps: 40, counts })
    expect(counts.moves).toBeGreaterThan(slice(300, 1000))
  }, 240_000)

  it('is filled and cleared again and again, with crashes in between, and shows what the oracle expects', async () => {
    const hash32 = await loadHash32()
    const counts = { clears: 0, crashes: 0 }
    for (let seed = 1; seed <= slice(2, 4); seed++) await clearSweep({ subject, hash32, seed, cycles: slice(150, 250), counts })
    expect(counts.crashes).toBeGreaterThan(slice(5, 20))
  }, 60_000)

  it('has all or nothing of a transaction and of a batch with conditions, whatever crashes or fails meanwhile', async () => {
    const counts = { committed: 0, crashes: 0 }
    for (let seed = 2; seed <= slice(3, 13); seed++) await transactionSweep({ subject, seed, steps: 40, counts })
    expect(counts.committed).toBeGreaterThan(slice(30, 150))
    expect(counts.crashes).toBeGreaterThan(slice(40, 200))
  }, 60_000)

  it('is followed without a change skipped or repeated, whichever of the two stores crashes', async () => {
    const counts = { followed: 0, crashes: 0, restarts: 0 }
    for (let seed = 1; seed <= slice(2, 20); seed++) await followerSweep({ subject, seed, steps: 150, counts })
    expect(counts.followed).toBeGreaterThan(slice(50, 1000))
    expect(counts.crashes).toBeGreaterThan(slice(15, 200))
  }, 60_000)

  it('opens on a full disk, is read there, and goes on when there is room', async () => {
    const hash32 = await loadHash32()
    const counts = { disks: 0, opened: 0 }
    const options = { subject, hash32, steps: 30, sizes: { count: 40 }, roomsOneIn: 4, counts }
    for (let seed = 1; seed <= slice(1, 3); seed++) await new FullDiskSweep({ ...options, seed }).run()
    expect(counts.opened).toBeGreaterThan(slice(150, 500))
  }, 240_000)
})

/** The engine on a file system or behind a contract that has been tampered with. */
function tampered(change: { fileSystem?: (fileSystem: FileSystem) => FileSystem; engine?: (engine: Engine) => Engine }): Subject {
  const subject = SUBJECTS.get('lsm')!
  return {
    ...subject,
    async open(seed, fileSystem, created, settings) {
      const opened = await subject.open(seed, change.fileSystem?.(fileSystem) ?? fileSystem, created, settings)
      return change.engine === undefined ? opened : { ...opened, engine: change.engine(opened.engine) }
    },
  }
}

/** An object that does as `target` does but for the given methods. */
function overlaid<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(from, name, from)
      return typeof value === 'function' ? (value.bind(from) as unknown) : value
    },
  })
}

const noLogSyncs = (fileSystem: FileSystem): FileSystem =>
  overlaid(fileSystem, {
    create(path) {
      const handle = fileSystem.create(path)
      return path.endsWith('.log') ? overlaid(handle, { sync: async () => {} }) : handle
    },
  })

async function crashSweep(subject: Subject): Promise<void> {
  const options = { subject, hash32: await loadHash32(), steps: 40, seededImages: 1, nestOneIn: 1000, depth: 1, counts: newCounts() }
  for (let seed = 1; seed <= 3; seed++) await new CrashSweep({ ...options, seed }).run()
}

async function faultSweep(subject: Subject): Promise<void> {
  const options = { subject, hash32: await loadHash32(), steps: 30, oneIn: 11, counts: { runs: 0, hits: 0 } }
  for (let seed = 1; seed <= 3; seed++) await new FaultSweep({ ...options, seed }).run()
}

/** A subject whose stores have an engine that has been tampered with. */
function tamperedStores(tamper: (engine: Engine) => Engine): Subject {
  const subject = SUBJECTS.get('lsm')!
  const storeOptions: Subject['storeOptions'] = seed => {
    const options = subject.storeOptions(seed)
    const factory = options.engine as EngineFactory
    return { ...options, engine: { ...factory, open: async context => tamper(await factory.open(context)) } }
  }
  return { ...subject, storeOptions }
}

async function transactions(tamper: (engine: Engine) => Engine): Promise<void> {
  const counts = { committed: 0, crashes: 0 }
  for (let seed = 1; seed <= 3; seed++) await transactionSweep({ subject: tamperedStores(tamper), seed, steps: 40, counts })
}

describe('the sweeps find', () => {
  it('syncs that sync nothing', async () => {
    await expect(crashSweep(tampered({ fileSystem: noLogSyncs }))).rejects.toThrow(SweepFailure)
  })

  it('directories that are not synced', async () => {
    const fileSystem = (inner: FileSystem): FileSystem => overlaid(inner, { syncDirectory: async () => {} })
    await expect(crashSweep(tampered({ fileSystem }))).rejects.toThrow(SweepFailure)
  })

  it('writes that are acknowledged although they failed', async () => {
    const forgiving = (engine: Engine): Engine =>
      overlaid(engine, {
        async write(batch, options) {
          try {
            await engine.write(batch, options)
          } catch {
            // As if all were well.
          }
        },
      })
    await expect(faultSweep(tampered({ engine: forgiving }))).rejects.toThrow(/Replay: npm run torture/)
  })

  it('entries that outlive their expiry', async () => {
    const lsm = SUBJECTS.get('lsm')!
    const timeless: Subject = { ...lsm, open: (seed, fileSystem, created) => lsm.open(seed, fileSystem, created) }
    await expect(crashSweep(timeless)).rejects.toThrow(/should not be there/)
  })

  it('closes that do not end', async () => {
    const endless = (engine: Engine): Engine => overlaid(engine, { close: () => new Promise(() => {}) })
    await expect(faultSweep(tampered({ engine: endless }))).rejects.toThrow(/close does not end/)
  })

  it('paths that follow the working directory', async () => {
    const following = (fileSystem: FileSystem): FileSystem => overlaid(fileSystem, { absolute: path => path })
    const options = { subject: tampered({ fileSystem: following }), hash32: await loadHash32(), counts: { runs: 0, moves: 0 } }
    await expect(chdirSweep({ ...options, seed: 1, steps: 40 })).rejects.toThrow(SweepFailure)
  })

  it('preconditions that are checked before it is the turn of the write', async () => {
    const early = (engine: Engine): Engine =>
      overlaid(engine, {
        async write(batch, { precondition, ...options }) {
          precondition?.()
          await Promise.resolve()
          await engine.write(batch, options)
        },
      })
    await expect(transactions(early)).rejects.toThrow(/the items that are there make it .*\nReplay: npm run torture/s)
  })

  it('a part of a batch', async () => {
    const partial = (engine: Engine): Engine =>
      overlaid(engine, {
        write(batch, options) {
          const half = new WriteBatch()
          for (const reader = batch.reader(); half.count * 2 < batch.count && reader.next();) {
            half.put(reader.key.copy(), reader.value.copy())
          }
          return engine.write(half, options)
        },
      })
    await expect(transactions(partial)).rejects.toThrow(SweepFailure)
  })

  it('changes that are skipped', async () => {
    const skipping = (engine: Engine): Engine =>
      overlaid(engine, {
        changes(options) {
          const feed = engine.changes!(options)
          let number = 0
          return {
            next: () => (++number % 10 === 0 ? Promise.resolve(feed.next()).then(() => feed.next()) : feed.next()),
            close: () => feed.close(),
          }
        },
      })
    const sweep = followerSweep({
      subject: tamperedStores(skipping),
      seed: 1,
      steps: 200,
      counts: { followed: 0, crashes: 0, restarts: 0 },
    })
    await expect(sweep).rejects.toThrow(/comes the change/)
  })

  it('what a replay is given to find again, in the engine that has it only', async () => {
    const options = { hash32: await loadHash32(), seed: 1, steps: 40, seededImages: 1, nestOneIn: 20, depth: 2, counts: newCounts() }
    const sweep = new CrashSweep({ ...options, subject: tampered({ fileSystem: noLogSyncs }) })
    const failure = await sweep.run().catch((error: unknown) => error)
    const command = /--seed 1 --steps 40 --crash (\S+)/.exec(String(failure))
    const path = parsePath(command![1])
    expect(formatPath(path)).toBe(command![1])
    await expect(sweep.replay(path)).rejects.toThrow(SweepFailure)
    await new CrashSweep({ ...options, subject: SUBJECTS.get('lsm')! }).replay([{ operation: 20, choice: path[0].choice }])
  })
})
