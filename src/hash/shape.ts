import type { EngineShape } from '../engine/contract.js'
import { shownFiles } from './directory-trace.js'
import { deadBytesOf } from './merge-plan.js'
import type { HashParts } from './parts.js'

export interface HashFileShape {
  readonly number: number
  readonly kind: 'log' | 'data'
  /** Numbers of the first and the last log that it has, or replaces. */
  readonly from: number
  readonly to: number
  readonly bytes: number
  readonly puts: number
  readonly live: number
  readonly deadBytes: number
  /** Versions in it that held moments need. */
  readonly pins: number
}

/** The structure of a hash engine. */
export interface HashShape extends EngineShape {
  readonly engine: 'hash'
  readonly entries: number
  readonly sequence: number
  /** What the keys in memory take. `bytesPerKey` without the cache. */
  readonly directory: {
    readonly records: number
    readonly bytes: number
    readonly bytesPerKey: number
    readonly orderBytes: number
    readonly olderVersions: number
  }
  /** The oldest first. */
  readonly files: readonly HashFileShape[]
  /** Snapshots, cursors and checkpoints that hold a moment. */
  readonly held: number
}

export function shapeOf({ entries, files }: HashParts): HashShape {
  const { directory, live, sequence, moments } = entries
  return {
    engine: 'hash',
    entries: live,
    sequence,
    directory: {
      records: directory.count,
      bytes: entries.memoryBytes,
      bytesPerKey: directory.count === 0 ? 0 : Math.round(entries.memoryBytes / directory.count),
      orderBytes: entries.orderBytes,
      olderVersions: directory.older.size,
    },
    files: shownFiles(files).map(file => ({
      number: file.number,
      kind: file.isLog ? 'log' : 'data',
      from: file.from,
      to: file.to,
      bytes: file.bytes,
      puts: file.puts,
      live: file.live,
      deadBytes: Math.round(deadBytesOf(file)),
      pins: file.pins,
    })),
    held: moments.count,
  }
}
