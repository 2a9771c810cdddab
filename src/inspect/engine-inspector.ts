/**
 * What inspection knows of an engine: the formats of its files, and how its directory fits together. `engine-inspectors.ts` lists the
 * built-in ones. A registered engine without one is shown by the names and classes of its files.
 */
import type { Decoder, FileContext, PartRange } from './inspected-file.js'
import type { Fact, Outline, Span } from './span.js'

/** A kind of file that belongs to one engine. Logs belong to all of them, and are known without it. */
export interface FileFormat {
  readonly kind: string
  /** What the name says, or `undefined` where it is not a name of this kind. */
  parseName(name: string): { readonly number?: number } | undefined
  /** Whether the content is of this kind, for a file that is no log. */
  hasContent?(content: FileContent): boolean
  /** Whether the first record is of this kind, for a file that is framed as a log. Throws a `CorruptionError` where it is not. */
  readRecord?(payload: Uint8Array): void
  decoder(context: FileContext): Decoder
}

export interface FileContent {
  readonly bytes: number
  /** The text in `[offset, offset + length)`, empty where the file does not have all of it. */
  textAt(offset: number, length: number): string
}

export interface EngineInspector {
  readonly engine: string
  readonly formats: readonly FileFormat[]
  /** Says what each file of the directory is for. */
  look(directory: DirectoryView): Promise<void>
}

/** A file of the directory that is open to be read. */
export interface ReadFile {
  readonly bytes: number
  readonly title: string
  readonly decoder: Decoder
  parts(range?: PartRange): Generator<Span>
  facts(): readonly Fact[]
}

export interface DirectoryFile {
  readonly name: string
  readonly bytes: number
  /** The kind of its format; the class of the file, for an engine whose formats are not known. */
  readonly kind: string
  /** `extra`: no current file names it; an open store may be about to, otherwise the next open removes it. */
  readonly state: 'current' | 'obsolete' | 'extra' | 'lock' | 'foreign'
  /** What it is for. */
  readonly role: string
}

/** The directory as an inspector sees it and describes it. */
export interface DirectoryView {
  /** Bytes by name. */
  readonly sizes: ReadonlyMap<string, number>
  /** Longest preview of a key, in bytes. */
  readonly preview: number
  isDescribed(name: string): boolean
  describe(name: string, state: DirectoryFile['state'], role: string): void
  problem(name: string, message: string): void
  addFacts(...facts: readonly Fact[]): void
  addOutline(...outline: readonly Outline[]): void
  /** Names the file whose outline continues that of the directory. */
  continueOutlineIn(name: string): void
  /** Opens a file for `read` and takes over its problems; a file that went away meanwhile gives `undefined`. */
  read<T>(name: string, read: (file: ReadFile) => T | Promise<T>): Promise<T | undefined>
  /** Describes the logs: the expected ones must be there, those before the first are obsolete. */
  logs(first: number, expected: readonly number[]): Promise<void>
}

/** Reads the parts from an offset on, for the facts and problems that gather. */
export function drain(file: ReadFile, offset = 0): void {
  for (const _ of file.parts({ offset })) continue
}
