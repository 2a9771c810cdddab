/**
 * Which files that a crash left over are obsolete, where the manifest no longer says so.
 *
 * Every version of a key is in one table, or one log, of the store. Two files with the same version (key and sequence number) are
 * therefore a file and one that a flush or compaction made of it, and the one with the larger number is made of the other. Within the
 * keys of the newer one, the older one says nothing any more: a put of it that is not in the newer one was deleted, even if the tombstone that
 * deleted it is gone, too.
 *
 * Invariants:
 * 1. Only puts are superseded. Tombstones stay true: they hide nothing but what is older than they are.
 * 2. Only keys within stretches of the newer file that can be read: where its blocks are lost, the older file counts.
 * 3. The recovery of earlier versions could flush the first part of a log, so a table supersedes a log only up to the newest operation in the table.
 */
import { compareKeys } from '../../codec/entry.js'
import type { KeyVersion } from '../../engine/durable/log-salvage.js'
import type { Stretch } from './salvaged-table.js'

/** What one file was found to hold. */
export interface FileContents {
  readonly isLog: boolean
  /** Stretches of a table that can be read, in the order of the keys. */
  readonly stretches: readonly Stretch[]
  readonly maxSequence: number
}

export class Superseded {
  readonly #contents: ReadonlyMap<number, FileContents>
  /** By number of a file, those that were made of it. */
  readonly #newer = new Map<number, Set<number>>()

  constructor(contents: ReadonlyMap<number, FileContents>) {
    this.#contents = contents
  }

  /** A version is in both files. */
  add(older: number, newer: number): void {
    const made = this.#newer.get(older) ?? new Set()
    this.#newer.set(older, made.add(newer))
  }

  /** Whether any of the files is made of one of the others. */
  isMadeOf(newer: number, older: Iterable<number>): boolean {
    for (const file of older) if (this.#newer.get(file)?.has(newer) === true) return true
    return false
  }

  /** Whether a newer file speaks for the key of this put. */
  has({ file, key, sequence }: KeyVersion): boolean {
    const isLog = this.#contents.get(file)?.isLog === true
    for (const newer of this.#newer.get(file) ?? []) {
      const contents = this.#contents.get(newer)
      if (contents === undefined || contents.isLog || (isLog && sequence > contents.maxSequence)) continue
      if (contents.stretches.some(({ first, last }) => compareKeys(first, key) <= 0 && compareKeys(key, last) <= 0)) return true
    }
    return false
  }
}
