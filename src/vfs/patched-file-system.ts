import type { FileHandle, FileSystem } from './file-system.js'
import { ForwardingFileSystem } from './forwarding-file-system.js'

/** Shows one file with some of its bytes replaced to those who read it. The file itself stays as it is, and so may be opened for reading only. */
export class PatchedFileSystem extends ForwardingFileSystem {
  readonly #path: string
  readonly #bytes: Uint8Array
  readonly #position: number

  /** @param position Where in the file `bytes` are to be read, within its length. */
  constructor(inner: FileSystem, path: string, bytes: Uint8Array, position: number) {
    super(inner)
    this.#path = path
    this.#bytes = bytes
    this.#position = position
  }

  override openRead(path: string): FileHandle {
    const file = super.openRead(path)
    if (path !== this.#path) return file
    const read = (target: Uint8Array, position: number, start = 0, end = target.length): number => {
      const length = file.read(target, position, start, end)
      const from = Math.max(position, this.#position)
      const to = Math.min(position + length, this.#position + this.#bytes.length)
      if (from < to) target.set(this.#bytes.subarray(from - this.#position, to - this.#position), start + from - position)
      return length
    }
    return {
      path,
      read,
      size: () => file.size(),
      write: (source, position, start, end) => file.write(source, position, start, end),
      truncate: size => file.truncate(size),
      sync: () => file.sync(),
      close: () => file.close(),
    }
  }
}
