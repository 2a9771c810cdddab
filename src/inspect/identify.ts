/** The kind of a file, by its content; its name decides only if the content does not. */
import { readUtf8 } from '../codec/text.js'
import { parseLogName } from '../engine/durable/log-names.js'
import { COMPACT_LOG_VERSION, FRAME_HEADER_BYTES, LOG_HEADER_BYTES, readWord } from '../wal/format.js'
import { IDENTITY, IDENTITY_TEMPORARY, isLockName } from '../store/identity.js'
import { CorruptionError } from '../errors.js'
import type { FileHandle } from '../vfs/file-system.js'
import { readBatch } from './batch-spans.js'
import { FORMATS, formatByName } from './engine-inspectors.js'
import { readBytes } from './inspected-file.js'
import { SpanReader } from './span-reader.js'

/** `log`, `identity`, `lock` and `unknown`, and the kinds of the engines' formats: `manifest`, `table`, `current`, a tree's data file. */
export type FileKind = string

const LOG_MAGIC = 'KVARWAL'
/** A larger first record does not identify the kind of its file. */
const MAX_RECORD_BYTES = 1 << 20

/** The kind that a file of this name should have. */
export function kindByName(name: string): FileKind {
  if (name === IDENTITY || name === IDENTITY_TEMPORARY) return 'identity'
  if (isLockName(name)) return 'lock'
  if (parseLogName(name) !== undefined) return 'log'
  return formatByName(name)?.kind ?? 'unknown'
}

export function identify(file: FileHandle, name: string, bytes: number): FileKind {
  const byName = kindByName(name)
  // A lock's own file may be a socket, and holds no data.
  if (byName === 'lock') return 'lock'
  const source = { file, path: file.path }
  const textAt = (offset: number, length: number): string =>
    offset < 0 || offset + length > bytes ? '' : readUtf8(readBytes(source, offset, length), 0, length)
  if (textAt(0, LOG_MAGIC.length) === LOG_MAGIC) return framedKind(file, name, bytes)
  const content = { bytes, textAt }
  if (textAt(0, 11) === '{"kvarium":') return 'identity'
  return FORMATS.find(format => format.hasContent?.(content) === true)?.kind ?? byName
}

/** What a file in the log's framing is: by its first record, else by its name. */
function framedKind(file: FileHandle, name: string, bytes: number): FileKind {
  const payload = firstRecord(file, bytes)
  if (payload !== undefined) {
    if (decodes(() => readBatch(new SpanReader(payload, 0), 0))) return 'log'
    const format = FORMATS.find(({ readRecord }) => readRecord !== undefined && decodes(() => readRecord(payload)))
    if (format !== undefined) return format.kind
  }
  const format = formatByName(name)
  return format?.readRecord === undefined ? 'log' : format.kind
}

function firstRecord(file: FileHandle, bytes: number): Uint8Array | undefined {
  const start = LOG_HEADER_BYTES + FRAME_HEADER_BYTES
  if (bytes < start) return undefined
  const source = { file, path: file.path }
  const header = readBytes(source, 0, LOG_HEADER_BYTES + 4)
  const first = readWord(header, LOG_HEADER_BYTES)
  const length = header[7] === COMPACT_LOG_VERSION ? first >>> 1 : first
  if (length === 0 || length > MAX_RECORD_BYTES || start + length > bytes) return undefined
  return readBytes(source, start, length)
}

function decodes(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof CorruptionError) return false
    throw error
  }
}
