/** The lanes that can be chosen: engines so small that a few hundred operations reach every part of them. A page needs no engine to know them. */
import type { LaneSettings } from './settings.js'

const SMALL_LSM = {
  writeBufferSize: 16384,
  level0Tables: 3,
  level1Size: 65536,
  fanOut: 4,
  maxFileSize: 16384,
  blockSize: 1024,
  cacheSize: 65536,
  compression: 'none',
}

export interface LaneKind {
  readonly title: string
  readonly lane: LaneSettings
}

export const LANE_KINDS: readonly LaneKind[] = [
  { title: 'LSM tree, leveled', lane: { name: 'lsm', engine: 'lsm', options: SMALL_LSM } },
  {
    title: 'LSM tree, tiered',
    lane: { name: 'tiered', engine: 'lsm', options: { ...SMALL_LSM, compaction: 'tiered' } },
  },
  {
    title: 'LSM tree, lazily leveled',
    lane: { name: 'lazy', engine: 'lsm', options: { ...SMALL_LSM, compaction: 'lazy-leveled' } },
  },
  {
    title: 'B+tree',
    lane: { name: 'btree', engine: 'btree', options: { writeBufferSize: 65536, pageSize: 1024, cacheSize: 65536 } },
  },
  { title: 'Hash (Bitcask)', lane: { name: 'hash', engine: 'hash', options: { maxFileSize: 16384, cacheSize: 65536 } } },
]

/** The small lanes by name. */
export const [LEVELED, TIERED, , BTREE, HASH] = LANE_KINDS.map(({ lane }) => lane)

/** The lanes that a run begins with. */
export const DEFAULT_LANES: readonly LaneSettings[] = [LEVELED, BTREE]
