/** The smallest files and no cache to speak of: a test's worth of data goes through many logs, hint files and merges. */
export const SMALL_HASH = { maxFileSize: 16 << 10, cacheSize: 32 << 10 } as const
