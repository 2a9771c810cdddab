import type { TableMeta } from '../../../src/lsm/versions/table-file.js'
import { Version } from '../../../src/lsm/versions/version.js'
import { keyOf } from '../../contract/support/opened-engine.js'

let lastNumber = 0

/** A table that exists as numbers only. */
export function meta(smallest: string, largest: string, more: Partial<TableMeta> = {}): TableMeta {
  return {
    number: ++lastNumber,
    level: 0,
    run: 0,
    fileBytes: 100,
    entries: 10,
    tombstones: 0,
    rangeTombstones: 0,
    rawBytes: 80,
    smallest: keyOf(smallest),
    largest: keyOf(largest),
    minSequence: 1,
    maxSequence: 10,
    ...more,
  }
}

export function versionOf(...metas: readonly TableMeta[]): Version {
  return new Version().apply({ deleted: [], added: metas })
}
