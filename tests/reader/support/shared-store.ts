import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { builtInEngines, Kvarium } from '../../../src/index.js'
import { openReader, type Reader, type ReaderOptions } from '../../../src/reader/index.js'
import type { Share } from '../../../src/store/node-share.js'
import type { StoreOptions } from '../../../src/store/store-options.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'

/** Engines whose stores can be shared, with options by which little data goes through many flushes, compactions and checkpoints. */
export const SHARED_ENGINES = [
  ['lsm', SMALL_LSM],
  ['btree', SMALL_BTREE],
] as const

export type SharedEngine = (typeof SHARED_ENGINES)[number][0]

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-reader-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** An open store in a directory of its own, closed and removed when the test has ended. */
export async function openStore<V = string>(
  engine: SharedEngine,
  options: StoreOptions<string, V> & Record<string, unknown> = {},
): Promise<Kvarium<string, V>> {
  const [, small] = SHARED_ENGINES.find(([name]) => name === engine)!
  const db = new Kvarium<string, V>(temporaryDirectory(), { engine: builtInEngines.resolve(engine), ...small, ...options })
  onTestFinished(() => db.close())
  await db.open()
  return db
}

/** A reader in this thread, closed when the test has ended. */
export async function readerOf<V = string>(
  share: Share | Pick<Kvarium<string, V>, 'share'>,
  options?: ReaderOptions<string, V>,
): Promise<Reader<string, V>> {
  const taken = 'share' in share ? await share.share() : share
  const reader = await openReader<string, V>(taken.handle(), options)
  onTestFinished(() => reader.close())
  if (taken !== share) taken.release()
  return reader
}

/** Lets messages between the ports of this thread arrive. */
export async function messagesArrive(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string | undefined> {
  try {
    await (typeof work === 'function' ? work() : work)
    return undefined
  } catch (error) {
    return (error as { readonly code?: string }).code
  }
}
