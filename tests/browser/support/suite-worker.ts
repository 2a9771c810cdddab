import { serve, type StoreConstructor } from '../../../src/browser/serve.js'
import { Kvarium } from '../../../src/index.browser.js'
import { openOpfs } from '../../../src/opfs/opfs.js'
import type { FileSystem } from '../../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'
import type { KvariumOptions } from '../../../src/store/store-options.js'
import { slice } from '../../support/thoroughness.js'

/** The suite opens more than a thousand stores: as it is, each LSM tree begins with 16 MiB for its memtable. */
class SmallStore extends Kvarium {
  constructor(location: string, options: KvariumOptions<string, string>) {
    super(location, { ...options, writeBufferSize: 64 << 10 } as KvariumOptions<string, string>)
  }
}

const places = slice<() => FileSystem | Promise<FileSystem>>(
  () => new MemoryFileSystem(),
  () => openOpfs('suite'),
)
serve(SmallStore as unknown as StoreConstructor, { fileSystem: places() })
