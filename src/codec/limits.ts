/**
 * Limits of one entry, the same in every file format: memtable, log and table code may rely on them.
 */

/**
 * Longest user key, in bytes (2 MiB): a key of 1 MiB, the longest that suites for LevelDB write, and room for the prefixes of sublevels. Structure
 * repeats keys in memory and on disk: a table has up to four bounds, a branch at least four separators. So there is a limit.
 */
export const MAX_KEY_BYTES = 2 * 1024 * 1024

/** Longest value, in bytes (1 GiB). */
export const MAX_VALUE_BYTES = 1024 * 1024 * 1024
