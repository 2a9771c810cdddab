import type { Engine, Violation } from '../engine/contract.js'
import { InspectedStore, type InspectionOptions, type InspectionPlatform } from './inspected-store.js'

export type VerifyOptions = InspectionOptions

/** An error in a store, with its place as far as that is known. */
export interface Finding extends Violation {
  readonly file?: string
  /** In bytes from the start of the file. */
  readonly offset?: number
}

export interface VerifyReport {
  readonly directory: string
  readonly engine: string
  /** Whether the store can be opened. */
  readonly opens: boolean
  /** Live entries that were read. */
  readonly entries: number
  /** Key and value bytes of these. */
  readonly bytes: number
  /** Empty for a sound store. */
  readonly findings: readonly Finding[]
}

/**
 * Reads and checks everything in a store, in the state that an open would find, without changing a file. A damaged store is read piece
 * by piece, so that more than the first damage is found.
 */
export async function verifyStore(directory: string, platform: InspectionPlatform, options: VerifyOptions): Promise<VerifyReport> {
  const store = await InspectedStore.open(directory, platform, options)
  const findings: Finding[] = []
  const name = store.factory.name
  try {
    if (store.identityProblem !== undefined) findings.push(findingOf(name, store.identityProblem))
    let engine: Engine
    try {
      engine = await store.openEngine()
    } catch (error) {
      const found: Finding[] = []
      const read = await readPieces(store, found)
      // The pieces locate the damage in the file that prevents the open more exactly.
      const refusal = findingOf(name, error)
      if (refusal.file === undefined || !found.some(({ file }) => file === refusal.file)) findings.push(refusal)
      return { directory, engine: name, opens: false, ...read, findings: distinct([...findings, ...found]) }
    }
    try {
      const read = await readAll(store, engine, findings, platform)
      return { directory, engine: name, opens: true, ...read, findings: distinct(findings) }
    } finally {
      await engine.close().catch((error: unknown) => findings.push(findingOf(name, error)))
    }
  } finally {
    await store.close()
  }
}

interface Read {
  readonly entries: number
  readonly bytes: number
}

const ENTRIES_A_TURN = 4096

async function readAll(store: InspectedStore, engine: Engine, findings: Finding[], { environment }: InspectionPlatform): Promise<Read> {
  for await (const violation of engine.check()) findings.push(violation)
  // A scan stops at the first damage.
  if (findings.some(({ file }) => file !== undefined) && store.factory.salvage !== undefined) return readPieces(store, findings)
  let entries = 0
  let bytes = 0
  const cursor = engine.cursor({})
  try {
    for (let valid = cursor.first(); valid; valid = cursor.next()) {
      entries++
      bytes += cursor.key.length + cursor.value.length
      if (entries % ENTRIES_A_TURN === 0) await environment.scheduler.turn()
    }
  } catch (error) {
    findings.push(findingOf(engine.name, error))
  } finally {
    cursor.close()
  }
  return { entries, bytes }
}

async function readPieces(store: InspectedStore, findings: Finding[]): Promise<Read> {
  const { factory } = store
  let entries = 0
  let bytes = 0
  const pieces = factory.salvage?.(store.context(), loss => {
    const { file, offset, message } = loss
    findings.push({ path: factory.name, message, file, ...(offset !== undefined && { offset }) })
  })
  for await (const { key, value } of pieces ?? []) {
    entries++
    bytes += key.length + value.length
  }
  return { entries, bytes }
}

function findingOf(path: string, error: unknown): Finding {
  const { message = String(error), file, offset } = error as { message?: string; file?: string; offset?: number }
  return { path, message, ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) }
}

/** Several ways of reading find the same damage: keeps the first finding with a place in a file. */
function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.filter(({ path, message, file, offset }) => {
    const id = JSON.stringify(file === undefined ? [path, message] : [file, offset ?? message])
    return !seen.has(id) && seen.add(id)
  })
}
