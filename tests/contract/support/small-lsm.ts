/**
 * Small buffers, files, blocks and levels: a test's worth of data goes through many flushes and compactions. Nothing is compressed, so that
 * the bytes that are written say how many there are.
 */
export const SMALL_LSM = {
  writeBufferSize: 16 << 10,
  maxFileSize: 16 << 10,
  blockSize: 512,
  cacheSize: 64 << 10,
  maxOpenFiles: 16,
  level0Tables: 2,
  level1Size: 64 << 10,
  fanOut: 3,
  runsPerLevel: 3,
  compression: 'none',
} as const
