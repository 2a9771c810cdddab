import type { SharedVersion } from '../../engine/contract.js'
import type { Meta } from '../pages/meta-page.js'
import type { BtreeParts } from '../parts.js'
import type { MetaOfTree } from '../recovery/recovery.js'

/** What a reader in another thread is handed of a B+tree, the `description` of a shared version: the tree on disk. */
export interface BtreeVersionDescription extends MetaOfTree, Pick<Meta, 'unitBytes' | 'pageBytes' | 'identity'> {}

/** Holds the tree on disk, whose pages stay in the data file until it is released. */
export function shareTree({ checkpointer, tree }: Pick<BtreeParts, 'checkpointer' | 'tree'>): SharedVersion {
  const { meta, version } = checkpointer
  const { unitBytes, pageBytes, identity, height, sequence, pages, units, root } = meta
  const description: BtreeVersionDescription = { unitBytes, pageBytes, identity, height, sequence, pages, units, root: { ...root } }
  tree.versions.retain(version, true)
  let isReleased = false
  return {
    description,
    release: () => {
      if (!isReleased) tree.versions.release(version, true)
      isReleased = true
    },
  }
}
