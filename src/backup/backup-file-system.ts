/**
 * The file system that a backup is written through: it counts what is written and linked, and gives files of an earlier backup that are the
 * same as those of the store a second name instead of copying them again.
 *
 * Invariants:
 * 1. A file of the store gets its second name itself where that is possible: it costs nothing.
 * 2. A file of the earlier backup stands for one of the store only when every byte is the same.
 */
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'

const PIECE_BYTES = 256 * 1024

export class BackupFileSystem extends MeteredFileSystem {
  /** Bytes of files of the store that have a second name in the backup. */
  linkedBytes = 0
  /** Bytes of files of the earlier backup that are in the new one. */
  keptBytes = 0
  /** The directory of the earlier backup. */
  earlier: string | undefined

  constructor(inner: FileSystem) {
    super(inner)
  }

  get writtenBytes(): number {
    return this.counts().total.bytesWritten
  }

  override link(from: string, to: string): void {
    const bytes = this.inner.stat(from)?.size ?? 0
    try {
      super.link(from, to)
      this.linkedBytes += bytes
    } catch (error) {
      if (this.earlier === undefined || !this.#keep(joinPath(this.earlier, nameOf(to)), from, to)) throw error
      this.keptBytes += bytes
    }
  }

  /** Whether the file of the earlier backup is the same as `from`, and is `to` from now on. */
  #keep(earlier: string, from: string, to: string): boolean {
    if (this.inner.stat(earlier)?.size !== this.inner.stat(from)?.size) return false
    super.link(earlier, to)
    if (this.#isSame(earlier, from)) return true
    this.inner.remove(to)
    return false
  }

  #isSame(a: string, b: string): boolean {
    const files = [a, b].map(path => this.inner.openRead(path))
    try {
      const words = files.map(() => new Int32Array(PIECE_BYTES / 4))
      const pieces = words.map(({ buffer }) => new Uint8Array(buffer))
      for (let at = 0; ; at += PIECE_BYTES) {
        const [length, other] = files.map((file, i) => file.read(pieces[i], at))
        if (length !== other) return false
        // Behind the end both have what they had at the same place of the piece before, which was the same.
        for (let i = 0; i < length / 4; i++) if (words[0][i] !== words[1][i]) return false
        if (length < PIECE_BYTES) return true
      }
    } finally {
      for (const file of files) file.close()
    }
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
