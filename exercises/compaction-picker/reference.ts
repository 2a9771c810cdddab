import { compareKeys } from 'kvarium/engine'
import type { KeyBounds, Level, LeveledOptions, TableFile } from 'kvarium/lsm'

export interface Choice {
  readonly score: number
  readonly inputs: readonly (readonly TableFile[])[]
  readonly outputLevel: number
  readonly move: boolean
}

export function pickCompaction(levels: readonly Level[], options: LeveledOptions): Choice | undefined {
  const scores = levels.map((_, level) => scoreOf(levels, level, options))
  const score = Math.max(...scores)
  if (levels.length === 0 || score < 1) return undefined
  const level = scores.lastIndexOf(score)
  // Tables of level 0 overlap: an older one may not stay above a newer one that went down. Below, one table can go alone.
  const giving = level === 0 ? levels[0].map(run => run.tables) : [[cheapest(levels, level)]]
  const below = overlapping(tablesOf(levels, level + 1), boundsOf(giving.flat()))
  const inputs = below.length > 0 ? [...giving, below] : giving
  return { score, inputs, outputLevel: level + 1, move: below.length === 0 && areDisjoint(giving.flat()) }
}

function scoreOf(levels: readonly Level[], level: number, { level0Tables, level1Bytes, fanOut }: LeveledOptions): number {
  if (level === 0) return levels[0].length / level0Tables
  return bytesOf(tablesOf(levels, level)) / (level1Bytes * fanOut ** (level - 1))
}

/** The table with the fewest bytes to rewrite in the next level per byte of its own; the first by key among equals. */
function cheapest(levels: readonly Level[], level: number): TableFile {
  const below = tablesOf(levels, level + 1)
  const cost = (table: TableFile): number => bytesOf(overlapping(below, table.meta)) / table.meta.fileBytes
  return tablesOf(levels, level).reduce((best, table) => (cost(table) < cost(best) ? table : best))
}

function tablesOf(levels: readonly Level[], level: number): readonly TableFile[] {
  return levels.at(level)?.flatMap(run => run.tables) ?? []
}

function bytesOf(tables: readonly TableFile[]): number {
  return tables.reduce((sum, table) => sum + table.meta.fileBytes, 0)
}

function overlapping(tables: readonly TableFile[], bounds: KeyBounds): TableFile[] {
  return tables.filter(({ meta }) => compareKeys(meta.smallest, bounds.largest) <= 0 && compareKeys(meta.largest, bounds.smallest) >= 0)
}

function boundsOf(tables: readonly TableFile[]): KeyBounds {
  let { smallest, largest } = tables[0].meta
  for (const { meta } of tables) {
    if (compareKeys(meta.smallest, smallest) < 0) smallest = meta.smallest
    if (compareKeys(meta.largest, largest) > 0) largest = meta.largest
  }
  return { smallest, largest }
}

function areDisjoint(tables: readonly TableFile[]): boolean {
  return tables.every(table => overlapping(tables, table.meta).length === 1)
}
