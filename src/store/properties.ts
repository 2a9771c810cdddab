/** The properties of LevelDB, answered from the stats and the shape of any engine. */
import type { Engine, EngineShape } from '../engine/contract.js'

const FILES_AT_LEVEL = /^leveldb\.num-files-at-level(\d+)$/
const MIB = 2 ** 20

/** The value of a property; the empty string if LevelDB has none of the name. */
export function propertyOf(name: string, engine: Engine): string {
  const level = FILES_AT_LEVEL.exec(name)?.[1]
  if (level !== undefined) return String(engine.shape().levels?.[Number(level)]?.tables ?? 0)
  if (name === 'leveldb.stats') return statsText(engine)
  if (name === 'leveldb.sstables') return tablesText(engine.shape())
  if (name === 'leveldb.approximate-memory-usage') return String(Math.round(engine.stats().memoryBytes))
  return ''
}

/** The tables of each level, and what flushes and compactions, or checkpoints, have read and written since the open. */
function statsText(engine: Engine): string {
  const { read, written } = engine.stats().ledger
  const lines = ['Level  Files  Size(MB)']
  for (const { level, tables, bytes } of engine.shape().levels ?? []) {
    if (tables > 0) lines.push(`${String(level).padStart(5)} ${String(tables).padStart(6)} ${megabytes(bytes)}`)
  }
  lines.push('', 'Part       Read(MB)  Written(MB)')
  const parts = new Set([...Object.keys(read), ...Object.keys(written)])
  const bytesIn = (counts: object, part: string): number => (counts as Readonly<Record<string, number>>)[part] ?? 0
  for (const part of parts) lines.push(`${part.padEnd(10)} ${megabytes(bytesIn(read, part))}    ${megabytes(bytesIn(written, part))}`)
  return `${lines.join('\n')}\n`
}

/** A line for each table: `number:bytes['smallest' .. 'largest']`, under a heading for each level. */
function tablesText({ levels = [] }: EngineShape): string {
  return levels.map(level => `--- level ${level.level} ---\n${tablesOf(level).map(tableLine).join('')}`).join('')
}

interface TableText {
  readonly number: number
  readonly fileBytes: number
  readonly smallest: string
  readonly largest: string
}

/** The tables of a level, where an engine's shape lists them. */
function tablesOf(level: object): readonly TableText[] {
  return 'runTables' in level ? (level.runTables as readonly (readonly TableText[])[]).flat() : []
}

function tableLine({ number, fileBytes, smallest, largest }: TableText): string {
  return ` ${number}:${fileBytes}['${smallest}' .. '${largest}']\n`
}

function megabytes(bytes: number): string {
  return (bytes / MIB).toFixed(1).padStart(9)
}
