/** What the tests of an ingest into either durable engine share. */
import type { WriteBatch } from '../../../src/engine/batch.js'
import type { Engine, EngineSnapshot } from '../../../src/engine/contract.js'
import type { MemoryFileSystem } from '../../../src/vfs/index.js'
import { textOf } from '../../contract/support/opened-engine.js'
import { isChange, type HookedFileSystem } from '../../lsm/support/hooked-file-system.js'
import { batchOf, filler, type Operation } from './engine-calls.js'

export function name(index: number): string {
  return `k${String(index).padStart(4, '0')}`
}

export async function* batches(entries: ReadonlyMap<string, string>): AsyncGenerator<WriteBatch> {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  for (let from = 0; from < sorted.length; from += 50) {
    const batch = batchOf(sorted.slice(from, from + 50).map(([key, value]): Operation => ['put', key, value]))
    batch.seal(0)
    yield batch
    await Promise.resolve()
  }
}

/** Every `step`th key from one on. */
export function entriesOf(from: number, count: number, mark: number, step = 1, length = 20): Map<string, string> {
  return new Map(Array.from({ length: count }, (_, i) => [name(from + i * step), filler(length, mark)]))
}

export function contentsAt(engine: Engine, snapshot: EngineSnapshot): string[] {
  const cursor = engine.cursor({}, snapshot)
  const keys = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) keys.push(`${textOf(cursor.key.copy())} ${textOf(cursor.value.copy())}`)
  cursor.close()
  return keys
}

export function contentsOf(model: ReadonlyMap<string, string>): string[] {
  return [...model].map(([key, value]) => `${key} ${value}`).sort()
}

export interface CrashImage {
  /** The operation before which the crash came. */
  readonly at: string
  readonly image: MemoryFileSystem
  /** Whether the ingest had resolved. */
  readonly isDone: boolean
}

/** What crashes of the machine and of the process leave before each operation that changes a file. */
export class CrashImages {
  readonly images: CrashImage[] = []
  isDone = false

  constructor(hooked: HookedFileSystem, fileSystem: MemoryFileSystem) {
    let operations = 0
    hooked.before = operation => {
      if (!isChange(operation)) return
      const at = `${operation.kind} ${operation.path}`
      for (const image of [fileSystem.crashClone(++operations), fileSystem.processCrashClone()]) {
        this.images.push({ at, image, isDone: this.isDone })
      }
    }
  }
}

/** Ingests while operation number `failing` fails. */
export async function failedIngest(
  engine: Engine,
  hooked: HookedFileSystem,
  entries: ReadonlyMap<string, string>,
  failing: number,
  code: string,
): Promise<{ readonly failure: unknown; readonly hasMet: boolean }> {
  let operations = 0
  hooked.before = operation => {
    if (isChange(operation) && ++operations === failing) throw Object.assign(new Error(`${code}: the disk failed`), { code })
  }
  const failure = await engine.ingest!(batches(entries)).then(
    () => undefined,
    (error: unknown) => error,
  )
  hooked.before = () => {}
  return { failure, hasMet: operations >= failing }
}
