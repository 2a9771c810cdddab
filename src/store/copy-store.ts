import type { AnyLevel, CopyOptions, CopyReport, EntrySource } from './copy.js'

/**
 * Copies everything in `source` into `target`, which must be empty, durably where the target has `sync`, and then compares both. A Kvarium with
 * files gets the entries by `ingest`, unless it has a `ttl`; any other target gets batches.
 *
 * Rejects with `LEVEL_TARGET_NOT_EMPTY`, with `LEVEL_COPY_DIFFERS` if the target has something else afterwards than the source had, and
 * with `LEVEL_ABORTED`. After a failure a target that gets batches may hold a part of the entries.
 */
export async function copyStore(source: AnyLevel | EntrySource, target: AnyLevel, options: CopyOptions = {}): Promise<CopyReport> {
  // Few programs copy: the rest is loaded by those that do.
  const { copyEntries } = await import('./copy.js')
  return copyEntries(source, target, options)
}
