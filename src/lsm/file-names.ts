/** The names of the files in an LSM directory. Numbers come from one counter, so a number names one file only. */
import { CorruptionError } from '../errors.js'

export const CURRENT = 'CURRENT'
export const CURRENT_TEMPORARY = 'CURRENT.tmp'

export function tableName(number: number): string {
  return `${padded(number)}.sst`
}

export function logName(number: number): string {
  return `${padded(number)}.log`
}

export function manifestName(number: number): string {
  return `MANIFEST-${padded(number)}`
}

export interface NumberedFile {
  readonly kind: 'table' | 'log' | 'manifest'
  readonly number: number
}

const SUFFIXED = /^(\d{6,16})\.(sst|log)$/
const MANIFEST = /^MANIFEST-(\d{6,16})$/

/** What a file in the directory is, or `undefined` if it is not one of the engine's numbered files. */
export function parseFileName(name: string): NumberedFile | undefined {
  const suffixed = SUFFIXED.exec(name)
  if (suffixed !== null) return { kind: suffixed[2] === 'sst' ? 'table' : 'log', number: Number(suffixed[1]) }
  const manifest = MANIFEST.exec(name)
  return manifest === null ? undefined : { kind: 'manifest', number: Number(manifest[1]) }
}

export function parseManifestName(name: string, from: string): number {
  const parsed = parseFileName(name)
  if (parsed?.kind !== 'manifest') throw new CorruptionError(`${CURRENT} does not name a manifest`, { file: from, offset: 0 })
  return parsed.number
}

function padded(number: number): string {
  return String(number).padStart(6, '0')
}
