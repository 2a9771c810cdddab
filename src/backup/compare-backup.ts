import { compareBytes, type ByteView } from '../codec/entry.js'
import type { Cursor, Engine } from '../engine/contract.js'
import { AbortError, KvariumError } from '../errors.js'
import { shownBytes } from '../codec/shown-text.js'
import type { Environment } from '../vfs/environment.js'

export interface Comparison {
  readonly source: Engine
  readonly copy: Engine
  /** The directories of the two. */
  readonly from: string
  readonly directory: string
  readonly signal: AbortSignal | undefined
  readonly environment: Environment
  onProgress(phase: 'check' | 'compare', entries: number): void
}

const ENTRIES_A_TURN = 1024

/**
 * Checks a copy of a store, and compares every key, value and expiry with those of the store. Resolves to the number of entries. Rejects with
 * `LEVEL_BACKUP_DIFFERS` and with `LEVEL_ABORTED`.
 */
export async function compareBackup(comparison: Comparison): Promise<number> {
  const { source, copy, directory, signal, onProgress } = comparison
  onProgress('check', 0)
  for await (const { path, message } of copy.check()) throw differs(directory, `is not sound: ${path}: ${message}`)
  if (signal?.aborted === true) throw new AbortError()
  const cursors = [source.cursor({}), copy.cursor({})] as const
  try {
    return await compareEntries(comparison, ...cursors)
  } finally {
    for (const cursor of cursors) cursor.close()
  }
}

async function compareEntries({ source, copy, from, directory, ...rest }: Comparison, ours: Cursor, theirs: Cursor): Promise<number> {
  const { signal, environment, onProgress } = rest
  let entries = 0
  for (let [more, moreTheirs] = [ours.first(), theirs.first()]; more || moreTheirs; [more, moreTheirs] = [ours.next(), theirs.next()]) {
    const order = more && moreTheirs ? compareViews(ours.key, theirs.key) : more ? -1 : 1
    const key = (order <= 0 ? ours : theirs).key.copy()
    if (order !== 0) throw differs(directory, `differs from ${from}: the key ${shownBytes(key)} is in one of them alone`)
    if (compareViews(ours.value, theirs.value) !== 0) {
      throw differs(directory, `differs from ${from}: the key ${shownBytes(key)} has another value`)
    }
    if (source.expiresAt?.(key) !== copy.expiresAt?.(key)) {
      throw differs(directory, `differs from ${from}: the key ${shownBytes(key)} expires at another time`)
    }
    if (++entries % ENTRIES_A_TURN !== 0) continue
    onProgress('compare', entries)
    await environment.scheduler.turn()
    if (signal?.aborted === true) throw new AbortError()
  }
  return entries
}

function compareViews(a: ByteView, b: ByteView): number {
  return compareBytes(a.bytes, a.start, a.end, b.bytes, b.start, b.end)
}

function differs(directory: string, how: string): KvariumError {
  return new KvariumError('LEVEL_BACKUP_DIFFERS', `The backup ${directory} ${how}. It was discarded`)
}
