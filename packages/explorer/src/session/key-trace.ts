/** Every place of a lane where a version of a key lies: memtables, and tables, which are read from their rebuilt bytes. */
import { compareKeys, loadHash32 } from 'kvarium/codec'
import { Cache, KIND_DELETE, KIND_PUT, newReadCounts, Table } from 'kvarium/sstable'
import { MemoryFileSystem } from 'kvarium/vfs'
import type { RebuiltFile } from 'kvarium/observe'
import type { LevelsPicture } from '../views/levels-fold.js'
import type { MemtableFold } from '../views/memtable-fold.js'
import type { FileBytes } from './file-bytes.js'
import { fileOfTable } from './table-anatomy.js'

export interface KeyPlace {
  readonly in: 'memtable' | 'immutable memtable' | 'table'
  /** For an immutable memtable 1 is the newest; a table has its number. */
  readonly number: number
  readonly level?: number
  readonly sequence: number
  readonly kind: 'value' | 'tombstone' | 'expiring value'
  readonly valueBytes: number
}

export interface KeyTrace {
  readonly key: string
  /** Newest first. */
  readonly places: readonly KeyPlace[]
  /** Tables whose range of keys holds the key and that have no version of it. */
  readonly without: readonly number[]
}

const encoder = new TextEncoder()

export async function traceKey(
  key: string,
  memtables: MemtableFold,
  levels: LevelsPicture,
  files: FileBytes,
  count: number,
): Promise<KeyTrace> {
  const places: KeyPlace[] = memtables
    .find(key)
    .map(({ index, ...version }) => ({ in: index === 0 ? 'memtable' : 'immutable memtable', number: index, ...version }))
  const without: number[] = []
  const bytes = encoder.encode(key)
  for (const { number, level, smallest, largest } of levels.levels.flatMap(each => each.runTables.flat())) {
    if (compareKeys(encoder.encode(smallest), bytes) > 0 || compareKeys(encoder.encode(largest), bytes) < 0) continue
    const file = files.at(count).rebuild(fileOfTable(number))
    const found = file === undefined || !file.isWhole ? [] : await versionsIn(file, number, bytes)
    if (found.length === 0) without.push(number)
    places.push(...found.map(version => ({ in: 'table' as const, number, level, ...version })))
  }
  return { key, places: places.sort((a, b) => b.sequence - a.sequence), without }
}

type Version = Pick<KeyPlace, 'sequence' | 'kind' | 'valueBytes'>

async function versionsIn({ name, bytes }: RebuiltFile, fileNumber: number, key: Uint8Array): Promise<readonly Version[]> {
  const fileSystem = new MemoryFileSystem()
  const file = fileSystem.create(`/${name}`)
  file.write(bytes, 0)
  file.close()
  const table = Table.open({
    file: fileSystem.openRead(`/${name}`),
    fileNumber,
    hash32: await loadHash32(),
    cache: new Cache(0),
    counters: newReadCounts(),
  })
  const cursor = table.cursor()
  try {
    const versions: Version[] = []
    for (let valid = cursor.seek(key); valid && compareKeys(cursor.key.copy(), key) === 0; valid = cursor.next()) {
      const kind = cursor.kind === KIND_DELETE ? 'tombstone' : cursor.kind === KIND_PUT ? 'value' : 'expiring value'
      versions.push({ sequence: cursor.sequence, kind, valueBytes: cursor.value.length })
    }
    return versions
  } finally {
    cursor.close()
    table.close()
  }
}
