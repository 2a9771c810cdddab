/** Walks the files and the directory of an open hash engine, and yields every broken invariant. */
import type { Violation } from '../engine/contract.js'
import { ByteView } from '../codec/entry.js'
import { CorruptionError } from '../errors.js'
import { newReadCounts } from '../trace/ledger.js'
import { LogReader } from '../wal/reader.js'
import { hintName } from './file-names.js'
import { HintReader } from './hint.js'
import type { HashParts } from './parts.js'
import { readWhole } from './recovery.js'
import { joinPath } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'

const SLICE_BYTES = 1024 * 1024
const SLICE_RECORDS = 1024

export async function* checkParts(parts: HashParts): AsyncGenerator<Violation> {
  const { files, context, hash32, ledger } = parts
  const { scheduler } = context.environment
  const fileSystem = new MeteredFileSystem(context.environment.fileSystem)
  for (const file of [...files.list]) {
    const path = files.path(file)
    const found: Violation[] = []
    const report = (error: unknown, at: string): void => {
      if (!(error instanceof CorruptionError)) throw error
      found.push({
        path: `hash / ${at}`,
        message: error.message,
        file: error.file ?? path,
        ...(error.offset !== undefined && { offset: error.offset }),
      })
    }
    const { name } = file
    // The log that is being written is not at its end.
    if (!file.isLog) {
      try {
        const source = { fileSystem, path, logNumber: file.number, hash32 }
        const { validBytes } = await new LogReader(source).replayInSlices(
          () => undefined,
          SLICE_BYTES,
          () => scheduler.turn(),
        )
        if (validBytes !== file.bytes)
          throw new CorruptionError(`A data file of ${file.bytes} bytes is damaged`, { file: path, offset: validBytes })
      } catch (error) {
        report(error, name)
      }
      const hint = joinPath(context.directory, hintName(file.number))
      const bytes = readWhole(fileSystem, hint)
      try {
        if (bytes !== undefined) new HintReader(bytes, file.number, hash32, hint)
      } catch (error) {
        report(error, hintName(file.number))
      }
    }
    yield* found
  }
  ledger.scan.bytesFromDisk += fileSystem.counts().total.bytesRead
  yield* checkDirectory(parts)
}

/** Reads the value of every record, and counts what is live. */
async function* checkDirectory({ entries, files, context, ledger }: HashParts): AsyncGenerator<Violation> {
  const { directory } = entries
  const value = new ByteView()
  const counts = newReadCounts()
  for (let record = 1; record <= directory.last; record++) {
    if (record % SLICE_RECORDS === 0) await context.environment.scheduler.turn()
    if (!directory.isUsed(record) || !directory.isPut(record)) continue
    files.counts = counts
    counts.bytesFromDisk = 0
    try {
      files.read(directory.versionAt(record), directory.hashAt(record), value)
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      const { name } = files.at(directory.fileAt(record))
      yield {
        path: `hash / ${name} / value`,
        message: error.message,
        ...(error.file !== undefined && { file: error.file }),
        ...(error.offset !== undefined && { offset: error.offset }),
      }
    } finally {
      ledger.scan.bytesFromDisk += counts.bytesFromDisk
    }
  }
  let live = 0
  let liveBytes = 0
  for (let record = 1; record <= directory.last; record++) {
    if (!directory.isUsed(record) || !directory.isPut(record)) continue
    live++
    liveBytes += directory.keyLengthAt(record) + directory.lengthAt(record)
  }
  if (live !== entries.live || liveBytes !== entries.liveBytes) {
    yield {
      path: 'hash / directory',
      message: `There are ${live} entries of ${liveBytes} bytes, and ${entries.live} of ${entries.liveBytes} are counted`,
    }
  }
  const inFiles = files.all.reduce((sum, file) => sum + file.live, 0)
  if (inFiles !== live)
    yield { path: 'hash / directory', message: `The files count ${inFiles} live entries, and the directory has ${live}` }
}
