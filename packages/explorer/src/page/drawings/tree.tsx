/** The levels of a B+tree, from the root down. */
import type { JSX } from 'preact'
import { bytes, number } from '../format.js'
import type { DrawingProps } from './drawing.js'

export function Tree({ lane }: DrawingProps): JSX.Element | null {
  const shape = lane.pictures.tree
  if (shape === undefined) return null
  const { tree, memory, file, entries } = shape
  return (
    <div class="tree">
      <p>
        {number(entries)} entries; changed pages {bytes(memory.dirtyBytes)}, cache {bytes(memory.cachedBytes)}; file {bytes(file.bytes)}, of
        which {bytes(file.freeBytes)} are free
      </p>
      <ol>
        {tree.map(level => (
          <li key={level.depth}>
            depth {level.depth}: {number(level.pages)} pages, {bytes(level.bytes)}
            {level.fill === undefined ? '' : `, ${Math.round(level.fill * 100)} % full`}
          </li>
        ))}
      </ol>
    </div>
  )
}
