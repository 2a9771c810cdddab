/** The structure of an engine as lines for a terminal. */
import type { BtreeLevelShape, BtreeShape, FoldedBtreeShape } from 'kvarium/btree'
import type { EngineShape } from 'kvarium/engine'
import type { FoldedLsmShape, LsmLevelShape, MemtableShape, TableShape } from 'kvarium/lsm'
import { count, plural, share } from '../report/numbers.js'

const TABLES_OF_A_LEVEL = 40

export function structureLines(shape: EngineShape): string[] {
  if (isLsm(shape)) return lsmLines(shape)
  if (isBtree(shape)) return btreeLines(shape)
  return Object.entries(shape).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
}

/** Without events of inserts the contents of the memtable are unknown. */
export type KnownLsmShape = Pick<FoldedLsmShape, 'picker' | 'snapshots' | 'levels'> &
  Partial<Pick<FoldedLsmShape, 'memtable' | 'frozen' | 'sequence'>>

export const MEMORY_UNKNOWN = 'memtable: unknown (record at trace level step)'

export function isLsm(shape: EngineShape): shape is EngineShape & KnownLsmShape {
  return shape.engine === 'lsm'
}

export function isBtree(shape: EngineShape): shape is FoldedBtreeShape {
  return shape.engine === 'btree'
}

function lsmLines({ picker, sequence, snapshots, memtable, frozen = [], levels }: KnownLsmShape): string[] {
  return [
    [
      `LSM tree, ${picker === '' ? 'opening' : `${picker} compaction`}`,
      ...(sequence === undefined ? [] : [`sequence number ${sequence}`]),
      plural(snapshots, 'snapshot'),
    ].join(', '),
    memtable === undefined ? MEMORY_UNKNOWN : `memtable: ${memtableText(memtable)}`,
    ...frozen.map((one, index) => `frozen ${index}: ${memtableText(one)}`),
    ...levels.filter(level => level.tables > 0).flatMap(levelLines),
    ...(levels.every(level => level.tables === 0) ? ['no tables yet'] : []),
  ]
}

export function memtableText({ entries, bytes, capacityBytes, rangeTombstones }: MemtableShape): string {
  const ranges = rangeTombstones === 0 ? '' : `, ${plural(rangeTombstones, 'range tombstone')}`
  return `${plural(entries, 'entry', 'entries')}${ranges}, ${count(bytes)} of ${count(capacityBytes)} bytes`
}

export function levelText({ level, runs, tables, bytes, entries }: LsmLevelShape): string {
  const inRuns = runs > 1 ? ` in ${plural(runs, 'run')}` : ''
  return `level ${level}: ${plural(tables, 'table')}${inRuns}, ${plural(entries, 'entry', 'entries')}, ${count(bytes)} bytes`
}

export function tableText({ number, smallest, largest, entries, tombstones, fileBytes }: TableShape): string {
  const deletes = tombstones === 0 ? '' : ` (${plural(tombstones, 'tombstone')})`
  return `table ${number}: ${JSON.stringify(smallest)} to ${JSON.stringify(largest)}, ${plural(entries, 'entry', 'entries')}${deletes}, ${count(fileBytes)} bytes`
}

function levelLines(level: LsmLevelShape): string[] {
  const tables = level.runTables.flat()
  const more = tables.length - TABLES_OF_A_LEVEL
  return [
    levelText(level),
    ...tables.slice(0, TABLES_OF_A_LEVEL).map(table => `  ${tableText(table)}`),
    ...(more > 0 ? [`  ... ${plural(more, 'more table')}`] : []),
  ]
}

function btreeLines({ height, entries, liveBytes, sequence, snapshots, tree, memory, file }: FoldedBtreeShape): string[] {
  return [
    `B+tree, sequence number ${sequence}, ${plural(snapshots, 'snapshot')}`,
    `${plural(height, 'level')}, ${plural(entries, 'entry', 'entries')} of ${count(liveBytes)} bytes`,
    ...tree.map(treeLevelText),
    btreeMemoryText(memory),
    btreeFileText(file),
  ]
}

export function treeLevelText({ depth, pages, bytes, fill }: BtreeLevelShape): string {
  const filled = fill === undefined ? '' : `, keys and values ${share(fill)} of that`
  return `depth ${depth}: ${plural(pages, 'page')}, ${count(bytes)} bytes${filled}`
}

export function btreeMemoryText({ dirtyBytes, cachedBytes, cachedPages }: BtreeShape['memory']): string {
  return `memory: ${count(dirtyBytes)} bytes of changed pages, ${plural(cachedPages, 'clean page')} of ${count(cachedBytes)} bytes`
}

export function btreeFileText({ bytes, freeBytes, checkpoint, firstLog }: BtreeShape['file']): string {
  return `file: ${count(bytes)} bytes, ${count(freeBytes)} of them free; checkpoint ${checkpoint}, logs from ${firstLog} on`
}
