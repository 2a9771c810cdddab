/** Cuts, empties and deletes each file of small stores, repairs what is left, and compares with what must be saved. */
import { builtInEngines, repair, Kvarium } from '../../../src/index.js'
import type { Loss } from '../../../src/engine/contract.js'
import { halfOpen, rangeContains } from '../../../src/engine/range.js'
import { MemoryFileSystem } from '../../../src/vfs/index.js'
import { keyOf } from '../../contract/support/opened-engine.js'
import {
  DIRECTORY,
  fileSystemOf,
  filesOf,
  sameBytes,
  lastingStores,
  type DamageSubject,
  type Files,
  type SmallStore,
} from '../../damage/support/small-store.js'
import { SUBJECTS } from '../../damage/support/subjects.js'
import { factsOf, type Facts } from './intact-facts.js'

export const TARGET = '/repaired'
/** Memory for each new store takes most of the time otherwise. */
export const SMALL = { writeBufferSize: 16 << 10 }

export interface CutStore {
  readonly name: string
  readonly engine: string
  readonly contents: readonly string[]
  /** With the file that the store keeps beside the engine's. */
  readonly files: Files
  readonly facts: Facts
}

/** One file of a store cut to a length; `undefined`: deleted. */
export interface Cut {
  readonly store: CutStore
  readonly file: string
  readonly length: number | undefined
}

export async function cutStores(engine: string, seed: number): Promise<readonly CutStore[]> {
  const stores: CutStore[] = []
  for (const subject of SUBJECTS.filter(({ factory }) => factory.name === engine)) {
    for (const store of await lastingStores(subject, seed)) stores.push(await cutStore(subject, store))
  }
  return stores
}

async function cutStore(subject: DamageSubject, { state, files, contents }: SmallStore): Promise<CutStore> {
  const engine = subject.factory.name
  const all = new Map(files).set('KVARIUM', await identityOf(engine))
  return { name: `${subject.name}, ${state}`, engine, contents, files: all, facts: await factsOf(engine, files) }
}

async function identityOf(engine: string): Promise<Uint8Array> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
  await db.open()
  await db.close()
  return filesOf(fileSystem).get('KVARIUM')!
}

/** Every cut, or those around what begins and ends in a file, the one at its middle, and one in `oneIn` of the others. */
export function* cutsOf(store: CutStore, oneIn: number): Generator<Cut> {
  for (const [file, bytes] of store.files) {
    const places = new Set(store.facts.places(file).flatMap(place => [place - 1, place, place + 1]))
    places.add(bytes.length >> 1)
    yield { store, file, length: undefined }
    for (let length = 0; length < bytes.length; length++) {
      if (length % oneIn === 0 || places.has(length)) yield { store, file, length }
    }
  }
}

/** Cuts every file at every length, in an order that comes to all files early, until the deadline: yields the error, or `undefined`. */
export async function* repairCuts(engine: string, seed: number, until: number): AsyncGenerator<string | undefined> {
  const stores = await cutStores(engine, seed)
  for (let share = 0; share < SHARES; share++) {
    for (const store of stores) {
      let place = 0
      for (const cut of cutsOf(store, 1)) {
        if (place++ % SHARES !== share) continue
        if (performance.now() > until) return
        try {
          await judgeCut(cut)
          yield undefined
        } catch (error) {
          yield error instanceof Error ? error.message : String(error)
        }
      }
    }
  }
}

const SHARES = 97

/** Throws unless the repair saves the most that can be saved, changes nothing, and reports what is missing. */
export async function judgeCut({ store, file, length }: Cut): Promise<void> {
  const files = new Map(store.files)
  if (length === undefined) files.delete(file)
  else files.set(file, files.get(file)!.subarray(0, length))
  const fileSystem = fileSystemOf(files)
  const { losses } = await repair(DIRECTORY, TARGET, { fileSystem, engine: store.engine, engineOptions: SMALL })
  const saved = await listed(fileSystem, TARGET, store.engine)
  const wanted = store.facts.intact(file, length ?? 0)
  const problem = differenceOf(saved, wanted, store, losses, file) ?? blamesOthers(losses, file)
  if (problem !== undefined) throw new Error(`${store.name}, ${file} ${length === undefined ? 'deleted' : `cut at ${length}`}: ${problem}`)
  for (const [name, bytes] of filesOf(fileSystem)) {
    if (!sameBytes(bytes, files.get(name)!)) throw new Error(`${store.name}, ${file}: the repair changed ${name}`)
  }
}

async function listed(fileSystem: MemoryFileSystem, location: string, engine: string): Promise<string[]> {
  const db = new Kvarium<string, string>(location, { engine: builtInEngines.resolve(engine), fileSystem, createIfMissing: false, ...SMALL })
  const all = (await db.iterator().all()).map(([key, value]) => `${key}=${value}`)
  await db.close()
  return all
}

/** What is not as in the sound store is in a range that is reported, and what must be saved is there. */
function differenceOf(
  saved: readonly string[],
  wanted: readonly string[],
  store: CutStore,
  losses: readonly Loss[],
  cut: string,
): string | undefined {
  const [is, must, was] = [saved, wanted, store.contents].map(mapOf)
  for (const [key, value] of must) {
    // A value older than the last, which a cut has left over, may be better than what is asked for.
    if (is.get(key) !== value && is.get(key) !== was.get(key)) return `${key} is ${is.get(key)} and must be ${value}`
  }
  for (const key of new Set([...is.keys(), ...was.keys()])) {
    if (is.get(key) === was.get(key) || isReported(key, losses)) continue
    // The end of a log that was not closed cleanly cannot be distinguished from one that was never written.
    if (cut.endsWith('.log') && is.get(key) === must.get(key)) continue
    return `${key} is ${is.get(key)}, was ${was.get(key)}, and no loss speaks of it`
  }
  return undefined
}

function isReported(key: string, losses: readonly Loss[]): boolean {
  return losses.some(({ keys }) => keys === undefined || rangeContains(halfOpen(keys), keyOf(key)))
}

/** A loss names the file that was cut, and no other. */
function blamesOthers(losses: readonly Loss[], file: string): string | undefined {
  const other = losses.find(
    loss => !loss.file.endsWith(`/${file}`) && !(file.startsWith('KVARIUM') || /manifest is missing/.test(loss.message)),
  )
  return other === undefined ? undefined : `${other.file} is blamed: ${other.message}`
}

function mapOf(entries: readonly string[]): Map<string, string> {
  return new Map(entries.map(entry => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
}
