/** The files of a store: how long each is, and what of it power loss could still take. */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { KnownFiles, type KnownFile } from './known-files.js'

export interface FilePicture extends KnownFile {
  readonly name: string
}

export interface FilesPicture {
  /** By name. */
  readonly files: readonly FilePicture[]
  /** The file that the present event touches. */
  readonly touched: string | undefined
}

export class FilesFold implements Fold<FilesPicture> {
  #files: KnownFiles
  #touched: string | undefined

  constructor(files = new KnownFiles()) {
    this.#files = files
  }

  apply(event: TraceEvent): void {
    this.#files.apply(event)
    if (event.type === 'file.rename') this.#touched = event.to
    else this.#touched = event.type.startsWith('file.') && 'file' in event && typeof event.file === 'string' ? event.file : undefined
  }

  findFiles(files: readonly TraceEvent[]): void {
    this.#files = new KnownFiles()
    for (const event of files) this.#files.apply(event)
  }

  clone(): FilesFold {
    const clone = new FilesFold(this.#files.clone())
    clone.#touched = this.#touched
    return clone
  }

  picture(): FilesPicture {
    return { files: this.#files.all.map(([name, file]) => ({ name, ...file })), touched: this.#touched }
  }
}
