/** The files of the B+tree: one data file of pages, and the logs that its meta page names. Pages are not read here, meta pages are. */
import { DATA_FILE } from '../../btree/file-names.js'
import { META_AREA_BYTES } from '../../btree/pages/meta-page.js'
import { BtreeDecoder } from './btree-decoder.js'
import type { DirectoryView, EngineInspector } from '../engine-inspector.js'
import { counted } from '../show-bytes.js'

const MAGIC = 'kvbtree\n'
/** Meta pages that are damaged must not make a look at a directory long. */
const MOST_LOGS = 1000

export const btreeInspector: EngineInspector = {
  engine: 'btree',
  formats: [
    {
      kind: 'btree',
      parseName: name => (name === DATA_FILE ? {} : undefined),
      hasContent: ({ textAt }) => textAt(0, MAGIC.length) === MAGIC || textAt(META_AREA_BYTES / 2, MAGIC.length) === MAGIC,
      decoder: context => new BtreeDecoder(context),
    },
  ],
  look,
}

async function look(directory: DirectoryView): Promise<void> {
  if (!directory.sizes.has(DATA_FILE)) {
    directory.problem(DATA_FILE, 'it is missing')
    return
  }
  directory.continueOutlineIn(DATA_FILE)
  const meta = await directory.read(DATA_FILE, inspection => {
    for (const part of inspection.parts()) if (part.offset >= META_AREA_BYTES) break
    const tree = inspection.decoder
    if (tree instanceof BtreeDecoder && tree.meta !== undefined) {
      directory.addFacts(...tree.facts().filter(({ name }) => !name.startsWith('read') && !name.startsWith('leaves')))
      return tree.meta
    }
    directory.problem(DATA_FILE, 'neither meta page can be read: the tree cannot be found')
    return undefined
  })
  if (meta === undefined) return
  const { firstLog, lastLog, height, root } = meta
  directory.describe(DATA_FILE, 'current', `the tree: ${counted(height, 'level')}, ${counted(root.entries, 'entry', 'entries')}`)
  const logs = Array.from({ length: Math.max(0, Math.min(MOST_LOGS, lastLog - firstLog + 1)) }, (_, i) => firstLog + i)
  await directory.logs(firstLog, logs)
}
