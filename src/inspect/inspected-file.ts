/** What every kind of file is inspected through. */
import type { Hash32 } from '../codec/checksum.js'
import type { BlockCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import { CorruptionError } from '../errors.js'
import type { Fact, Outline, Problem, Span } from './span.js'

/** An open file and what its decoder needs of the world. */
export interface FileContext {
  readonly file: FileHandle
  readonly path: string
  /** When it was opened: what is appended later is not looked at. */
  readonly bytes: number
  /** The number in the file's name. */
  readonly nameNumber: number | undefined
  readonly hash32: Hash32
  readonly deflate: BlockCompression | undefined
  /** Longest preview of a key or value, in bytes. */
  readonly preview: number
  report(problem: Omit<Problem, 'file'>): void
}

/** Which parts of a file are wanted. */
export interface PartRange {
  /** The parts that end behind this offset, in bytes. */
  readonly offset?: number
  /** One data block of a table. */
  readonly block?: number
  /** One page of a tree, by its first unit. */
  readonly page?: number
  /** The data blocks or leaves from the one on that may hold this key. */
  readonly from?: Uint8Array
}

export interface Decoder {
  /** What the file is, in a few words. */
  readonly title: string
  /** The selections that make sense for it, beside an offset. */
  readonly selections: readonly (keyof PartRange)[]
  /** The parts in file order, decoded one at a time; without a range they cover every byte. */
  parts(range: PartRange): Generator<Span>
  /** What the parts add up to, as far as they were read. */
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

/** Bytes of which nothing more can be said, in pieces that are not too large to show or to read. */
export function rawSpan(offset: number, length: number, name: string, problem?: string): Span {
  return { offset, length, name, ...(problem === undefined ? {} : { problem, unverified: true as const }) }
}
