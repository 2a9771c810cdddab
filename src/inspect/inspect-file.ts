import { loadHash32 } from '../codec/checksum.js'
import { KvariumError, MisuseError } from '../errors.js'
import { parseLogName } from '../engine/durable/log-names.js'
import type { PlatformCompression } from '../vfs/environment.js'
import { absolutePath, type FileHandle, type FileSystem } from '../vfs/file-system.js'
import { typedError } from '../vfs/vfs-error.js'
import { FORMATS, formatByName } from './engine-inspectors.js'
import { identify, type FileKind } from './identify.js'
import { rawSpan, readBytes, type Decoder, type FileContext, type PartRange } from './inspected-file.js'
import { LogDecoder } from './log-decoder.js'
import type { Fact, Outline, Problem, Span } from './span.js'
import { IdentityDecoder } from './text-decoders.js'

/** Provides the files, and the codecs without which blocks compressed by them are shown as stored. An `Environment` is one. */
export interface InspectionSource extends PlatformCompression {
  readonly fileSystem: FileSystem
}

export interface FileInspectionOptions {
  /** Longest preview of a key or value, in bytes. Default: 48. */
  readonly preview?: number
}

const DEFAULT_PREVIEW = 48

/**
 * Opens a file of a store for inspection: without a lock and without changing anything, even while a store has it open. The
 * file is open until `close`.
 *
 * Rejects with `LEVEL_NOT_FOUND` when there is no such file, and with `LEVEL_IO_ERROR` when it cannot be read. Damage does
 * not reject: it is listed in `problems`.
 */
export async function inspectFile(path: string, source: InspectionSource, options: FileInspectionOptions = {}): Promise<FileInspection> {
  return inspectPlaced({ path, place: absolutePath(source.fileSystem, path) }, source, options)
}

/** A file as the caller names it, and its absolute path. */
export interface PlacedFile {
  readonly path: string
  readonly place: string
}

/** `inspectFile` for a path that is absolute already. */
export async function inspectPlaced(
  { path, place }: PlacedFile,
  source: InspectionSource,
  { preview = DEFAULT_PREVIEW }: FileInspectionOptions,
): Promise<FileInspection> {
  const { fileSystem, deflate, zstd } = source
  const hash32 = await loadHash32()
  try {
    const stat = fileSystem.stat(place)
    if (stat === undefined) throw new KvariumError('LEVEL_NOT_FOUND', `There is no file ${path}`, { file: path })
    if (stat.kind === 'directory') throw new MisuseError('LEVEL_INVALID_LOCATION', `${path} is a directory, not a file`)
    if (stat.kind === 'other') throw new MisuseError('LEVEL_INVALID_LOCATION', `${path} is no file that has contents, perhaps a lock`)
    const file = fileSystem.openRead(place)
    try {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const bytes = file.size()
      const kind = identify(file, name, bytes)
      const nameNumber = parseLogName(name) ?? formatByName(name)?.parseName(name)?.number
      const problems: Problem[] = []
      const report: FileContext['report'] = problem => void problems.push({ file: path, ...problem })
      const context = { file, path, bytes, nameNumber, hash32, compression: { deflate, zstd }, preview, report }
      return new FileInspection(path, file, kind, bytes, decoderFor(kind, context), problems)
    } catch (error) {
      file.close()
      throw error
    }
  } catch (error) {
    throw typedError(error)
  }
}

/** A file under inspection. */
export class FileInspection {
  readonly path: string
  readonly kind: FileKind
  /** Size in bytes when it was opened. */
  readonly bytes: number
  /** The problems found so far; complete once all parts were read. */
  readonly problems: readonly Problem[]
  /** The decoder of the file's kind. */
  readonly decoder: Decoder
  readonly #file: FileHandle

  /** Use `inspectFile`. */
  constructor(path: string, file: FileHandle, kind: FileKind, bytes: number, decoder: Decoder, problems: readonly Problem[]) {
    this.path = path
    this.kind = kind
    this.bytes = bytes
    this.problems = problems
    this.#file = file
    this.decoder = decoder
  }

  /** The kind of the file, in a few words. */
  get title(): string {
    return this.decoder.title
  }

  /**
   * The parts of the file in order, each read and decoded on demand; without a range they cover the whole file.
   * Call it once: facts and problems accumulate as parts are read.
   * @throws MisuseError with code `LEVEL_INVALID_OPTION` when the range does not fit the kind of file.
   */
  parts(range: PartRange = {}): Generator<Span> {
    for (const name of ['block', 'page', 'from'] as const) {
      if (range[name] === undefined || this.decoder.selections.includes(name)) continue
      const what = { block: 'Data blocks are chosen', page: 'Pages are chosen', from: 'A key to start from is chosen' }[name]
      const where = { block: 'tables', page: 'B+trees', from: 'tables and B+trees' }[name]
      throw new MisuseError('LEVEL_INVALID_OPTION', `${what} in ${where}; ${this.path} is a ${this.title}`)
    }
    return this.decoder.parts(range)
  }

  /** A summary of the parts that were read. */
  facts(): readonly Fact[] {
    return this.decoder.facts()
  }

  /** For a manifest the current version by level, from the edits that were read; for a B+tree its pages from the root down, read here. */
  outline(): Iterable<Outline> {
    return this.decoder.outline?.() ?? []
  }

  /** Bytes of the file; fewer than `length` at its end. */
  read(offset: number, length: number): Uint8Array {
    return readBytes({ file: this.#file, path: this.path }, offset, Math.min(length, this.bytes - offset))
  }

  /** Bytes by which the file has grown since it was opened: not 0 while a store writes it. */
  growth(): number {
    return this.#file.size() - this.bytes
  }

  close(): void {
    this.#file.close()
  }
}

function decoderFor(kind: FileKind, context: FileContext): Decoder {
  if (kind === 'log') return new LogDecoder(context)
  if (kind === 'identity') return new IdentityDecoder(context)
  return FORMATS.find(format => format.kind === kind)?.decoder(context) ?? new OtherFile(context, kind)
}

/** A file of which only the size is known. */
class OtherFile implements Decoder {
  readonly title: string
  readonly selections = []
  readonly #context: FileContext
  readonly #kind: FileKind

  constructor(context: FileContext, kind: FileKind) {
    this.#context = context
    this.#kind = kind
    this.title = kind === 'lock' ? "lock's own file" : 'file of an unknown kind'
  }

  *parts(): Generator<Span> {
    const { bytes, report } = this.#context
    if (this.#kind === 'unknown') report({ message: 'neither content nor name belong to a file of a store' })
    if (bytes > 0) yield rawSpan(0, bytes, this.#kind === 'lock' ? 'contents' : 'unreadable')
  }

  facts(): readonly Fact[] {
    return []
  }
}
