/** The names of the files in an LSM directory. Numbers come from one counter, so a number names one file only. */
import { paddedNumber, parseLogName } from '../engine/durable/log-names.js'
import { CorruptionError } from '../errors.js'
import type { FileNames } from '../vfs/file-classes.js'

export const CURRENT = 'CURRENT'
export const CURRENT_TEMPORARY = 'CURRENT.tmp'

export function tableName(number: number): string {
  return `${paddedNumber(number)}.sst`
}

export function blobName(number: number): string {
  return `${paddedNumber(number)}.blob`
}

export function manifestName(number: number): string {
  return `MANIFEST-${paddedNumber(number)}`
}

export interface NumberedFile {
  readonly kind: 'table' | 'log' | 'blob' | 'manifest'
  readonly number: number
}

const TABLE = /^(\d{6,16})\.sst$/
const BLOB = /^(\d{6,16})\.blob$/
const MANIFEST = /^MANIFEST-(\d{6,16})$/

/** What a file in the directory is, or `undefined` if it is not one of the engine's numbered files. */
export function parseFileName(name: string): NumberedFile | undefined {
  const log = parseLogName(name)
  if (log !== undefined) return { kind: 'log', number: log }
  const table = TABLE.exec(name)
  if (table !== null) return { kind: 'table', number: Number(table[1]) }
  const blob = BLOB.exec(name)
  if (blob !== null) return { kind: 'blob', number: Number(blob[1]) }
  const manifest = MANIFEST.exec(name)
  return manifest === null ? undefined : { kind: 'manifest', number: Number(manifest[1]) }
}

export function parseManifestName(name: string, from: string): number {
  const parsed = parseFileName(name)
  if (parsed?.kind !== 'manifest') throw new CorruptionError(`${CURRENT} does not name a manifest`, { file: from, offset: 0 })
  return parsed.number
}

/** Every name that the engine gives to a file. */
export const LSM_FILES: FileNames = {
  log: /^\d{6,16}\.log$/,
  table: /^\d{6,16}\.(sst|blob)$/,
  meta: /^(MANIFEST-\d{6,16}|CURRENT(\.tmp)?)$/,
}
