import { loadHash32, type Hash32 } from '../codec/checksum.js'
import { WriteBatch } from '../engine/batch.js'
import type { Engine, Loss, SalvagedEntry } from '../engine/contract.js'
import { resolveOptions } from '../engine/options.js'
import { KvariumError, MisuseError } from '../errors.js'
import { destroyDirectory, openDirectory } from '../store/directory.js'
import { occupancyOf, type Occupancy } from '../store/identity.js'
import { settledPath } from '../store/platform.js'
import type { FileSystem } from '../vfs/file-system.js'
import { InspectedStore, type InspectionOptions, type InspectionPlatform } from './inspected-store.js'
import { probe } from './probe.js'

export interface RepairOptions extends InspectionOptions {
  /** Options of the engine for the new store. Default: the engine's defaults. */
  readonly engineOptions?: Readonly<Record<string, unknown>> | undefined
}

export interface RepairReport {
  readonly directory: string
  readonly target: string
  readonly engine: string
  /** Live entries in the new store, and their key and value bytes. */
  readonly entries: number
  readonly bytes: number
  /** What could not be read. Keys in these ranges may be missing or have an older value. Empty: nothing was lost. */
  readonly losses: readonly Loss[]
}

/** What a repair has read and written. */
export type Rewritten = Pick<RepairReport, 'entries' | 'bytes' | 'losses'>

const BATCH_BYTES = 256 * 1024

/**
 * Writes a new store, of the same engine, with everything that can still be read of `directory`, which stays as it is. `target`
 * must not exist, be an empty directory, or hold the unfinished result of an earlier repair. Rejects, with nothing written, when the
 * engine of the store cannot be identified.
 *
 * `target` becomes a store in one step, once everything in it is durable. Until then it is an unfinished creation: a repair that is killed can
 * be run again, and one that fails removes what it wrote.
 */
export async function repairStore(
  directory: string,
  target: string,
  platform: InspectionPlatform,
  options: RepairOptions,
): Promise<RepairReport> {
  // Relative paths are resolved before the first await.
  const from = settledPath(directory, 'The directory of the store', platform)
  const to = settledPath(target, 'The target of a repair', platform)
  const hash32 = await loadHash32()
  assertTarget(from, to, platform, hash32)
  const store = await InspectedStore.open(from, platform, options)
  try {
    const rewritten = await rewrite(store, to, platform, options, hash32)
    return { directory, target, engine: store.factory.name, ...rewritten }
  } finally {
    await store.close()
  }
}

/** Writes what can be read of `store` as a new store at `target`, in one step; removes what it wrote when it fails. */
export async function rewrite(
  store: InspectedStore,
  target: string,
  platform: InspectionPlatform,
  options: RepairOptions,
  hash32: Hash32,
): Promise<Rewritten> {
  const { factory, identityProblem, directory } = store
  const engineOptions = resolveOptions(factory.options, options.engineOptions ?? {})
  const losses: Loss[] = []
  const lost = (loss: Loss): void => void losses.push(loss)
  if (identityProblem !== undefined) {
    const { message, file = directory, offset } = identityProblem
    lost({ file, message, ...(offset !== undefined && { offset }) })
  }
  // Writes nothing before it is certain that there is something to read.
  const source = await openSource(store, lost)
  try {
    const { environment } = platform
    let written = { entries: 0, bytes: 0 }
    const fill = async (engine: Engine): Promise<void> => {
      written = await copy(source.entries, engine)
    }
    const request = { environment, location: target, factory, engineOptions, hash32, fill, createIfMissing: true, errorIfExists: true }
    const { engine, lock } = await openDirectory(request).catch(async (error: unknown) => {
      await removeUnfinished(target, platform, hash32)
      throw error
    })
    await engine.close().finally(() => lock.release())
    return { ...written, losses }
  } finally {
    await source.close()
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
  for await (const { key, value, expiresAt } of entries) {
    batch.put(key, value, expiresAt)
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

/** Removes the files of a repair that failed. Files that cannot be removed are no store, and the next repair overwrites them. */
async function removeUnfinished(target: string, { environment, registry }: InspectionPlatform, hash32: Hash32): Promise<void> {
  const { fileSystem } = environment
  try {
    if (occupancyOf(fileSystem, target, hash32).kind !== 'store') await destroyDirectory(fileSystem, target, registry, hash32)
  } catch {
    // The error of the repair is the one to report.
  }
}

function assertTarget(directory: string, target: string, { environment }: InspectionPlatform, hash32: Hash32): void {
  const inside = (path: string): string => `${path.replace(/\/+$/, '')}/`
  if (inside(target).startsWith(inside(directory))) {
    throw new MisuseError('LEVEL_INVALID_LOCATION', `The target ${target} lies in the store that is to be repaired; choose a place outside`)
  }
  const { fileSystem } = environment
  const stat = fileSystem.stat(target)
  if (stat === undefined) return
  if (stat.kind === 'directory' && !['store', 'foreign'].includes(inspectTarget(fileSystem, target, hash32))) return
  throw new KvariumError(
    'LEVEL_ALREADY_EXISTS',
    `${target} exists already; repair writes a new store and needs a new or an empty directory`,
  )
}

function inspectTarget(fileSystem: FileSystem, target: string, hash32: Hash32): Occupancy['kind'] {
  try {
    return occupancyOf(fileSystem, target, hash32).kind
  } catch (error) {
    if (error instanceof KvariumError) return 'foreign'
    throw error
  }
}
