/** `kvarium/btree`: the B+tree engine. Portable. */
export { btreeEngine } from './factory.js'
export { BTREE_OPTIONS, type BtreeOptions, type BtreeSettings } from './options.js'
export { BtreeShapeFold, foldBtree, type FoldedBtreeShape } from './fold-shape.js'
export type { LeafOverflow, LeafSplit } from './tree/split.js'
export type { BtreeLevelShape, BtreeShape } from './shape.js'
export { DATA_FILE } from './file-names.js'
export { BRANCH_PAGES } from './pages/page-store.js'
export { REFERENCE_BYTES } from './pages/reference.js'
