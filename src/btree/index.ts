/** `kvarium/btree`: the B+tree engine. Portable. */
export { btreeEngine } from './btree-engine.js'
export { BTREE_OPTIONS, type BtreeOptions, type BtreeSettings } from './options.js'
export { BtreeShapeFold, foldBtree, type FoldedBtreeShape } from './fold-shape.js'
export type { LeafOverflow, LeafSplit } from './split.js'
export type { BtreeLevelShape, BtreeShape } from './shape.js'
