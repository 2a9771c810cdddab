import { joinPath, type FileSystem } from '../../../src/vfs/file-system.js'
import type { SlotFile, SlotFiles } from '../../../src/opfs/slot-files.js'

const DIRECTORY = '/slots'

/** Slot files in another file system: one that knows what a power loss leaves, or one that fails. */
export function simulatedSlotFiles(fileSystem: FileSystem): SlotFiles {
  fileSystem.makeDirectory(DIRECTORY)
  return {
    path: DIRECTORY,
    list: async () => fileSystem.list(DIRECTORY),
    async open(name) {
      const path = joinPath(DIRECTORY, name)
      const isThere = fileSystem.stat(path) !== undefined
      const handle = isThere ? fileSystem.openWrite(path) : fileSystem.create(path)
      if (!isThere) {
        await fileSystem.syncDirectory('/')
        await fileSystem.syncDirectory(DIRECTORY)
      }
      return {
        getSize: () => handle.size(),
        read: (target, { at }) => handle.read(target, at),
        write: (source, { at }) => {
          handle.write(source, at)
          return source.length
        },
        truncate: size => handle.truncate(size),
        flush: () => handle.sync(),
        close: () => handle.close(),
      } satisfies SlotFile
    },
    remove: async name => fileSystem.remove(joinPath(DIRECTORY, name)),
    removeFolder: async () => {
      if (fileSystem.list(DIRECTORY).length === 0) fileSystem.removeDirectory(DIRECTORY)
    },
    close: async () => {},
  }
}
