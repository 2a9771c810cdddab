/** The interface of the decoders of all kinds of files. */
import type { Hash32 } from '../codec/checksum.js'
import type { PlatformCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import { CorruptionError } from '../errors.js'
import type { Fact, Outline, Problem, Span } from './span.js'

/** An open file and what its decoder needs. */
export interface FileContext {
  readonly file: FileHandle
  readonly path: string
  /** Size when it was opened; bytes appended later are not inspected. */
  readonly bytes: number
  /** The number in the file's name. */
  readonly nameNumber: number | undefined
  readonly hash32: Hash32
  readonly compression: PlatformCompression
  /** Longest preview of a key or value, in bytes. */
  readonly preview: number
  report(problem: Omit<Problem, 'file'>): void
}

/** Selects parts of a file. */
export interface PartRange {
  /** Parts that end behind this offset in bytes. */
  readonly offset?: number
  /** One data block of a table. */
  readonly block?: number
  /** One page of a tree, by its first unit. */
  readonly page?: number
  /** Data blocks or leaves from the first one that may hold this key. */
  readonly from?: Uint8Array
}

export interface Decoder {
  /** The kind of the file, in a few words. */
  readonly title: string
  /** The selections that apply to it, besides an offset. */
  readonly selections: readonly (keyof PartRange)[]
  /** The parts in file order, decoded one at a time; without a range they cover every byte. */
  parts(range: PartRange): Generator<Span>
  /** A summary of the parts that were read. */
  facts(): readonly Fact[]
  /** The structure the file describes; lazily, as it may be large. */
  outline?(): Iterable<Outline>
}

/** Bytes `[offset, offset + length)` of the file, which were there when it was opened. */
export function readBytes({ file, path }: Pick<FileContext, 'file' | 'path'>, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const count = file.read(bytes, offset)
  if (count !== length) throw new CorruptionError('the file became shorter while it was read', { file: path, offset: offset + count })
  return bytes
}

/** Bytes without a known structure, in pieces that are small enough to show and to read. */
export function rawSpan(offset: number, length: number, name: string, problem?: string): Span {
  return { offset, length, name, ...(problem === undefined ? {} : { problem, unverified: true as const }) }
}
