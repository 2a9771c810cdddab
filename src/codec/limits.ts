/**
 * Limits of one entry, the same in every file format: memtable, log and table code may rely on them.
 */

/** Longest user key, in bytes. */
export const MAX_KEY_BYTES = 64 * 1024

/** Longest value, in bytes (1 GiB). */
export const MAX_VALUE_BYTES = 1024 * 1024 * 1024
