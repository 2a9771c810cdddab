/**
 * Deliberate power losses: a disk in memory that keeps a crash image at each call that changes it. The run continues
 * undisturbed; the images are opened afterwards.
 */
import { inspectFile } from 'kvarium/inspect'
import { changesImage, FaultyFileSystem, MemoryFileSystem } from 'kvarium/vfs'
import type { Environment } from '../../src/vfs/environment.js'
import { simulatedEnvironment } from '../../src/vfs/testing/simulated-environment.js'

/** What a power loss keeps of unsynced changes: nothing, everything, or a seeded choice, some of it torn. */
export type Kept = 'none' | 'all' | number

export interface CrashPoint<Moment> {
  /** The call that never happened. */
  readonly before: string
  /** The caller's state at that call. */
  readonly moment: Moment
  readonly images: ReadonlyMap<Kept, MemoryFileSystem>
}

/** An environment on a copy of the image, so that the image itself does not change. */
export function worldOn(image: MemoryFileSystem): Environment {
  return simulatedEnvironment({ seed: 1, fileSystem: image.processCrashClone() })
}

/** An environment whose disk is watched from `watch` on. */
export class CrashPoints<Moment> {
  readonly points: CrashPoint<Moment>[] = []
  readonly environment: Environment
  readonly #memory = new MemoryFileSystem()
  readonly #disk = new FaultyFileSystem(this.#memory)
  readonly #kept: readonly Kept[]

  constructor(kept: readonly Kept[]) {
    this.#kept = kept
    this.environment = simulatedEnvironment({ seed: 1, fileSystem: this.#disk })
  }

  /** From now on every call that changes something on the disk is a crash point. `moment` is called at each. */
  watch(moment: () => Moment): void {
    this.#disk.before = operation => {
      if (!changesImage(operation)) return
      const name = operation.path.slice(operation.path.lastIndexOf('/') + 1)
      this.#take(`${operation.kind} ${operation.kind === 'syncDirectory' ? '' : name}`.trim(), moment())
    }
  }

  /** The last point: after everything. */
  end(moment: Moment): void {
    this.#disk.before = undefined
    this.#take('(the end)', moment)
  }

  #take(before: string, moment: Moment): void {
    this.points.push({ before, moment, images: new Map(this.#kept.map(kept => [kept, this.#memory.crashClone(kept)])) })
  }
}

/** The place where a log ends with a partial record. */
export interface TornRecord {
  readonly path: string
  readonly offset: number
  readonly length: number
}

/** The first torn record among the logs of a directory, if there is one. */
export async function tornRecord(directory: string, fileSystem: MemoryFileSystem): Promise<TornRecord | undefined> {
  for (const name of fileSystem.list(directory).filter(file => file.endsWith('.log'))) {
    const path = `${directory}/${name}`
    const inspection = await inspectFile(path, { fileSystem })
    try {
      const parts = [...inspection.parts()]
      const torn = inspection.problems.find(problem => problem.torn === true && problem.offset !== undefined && problem.offset > 0)
      const part = parts.find(({ offset }) => offset === torn?.offset)
      if (part !== undefined) return { path, offset: part.offset, length: part.length }
    } finally {
      inspection.close()
    }
  }
  return undefined
}
