import { tableName } from '../../src/lsm/file-names.js'
import type { LsmShape } from '../../src/lsm/shape.js'
import type { Span } from 'kvarium/inspect'
import type { Lab, LabStore } from './lab.js'

/** The contents of all tables of an LSM store, newest first: level, number of the table, and its entries, read from the file. */
export async function tableEntries(lab: Lab, db: LabStore, location: string): Promise<[level: number, table: number, entries: string[]][]> {
  const tables = (db.shape() as LsmShape).levels.flatMap(({ level, runTables }) =>
    runTables.flat().map(({ number }) => ({ level, number })),
  )
  return Promise.all(
    tables.map(
      async ({ level, number }) =>
        [level, number, entriesOf(await lab.parts(`${location}/${tableName(number)}`))] as [number, number, string[]],
    ),
  )
}

function entriesOf(parts: readonly Span[]): string[] {
  return parts.flatMap(({ name, children = [] }) =>
    /^data block|^range tombstones/.test(name) ? children.filter(({ entry }) => entry).map(({ value }) => String(value)) : [],
  )
}
