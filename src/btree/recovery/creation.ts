/** Makes the data file of a new store: two meta pages, and no tree yet. */
import type { Hash32 } from '../../codec/checksum.js'
import type { EngineContext } from '../../engine/contract.js'
import { parseLogName } from '../../engine/durable/log-names.js'
import { withSpan } from '../../trace/span.js'
import { joinPath, type FileHandle } from '../../vfs/file-system.js'
import { DATA_FILE } from '../file-names.js'
import { encodeMeta, metaOffset } from '../pages/meta-page.js'
import { PACKED_UNITS, type BtreeOptions } from '../options.js'
import { Reference } from '../pages/reference.js'

/** A data file with an empty tree, over whatever a crash in an earlier creation left. */
export async function createTreeFile({ environment, directory, options, trace }: EngineContext, hash32: Hash32): Promise<FileHandle> {
  const { fileSystem, random } = environment
  for (const name of fileSystem.list(directory)) {
    if (name === DATA_FILE || parseLogName(name) !== undefined) fileSystem.remove(joinPath(directory, name))
  }
  const file = fileSystem.create(joinPath(directory, DATA_FILE))
  try {
    const { pageSize: pageBytes, compression } = options as unknown as BtreeOptions
    const unitBytes = compression === 'none' ? pageBytes : pageBytes / PACKED_UNITS
    const identity = random.uint32()
    const nothing = new Reference()
    for (const number of [0, 1]) {
      const places = {
        firstLog: 1,
        lastLog: 0,
        length: 0,
        root: nothing,
        freeList: nothing,
        pages: [],
        units: [],
        hasExpiries: false,
        ends: new Map<number, number>(),
      }
      const bytes = encodeMeta({ unitBytes, pageBytes, identity, height: 0, number, sequence: 0, ...places }, hash32)
      withSpan(trace?.trace.currentSpan?.writing('meta'), () => file.write(bytes, metaOffset(number)))
    }
    await file.sync()
    return file
  } catch (error) {
    file.close()
    throw error
  }
}
