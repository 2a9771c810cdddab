/**
 * Makes a data file of a log that is no longer written: it gets a hint file and another name, and its bytes stay where they are.
 *
 * Invariants:
 * 1. The log is durable before its hint file says what is in it, and both names are durable before the log is released.
 * 2. A hint file leaves out what later writes have replaced. So those are durable before the hint file has its name.
 * 3. A log that readers of changes need keeps its own name, too.
 */
import { copyFile } from '../engine/durable/file-copy.js'
import { withSpan, type Span } from '../trace/span.js'
import { joinPath, linkFile, removeLeftover, type FileSystem } from '../vfs/file-system.js'
import { bindFileSystem } from '../vfs/traced-file-system.js'
import type { DataFile } from './data-file.js'
import { dataName, hintName, newName } from './file-names.js'
import { encodeHint } from './hint.js'
import type { HashParts } from './parts.js'

/** Records looked at between two turns of the event loop. */
const SLICE_RECORDS = 16 * 1024

export async function sealLog(parts: HashParts, file: DataFile, span: Span | null): Promise<void> {
  const { context, logs, files, ledger } = parts
  const { environment, directory } = context
  const fileSystem = bindFileSystem(environment.fileSystem, span)
  await logs.sync()
  const source = joinPath(directory, file.name)
  const target = joinPath(directory, dataName(file))
  let isRenamed = false
  // An attempt before this one may have come so far.
  if (fileSystem.stat(target) === undefined) {
    await writeHint(parts, file, await newestIn(parts, [file]), fileSystem)
    isRenamed = await giveName(parts, fileSystem, source, target)
  }
  ledger.syncs++
  await fileSystem.syncDirectory(directory)
  withSpan(span, () => {
    files.release(file)
    file.name = dataName(file)
    parts.traced.changed()
  })
  // A log that was renamed stays counted as what it is.
  const counted = isRenamed ? (fileSystem.stat(target)?.size ?? 0) : 0
  await withSpan(span, () => logs.release(file.to + 1))
  if (!logs.isRetaining) cutZeros(file, fileSystem, target)
  file.fileBytes = fileSystem.stat(target)?.size ?? 0
  ledger.resize(file.fileBytes - counted)
  span?.emit({ type: 'data.add', file: file.number, from: file.from, to: file.to, puts: file.live, bytes: file.bytes, replaces: [] })
}

/** Gives a log the name of a data file, beside its own where it may be needed under that. Returns whether its own is gone. */
async function giveName({ context, logs }: HashParts, fileSystem: FileSystem, source: string, target: string): Promise<boolean> {
  try {
    linkFile(fileSystem, source, target)
    return false
  } catch {
    if (!logs.isRetaining) {
      fileSystem.rename(source, target)
      return true
    }
    await copyFile({ fileSystem, scheduler: context.environment.scheduler }, source, target)
    return false
  }
}

/** Removes zeros that were written ahead. Where that fails they stay. */
function cutZeros(file: DataFile, fileSystem: FileSystem, path: string): void {
  if ((fileSystem.stat(path)?.size ?? 0) <= file.bytes) return
  try {
    const handle = fileSystem.openWrite(path)
    try {
      handle.truncate(file.bytes)
    } finally {
      handle.close()
    }
  } catch {
    // They cost only space.
  }
}

/** The records whose newest versions are in a file, in slices. */
export async function newestIn({ entries, context }: HashParts, inputs: readonly DataFile[]): Promise<number[]> {
  const { directory } = entries
  const slots = new Set(inputs.map(({ slot }) => slot))
  const records: number[] = []
  for (let record = 1; record <= directory.last; record++) {
    if (directory.isUsed(record) && directory.isPut(record) && slots.has(directory.fileAt(record))) records.push(record)
    if (record % SLICE_RECORDS === 0) await context.environment.scheduler.turn()
  }
  return records
}

/** Writes the hint file of a data file and makes it durable, but for its name. */
export async function writeHint(parts: HashParts, file: DataFile, records: readonly number[], fileSystem: FileSystem): Promise<void> {
  const { context, ledger, entries, hash32, logs } = parts
  const { directory } = context
  const still = records.filter(record => entries.directory.isUsed(record) && entries.directory.fileAt(record) === file.slot)
  const bytes = encodeHint(file, still, entries.directory, hash32)
  await writeWhole(fileSystem, joinPath(directory, newName(file.number)), bytes)
  ledger.written[file.isLog ? 'flush' : 'compaction'] += bytes.length
  ledger.syncs++
  await logs.sync()
  fileSystem.rename(joinPath(directory, newName(file.number)), joinPath(directory, hintName(file.number)))
  file.hintBytes = bytes.length
  ledger.resize(bytes.length)
}

export async function writeWhole(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
  const handle = fileSystem.create(path)
  try {
    handle.write(bytes, 0)
    await handle.sync()
  } catch (error) {
    handle.close()
    removeLeftover(fileSystem, path)
    throw error
  }
  handle.close()
}
