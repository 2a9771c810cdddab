/** A blob file is ended once it has this many bytes. A log has as many as a memtable, or one batch more. */
export const BLOB_FILE_BYTES = 64 * 1024 * 1024

/** How many files to set aside for values of that many bytes. */
export function blobFilesFor(bytes: number): number {
  return Math.ceil(bytes / BLOB_FILE_BYTES) + 1
}

/** What the manifest remembers of a blob file. Plain data. How much of it is live follows from the tables of a version. */
export interface BlobMeta {
  readonly number: number
  /** Length of the file. A log that became a blob file may be longer. */
  readonly fileBytes: number
  /** Bytes of the values that were put into it, and of the other entries that a log had. What no table refers to of these is dead. */
  readonly valueBytes: number
}

/** Numbers of blob files, and the bytes of the values in each that a table refers to. */
export type BlobReferences = readonly (readonly [file: number, bytes: number])[]

/** A blob file in a version. */
export class BlobFile {
  readonly meta: BlobMeta
  readonly resource: BlobResource

  constructor(meta: BlobMeta, resource = new BlobResource(meta.fileBytes)) {
    this.meta = meta
    this.resource = resource
  }
}

/** The file itself, shared by all versions that contain it. */
export class BlobResource {
  /** Length of the file. A power loss may bring back zeros behind a log that were cut off. */
  fileBytes: number
  /** Versions that contain the file. It is removed when the last one is released. */
  versions = 0

  constructor(fileBytes: number) {
    this.fileBytes = fileBytes
  }
}

/** What an event says of blob files: nothing where there are none. */
export function tracedBlobs(blobs: readonly BlobMeta[]): { readonly blobs?: readonly BlobMeta[] } {
  return blobs.length === 0 ? {} : { blobs }
}
