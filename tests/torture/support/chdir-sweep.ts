/**
 * Two stores of one relative name in two directories, while the working directory changes before every file operation of either: the
 * entries of one must stay in it, and nothing may appear elsewhere. File system and working directory are simulated; real processes
 * that change theirs are in tests/processes.
 */
import type { Hash32 } from '../../../src/codec/checksum.js'
import { FaultyFileSystem, joinPath, MemoryFileSystem, SeededRandom, type FileHandle, type FileStat } from '../../../src/vfs/index.js'
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.js'
import { SweepFailure } from './crash-sweep.js'
import { Session } from './session.js'
import type { Subject } from './subjects.js'
import { workload } from './workload.js'

/** The name of both stores. */
const NAME = 'db'
const EMPTY = '/empty'
const HOMES = ['/a', '/b'] as const

export interface ChdirCounts {
  runs: number
  /** Changes of the working directory. */
  moves: number
}

export interface ChdirSweepOptions {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  readonly steps: number
  readonly counts: ChdirCounts
}

export async function chdirSweep({ subject, hash32, seed, steps, counts }: ChdirSweepOptions): Promise<void> {
  const random = new SeededRandom(seed)
  const memory = new MemoryFileSystem()
  for (const path of [...HOMES.map(home => joinPath(home, NAME)), EMPTY]) memory.makeDirectory(path)
  const disk = new DiskWithWorkingDirectory(memory)
  const places = [...HOMES, EMPTY, '/']
  const sessions = HOMES.map((home, index) => {
    const fileSystem = new FaultyFileSystem(disk)
    fileSystem.before = () => {
      disk.workingDirectory = places[random.uniform(places.length)]
      counts.moves++
    }
    const opened: Subject = {
      ...subject,
      open(number, given, created, settings) {
        disk.workingDirectory = home
        return subject.open(number, given, created, { ...settings, directory: NAME })
      },
    }
    return new Session({ subject: opened, seed: seed + index, fileSystem, hash32, delays: seed % 3 !== 0 })
  })
  const faults = (): string[] => sessions.flatMap(session => session.faults)
  const plans = sessions.map((_, index) => workload(seed + index, steps))
  for (let step = 0; step < steps && faults().length === 0; step++) {
    await Promise.all(sessions.map((session, index) => session.step(plans[index][step])))
  }
  for (const session of sessions) {
    await session.rest()
    session.verifyReads()
    await session.close()
  }
  // What is on disk, and not only in memory.
  for (const session of sessions) {
    await session.open()
    await session.close()
  }
  counts.runs++
  const stray = ['/', ...HOMES, EMPTY].flatMap(place => memory.list(place).map(name => joinPath(place, name)))
  const expected = new Set([...HOMES, EMPTY, ...HOMES.map(home => joinPath(home, NAME))])
  const [fault] = [...faults(), ...stray.filter(path => !expected.has(path)).map(path => `${path} belongs to neither store`)]
  if (fault === undefined) return
  const replay = `npm run torture -- --engine ${subject.name} --seed ${seed} --steps ${steps} --only chdir`
  throw new SweepFailure(`While the working directory changes: ${fault}\nReplay: ${replay}`)
}

/** A file system of a process that has a working directory: relative paths start there. */
class DiskWithWorkingDirectory extends ForwardingFileSystem {
  workingDirectory = '/'

  override absolute(path: string): string {
    return path.startsWith('/') ? path : joinPath(this.workingDirectory, path)
  }

  override openRead(path: string): FileHandle {
    return super.openRead(this.absolute(path))
  }

  override openWrite(path: string): FileHandle {
    return super.openWrite(this.absolute(path))
  }

  override create(path: string): FileHandle {
    return super.create(this.absolute(path))
  }

  override rename(from: string, to: string): void {
    super.rename(this.absolute(from), this.absolute(to))
  }

  override link(from: string, to: string): void {
    super.link(this.absolute(from), this.absolute(to))
  }

  override remove(path: string): void {
    super.remove(this.absolute(path))
  }

  override removeLater(path: string): Promise<void> {
    return super.removeLater(this.absolute(path))
  }

  override list(directory: string): string[] {
    return super.list(this.absolute(directory))
  }

  override stat(path: string): FileStat | undefined {
    return super.stat(this.absolute(path))
  }

  override syncDirectory(directory: string): Promise<void> {
    return super.syncDirectory(this.absolute(directory))
  }
}
