export const MIB = 1 << 20

/** Buffers that no test here fills: changed pages are never the reason for a checkpoint. */
export const LARGE_BUFFERS = { writeBufferSize: 256 * MIB, pageSize: 4096, cacheSize: 64 * MIB }
