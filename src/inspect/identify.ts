/** What a file is, by its content; its name decides only where the content does not. */
import { readUtf8 } from '../codec/text.js'
import { CURRENT, CURRENT_TEMPORARY, parseFileName } from '../lsm/file-names.js'
import { DATA_FILE } from '../btree/file-names.js'
import { META_AREA_BYTES } from '../btree/pages/meta-page.js'
import { FRAME_HEADER_BYTES, LOG_HEADER_BYTES, readWord } from '../wal/format.js'
import { IDENTITY, IDENTITY_TEMPORARY, isLockName } from '../store/identity.js'
import { CorruptionError } from '../errors.js'
import type { FileHandle } from '../vfs/file-system.js'
import { readBatch } from './batch-spans.js'
import { readEdit } from './edit-spans.js'
import { readBytes } from './inspected-file.js'
import { SpanReader } from './span-reader.js'

export type FileKind = 'log' | 'manifest' | 'table' | 'btree' | 'identity' | 'current' | 'lock' | 'unknown'

const TABLE_MAGIC = 'kvsstab\n'
const TREE_MAGIC = 'kvbtree\n'
const LOG_MAGIC = 'KVARWAL'
/** A first record that is larger says nothing about the kind of its file. */
const MAX_RECORD_BYTES = 1 << 20

/** What a file of this name should be. */
export function kindByName(name: string): FileKind {
  if (name === IDENTITY || name === IDENTITY_TEMPORARY) return 'identity'
  if (name === CURRENT || name === CURRENT_TEMPORARY) return 'current'
  if (name === DATA_FILE) return 'btree'
  if (isLockName(name)) return 'lock'
  return parseFileName(name)?.kind ?? 'unknown'
}

export function identify(file: FileHandle, name: string, bytes: number): FileKind {
  const byName = kindByName(name)
  // A lock's own file may be a socket, and holds nothing in any case.
  if (byName === 'lock') return 'lock'
  const source = { file, path: file.path }
  const textAt = (offset: number, length: number): string =>
    offset < 0 || offset + length > bytes ? '' : readUtf8(readBytes(source, offset, length), 0, length)
  if (textAt(0, LOG_MAGIC.length) === LOG_MAGIC) return recordKind(file, bytes) ?? (byName === 'manifest' ? 'manifest' : 'log')
  if (textAt(bytes - TABLE_MAGIC.length, TABLE_MAGIC.length) === TABLE_MAGIC) return 'table'
  if (textAt(0, TREE_MAGIC.length) === TREE_MAGIC || textAt(META_AREA_BYTES / 2, TREE_MAGIC.length) === TREE_MAGIC) return 'btree'
  if (textAt(0, 11) === '{"kvarium":') return 'identity'
  if (/^MANIFEST-\d/.test(textAt(0, 10))) return 'current'
  return byName
}

/** What the first record of a file in the log's framing is. */
function recordKind(file: FileHandle, bytes: number): 'log' | 'manifest' | undefined {
  const start = LOG_HEADER_BYTES + FRAME_HEADER_BYTES
  if (bytes < start) return undefined
  const source = { file, path: file.path }
  const length = readWord(readBytes(source, LOG_HEADER_BYTES, 4), 0)
  if (length === 0 || length > MAX_RECORD_BYTES || start + length > bytes) return undefined
  const payload = readBytes(source, start, length)
  if (decodes(() => readBatch(new SpanReader(payload, 0), 0))) return 'log'
  return decodes(() => readEdit(new SpanReader(payload, 0), 0)) ? 'manifest' : undefined
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
