/** `kvarium/codec`: the parts of every format: entries, varints, checksums, the sorted block. */
export { loadHash32, mix32, type Hash32 } from './checksum.js'
export { compareKeys, copyBytes } from './entry.js'
export { BLOCK_HEADER_BYTES, Cell, SLOT_BYTES, SortedBlock } from './sorted-block.js'
export { VarintReader, varintLength } from './varint.js'
