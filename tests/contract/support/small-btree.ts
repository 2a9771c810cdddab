/** The smallest pages and buffers: a test's worth of data goes through many splits, merges, checkpoints and evictions. */
export const SMALL_BTREE = { pageSize: 512, writeBufferSize: 16 << 10, cacheSize: 32 << 10 } as const
