/**
 * What a `SlotFileSystem` is made of: files that stay open, whose names never change. In a browser they are files of the origin's private file
 * system with synchronous access handles; in tests they are in memory and lose what a power loss takes.
 *
 * What a power loss leaves of them:
 * 1. A file is there once the promise of `open` has resolved.
 * 2. Bytes written or cut off before `flush` was called are durable once it has returned, or its promise has resolved. Of later changes any
 *    part may be there.
 */
export interface SlotFiles {
  /** Where they are, for errors. */
  readonly path: string
  /** The names of the files that are there, in any order. */
  list(): Promise<string[]>
  /** Opens a file, which is made, empty, if it is missing. */
  open(name: string): Promise<SlotFile>
  /** Removes a file that is not open. */
  remove(name: string): Promise<void>
  /** Removes the place itself, if nothing is left in it. */
  removeFolder(): Promise<void>
  /** Gives up the ownership of the files, all of which are closed by then. */
  close(): Promise<void>
}

/** An open file: the methods of a browser's `FileSystemSyncAccessHandle`. */
export interface SlotFile {
  getSize(): number
  /** Returns the number of bytes read, less than asked for at the end of the file. */
  read(target: Uint8Array, options: { readonly at: number }): number
  /** Returns the number of bytes written. */
  write(source: Uint8Array, options: { readonly at: number }): number
  truncate(size: number): void
  flush(): void | Promise<void>
  close(): void
}
