/** Logs of an earlier session that go on: made durable, and cut off behind what was replayed. */
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { encodeFileHeader } from '../../wal/format.js'
import { logName } from './log-names.js'
import type { ReplayedLogs } from './log-replay.js'

const REWRITE_CHUNK_BYTES = 256 * 1024

/**
 * What a killed process left is only in the system's memory yet; the next log must not become durable before it. What no
 * record proves durable is written once more: if a sync of that process failed, the system takes those bytes for written, and
 * to sync them again would do nothing. Returns the number of bytes written. `turn` is taken now and then.
 */
export async function makeLogDurable(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  replayed?: ReplayedLogs,
  turn?: () => Promise<void>,
): Promise<number> {
  const from = replayed?.syncedBytes.get(number) ?? 0
  const to = replayed?.keptBytes.get(number) ?? 0
  const file = fileSystem.openWrite(joinPath(directory, logName(number)))
  try {
    const chunk = new Uint8Array(Math.min(REWRITE_CHUNK_BYTES, Math.max(0, to - from)))
    for (let at = from; at < to; at += chunk.length) {
      const length = file.read(chunk, at, 0, Math.min(chunk.length, to - at))
      file.write(chunk, at, 0, length)
      if (turn !== undefined) await turn()
    }
    await file.sync()
    return Math.max(0, to - from)
  } finally {
    file.close()
  }
}

/**
 * Cuts off what replay dropped of a log, so that a new log can follow it; a log without a header gets one. Returns the number of bytes
 * written. Nothing of it is durable before `makeLogDurable`.
 */
export function cutLog(fileSystem: FileSystem, directory: string, number: number, replayed: ReplayedLogs): number {
  const kept = replayed.keptBytes.get(number) ?? 0
  const isWhole = kept > 0 && kept === replayed.validBytes.get(number)
  const path = joinPath(directory, logName(number))
  if (isWhole && fileSystem.stat(path)?.size === replayed.logs.get(number)) return 0
  const file = fileSystem.openWrite(path)
  try {
    file.truncate(kept)
    if (kept > 0) return 0
    const header = encodeFileHeader(number)
    file.write(header, 0)
    return header.length
  } finally {
    file.close()
  }
}
