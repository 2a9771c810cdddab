/** A checkpoint of the store: one moment of it, written to another directory as data files with hint files and an empty log. */
import { ByteView, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import { logName } from '../engine/durable/log-names.js'
import { AbortError } from '../errors.js'
import { newReadCounts } from '../trace/ledger.js'
import { joinPath } from '../vfs/file-system.js'
import { bindFileSystem } from '../vfs/traced-file-system.js'
import { LogWriter } from '../wal/writer.js'
import { DataWriter } from './data-writer.js'
import { dataName } from './file-names.js'
import type { Moment } from './moments.js'
import type { HashParts } from './parts.js'

const SLICE_BYTES = 256 * 1024
const SLICE_RECORDS = 4096

export async function writeCheckpoint(parts: HashParts, moment: Moment, directory: string, signal: AbortSignal | undefined): Promise<void> {
  const { context, entries, files, hash32, ledger, options } = parts
  const { environment, trace } = context
  const fileSystem = bindFileSystem(environment.fileSystem, trace?.trace.currentSpan ?? null)
  const { directory: keys } = entries
  const own = entries.moments.hold(moment.sequence, moment.time)
  const reads = newReadCounts()
  const key = new ByteView()
  const value = new ByteView()
  // The number differs from those of the logs that the file stands for: its sequence numbers are made up.
  let place = 1
  let written = 0
  let writer = newWriter()
  function newWriter(): DataWriter {
    return new DataWriter({ fileSystem, directory, hash32, number: place + 1, onWritten: () => written++ })
  }
  /** All sequence numbers are those of the last file. */
  const finish = async (lastSequence: number): Promise<void> => {
    await writer.finish(1, lastSequence)
    ledger.written.backup += writer.writtenBytes
    ledger.syncs += writer.syncs
    fileSystem.rename(writer.path, joinPath(directory, dataName({ number: place + 1, from: place, to: place })))
    place += 2
    written = 0
  }
  try {
    let bytes = 0
    // A record of a key that comes later has no version that the moment sees.
    for (let record = 1, last = keys.last; record <= last; record++) {
      const found = keys.isUsed(record) ? entries.versionOf(record, moment.sequence) : undefined
      if (found !== undefined) {
        files.counts = reads
        const { kind } = found
        files.read(found, keys.hashAt(record), value)
        keys.setKey(record, key)
        if (kind !== KIND_PUT_EXPIRING) writer.batch.put(key.copy(), value.copy())
        else writer.batch.put(key.copy(), value.bytes.slice(value.start + EXPIRY_BYTES, value.end), readExpiry(value.bytes, value.start))
        bytes += key.length + value.length
        writer.writeIfFull()
        if (writer.writtenBytes >= options.maxFileSize && written > 0 && writer.batch.count === 0) {
          await finish(0)
          writer = newWriter()
        }
      }
      if (bytes < SLICE_BYTES && record % SLICE_RECORDS !== 0) continue
      if (signal?.aborted === true) throw new AbortError()
      bytes = 0
      await environment.scheduler.turn()
    }
    if (signal?.aborted === true) throw new AbortError()
    await finish(moment.sequence)
    const log = LogWriter.create({ fileSystem, path: joinPath(directory, logName(place)), logNumber: place, hash32, growBytes: 0 })
    await log.close({ marker: true })
    ledger.written.backup += log.writtenBytes
    ledger.syncs += log.syncs + 1
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    await writer.abandon().catch(() => undefined)
    throw error
  } finally {
    ledger.read.backup += reads.bytesFromDisk
    own.release()
  }
}
