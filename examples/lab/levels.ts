/** The levels of an LSM store, and sums over them. */
import type { LevelShape } from '../../src/engine/contract.js'
import type { LabStore } from './lab.js'

export function levelsOf(db: LabStore): readonly LevelShape[] {
  return db.shape().levels ?? []
}

export function runsOf(db: LabStore): number {
  return levelsOf(db).reduce((sum, { runs }) => sum + runs, 0)
}

/** Bytes of the files of all tables. */
export function tableBytes(db: LabStore): number {
  return levelsOf(db).reduce((sum, { bytes }) => sum + bytes, 0)
}
