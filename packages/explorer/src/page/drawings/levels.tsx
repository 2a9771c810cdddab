/** The levels of an LSM tree, from the memtable down: every table by its range of keys. */
import type { JSX } from 'preact'
import type { TableShape } from 'kvarium/lsm'
import { bytes, number } from '../format.js'
import type { DrawingProps } from './drawing.js'

export function Levels({ lane }: DrawingProps): JSX.Element | null {
  const shape = lane.pictures.levels
  if (shape === undefined) return null
  const bounds = [
    ...new Set(shape.levels.flatMap(level => level.runTables.flat().flatMap(table => [table.smallest, table.largest]))),
  ].sort()
  const rank = new Map(bounds.map((bound, index) => [bound, index]))
  const place = ({ smallest, largest }: TableShape): { left: string; width: string } => ({
    left: `${(100 * rank.get(smallest)!) / bounds.length}%`,
    width: `${(100 * (rank.get(largest)! - rank.get(smallest)! + 1)) / bounds.length}%`,
  })
  return (
    <div class="levels">
      <p>
        memtable: {number(shape.memtable.entries)} entries, {bytes(shape.memtable.bytes)} of {bytes(shape.memtable.capacityBytes)}
        {shape.frozen.map(memtable => `; immutable: ${number(memtable.entries)} entries`)}
      </p>
      {shape.levels
        .filter(level => level.tables > 0)
        .map(level => (
          <section key={level.level} aria-label={`Level ${level.level}`}>
            <h4>
              level {level.level}: {number(level.entries)} entries, {bytes(level.bytes)}
            </h4>
            {level.runTables.map(run => (
              <ul class="run" key={run[0]?.run}>
                {run.map(table => (
                  <li
                    key={table.number}
                    style={place(table)}
                    title={`table ${table.number}, ${number(table.entries)} entries, ${bytes(table.fileBytes)}, ${table.smallest} to ${table.largest}`}
                  >
                    {table.number}
                  </li>
                ))}
              </ul>
            ))}
          </section>
        ))}
    </div>
  )
}
