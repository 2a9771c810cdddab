import { loadHash32 } from '../codec/checksum.js'
import { WriteBatch } from '../engine/batch.js'
import type { Engine, Loss, SalvagedEntry } from '../engine/contract.js'
import { resolveOptions } from '../engine/options.js'
import { KvariumError, MisuseError } from '../errors.js'
import { openDirectory } from '../store/directory.js'
import { InspectedStore, type InspectionOptions, type InspectionPlatform } from './inspected-store.js'
import { probe } from './probe.js'

export interface RepairOptions extends InspectionOptions {
  /** Options of the engine for the new store; by default its own defaults. */
  readonly engineOptions?: Readonly<Record<string, unknown>> | undefined
}

export interface RepairReport {
  readonly directory: string
  readonly target: string
  readonly engine: string
  /** Live entries in the new store, and their key and value bytes. */
  readonly entries: number
  readonly bytes: number
  /** What could not be read. Keys in the ranges of these may be missing or have an older value. Empty: nothing was lost. */
  readonly losses: readonly Loss[]
}

const BATCH_BYTES = 256 * 1024

/**
 * Writes a new store, of the same engine, with everything that can still be read of `directory`, which stays as it is. `target`
 * must not exist, or be an empty directory. Rejects, with nothing written, when not even the kind of the store can be told.
 */
export async function repairStore(
  directory: string,
  target: string,
  platform: InspectionPlatform,
  options: RepairOptions,
): Promise<RepairReport> {
  assertTarget(directory, target, platform)
  const store = await InspectedStore.open(directory, platform, options)
  const { factory } = store
  try {
    const engineOptions = resolveOptions(factory.options, options.engineOptions ?? {})
    const losses: Loss[] = []
    const lost = (loss: Loss): void => void losses.push(loss)
    if (store.identityProblem !== undefined) {
      const { message, file = directory, offset } = store.identityProblem
      lost({ file, message, ...(offset !== undefined && { offset }) })
    }
    // Nothing is made before it is sure that there is something to read.
    const source = await openSource(store, lost)
    try {
      const request = { environment: platform.environment, location: target, factory, engineOptions, hash32: await loadHash32() }
      const { engine, lock } = await openDirectory({ ...request, createIfMissing: true, errorIfExists: true })
      try {
        const written = await copy(source.entries, engine)
        return { directory, target, engine: factory.name, ...written, losses }
      } finally {
        await engine.close().finally(() => lock.release())
      }
    } finally {
      await source.close()
    }
  } finally {
    await store.close()
  }
}

interface Source {
  readonly entries: AsyncIterable<SalvagedEntry> | Iterable<SalvagedEntry>
  close(): Promise<void>
}

async function openSource(store: InspectedStore, lost: (loss: Loss) => void): Promise<Source> {
  const { factory } = store
  if (factory.salvage !== undefined) return { entries: factory.salvage(store.context(), lost), close: async () => {} }
  const engine = await store.openEngine()
  return { entries: probe(engine, lost), close: () => engine.close() }
}

async function copy(entries: Source['entries'], engine: Engine): Promise<{ entries: number; bytes: number }> {
  const written = { entries: 0, bytes: 0 }
  const batch = new WriteBatch()
  for await (const { key, value } of entries) {
    batch.put(key, value)
    written.entries++
    written.bytes += key.length + value.length
    if (batch.byteLength < BATCH_BYTES) continue
    await engine.write(batch, { sync: false })
    batch.clear()
  }
  if (batch.count > 0) await engine.write(batch, { sync: true })
  await engine.flush()
  return written
}

function assertTarget(directory: string, target: string, { environment }: InspectionPlatform): void {
  if (typeof target !== 'string' || target === '') {
    throw new MisuseError('LEVEL_INVALID_LOCATION', 'The target of a repair must be a string that is not empty')
  }
  const inside = (path: string): string => `${path.replace(/\/+$/, '')}/`
  if (inside(target).startsWith(inside(directory))) {
    throw new MisuseError('LEVEL_INVALID_LOCATION', `The target ${target} lies in the store that is to be repaired; choose a place outside`)
  }
  const { fileSystem } = environment
  const stat = fileSystem.stat(target)
  if (stat === undefined) return
  if (stat.kind === 'directory' && fileSystem.list(target).length === 0) return
  throw new KvariumError(
    'LEVEL_ALREADY_EXISTS',
    `${target} exists already; repair writes a new store and needs a new or an empty directory`,
  )
}
