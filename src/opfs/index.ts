/** Files in a browser: a file system in the origin's private file system (OPFS), for stores in a dedicated worker. */
export { openOpfs, removeOpfs } from './opfs.js'
export type { OpfsOptions } from './opfs.js'
export { SlotFileSystem } from './slot-file-system.js'
export type { SlotFileSystemOptions } from './slot-file-system.js'
export type { SlotFile, SlotFiles } from './slot-files.js'
