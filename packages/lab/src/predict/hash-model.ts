/**
 * Formulas for a log-structured hash table (Bitcask) that merges its files when a share `g` of them is dead, pure. All results are ratios, or bytes
 * where their names say so.
 */
import {
  BLOCK_BYTES,
  CHUNK_RECORDS,
  FIRST_SLOTS,
  KEY_CHUNK_BYTES,
  MOST_CACHED_BYTES,
  RECORD_BYTES,
  SEGMENTS,
  SLOT_BYTES,
} from 'kvarium/hash'
import { varintLength } from 'kvarium/codec'
import { distinctKeys } from './draws.js'
import type { Work } from './prediction.js'

/**
 * (1 − g) ÷ g: copies of live data per update, once every put replaces a value. Between two merges g ÷ (1 − g) bytes die for each byte that is
 * live, and then that byte is copied. Source: the cleaning cost of Rosenblum and Ousterhout 1991, for files with equal dead shares.
 *
 * @param deadShare g, above 0 and at most 1
 */
export function garbageCopies(deadShare: number): number {
  return (1 - deadShare) / deadShare
}

/** 1 ÷ (1 − g): bytes of files per live byte right before a merge. The files that a merge makes come on top until it has ended. */
export function garbageSpace(deadShare: number): number {
  return 1 / (1 - Math.min(deadShare, 1 - 1e-9))
}

export interface WholeMerges {
  readonly merges: number
  /** Entries copied by all of them. */
  readonly copied: number
  /** Dead entries that no merge has dropped at the end. */
  readonly dead: number
}

/**
 * Merges during some work that may begin with an empty store, each of everything: whenever `g` of all puts that files have is dead, the live ones are
 * copied. Counts keys with Cárdenas's formula.
 *
 * @param deadShare g
 * @param filePuts puts in a file, the distance at which the engine looks, and the fewest dead puts that it merges for
 */
export function wholeMerges(work: Work, deadShare: number, filePuts: number): WholeMerges {
  const there = work.loaded?.keys ?? 0
  const live = (puts: number): number =>
    there + (1 - there / Math.max(work.keys, there)) * distinctKeys(work.distribution, work.keys, puts, work.theta)
  const step = Math.max(filePuts, work.puts / 2000)
  let [merges, copied, dropped, dead] = [0, 0, 0, 0]
  for (let puts = step; puts <= work.puts; puts += step) {
    const entries = live(puts)
    dead = puts + there - entries - dropped
    if (dead < filePuts || dead < deadShare * (dead + entries)) continue
    merges++
    copied += entries
    dropped += dead
    dead = 0
  }
  return { merges, copied, dead }
}

/** Blocks that a get reads: one, and one more for each border of blocks that the value lies across. A value beyond four blocks is one read. */
export function blocksPerValue(valueBytes: number): number {
  if (valueBytes === 0) return 0
  return valueBytes > MOST_CACHED_BYTES ? 1 : 1 + (valueBytes - 1) / BLOCK_BYTES
}

/** Bytes of the directory in memory per key: a record, slots that are filled to three quarters at most, and the key with its length. */
export function directoryBytesPerKey(keys: number, keyBytes: number): number {
  if (keys <= 0) return 0
  let slots = FIRST_SLOTS
  while (slots * 0.75 < keys / SEGMENTS) slots *= 2
  const records = Math.ceil((keys + 1) / CHUNK_RECORDS) * CHUNK_RECORDS * RECORD_BYTES
  const arena = Math.ceil((keys * (varintLength(keyBytes) + keyBytes)) / KEY_CHUNK_BYTES) * KEY_CHUNK_BYTES
  return (records + Math.min(SEGMENTS, keys) * slots * SLOT_BYTES + arena) / keys
}
