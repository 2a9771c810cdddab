/** The inside of the selected table: its blocks in order, the bits of its filter, and what the get of the moment asked of both. */
import type { JSX } from 'preact'
import type { AnatomyBlock, AnatomyFilter, TableAnatomy as Anatomy } from '../../session/table-anatomy.js'
import { bytes, counted, number } from '../format.js'
import { Problem } from '../problem.js'
import { look, select } from '../state.js'
import { useAnswer } from '../use-answer.js'

const WIDTH = 1000
const CELLS_PER_ROW = 128
const CELL = 5

export function TableAnatomy({ lane, table }: { readonly lane: number; readonly table: number }): JSX.Element {
  const position = look.value?.position ?? 0
  const { answer: anatomy, problem } = useAnswer('table', [lane, table, position])
  if (problem !== undefined) return <Problem text={problem} />
  if (anatomy?.table !== table) return <p>Nothing has been written of table {table} yet.</p>
  const { file, isBuilt, isRemoved, fileBytes, filter, probe } = anatomy
  return (
    <section class="anatomy" aria-label={`Table ${table}`}>
      <h4>
        Table {table}: {bytes(fileBytes)}
        {isRemoved ? ', removed' : isBuilt ? '' : ', being written'}
      </h4>
      <Blocks anatomy={anatomy} lane={lane} />
      {filter === undefined ? <p>It has no filter so far.</p> : <Filter filter={filter} positions={probe?.positions ?? []} />}
      {probe === undefined ? null : (
        <p class="why">
          This get asked the filter for {counted(probe.positions.length, 'bit')}: {probe.positions.map(number).join(', ')}.{' '}
          {probe.mayContain
            ? `All are set, so the key may be here${probe.outcome === 'false-positive' ? ', but it is not: other keys set them' : ''}.`
            : 'The last of them is not set, so the key is not here, and no block is read.'}
        </p>
      )}
      <p>
        <button type="button" onClick={() => select({ lane, kind: 'file', file })}>
          Bytes of {file}
        </button>
      </p>
    </section>
  )
}

const NAMES: Readonly<Record<AnatomyBlock['kind'], string>> = {
  data: 'data',
  index: 'index: the last key of every data block, and where it lies',
  filter: 'filter: bits that say which keys are not here',
  properties: 'properties: counts and bounds',
  ranges: 'range tombstones',
  footer: 'footer: where index, filter and properties lie',
}

function Blocks({ anatomy, lane }: { readonly anatomy: Anatomy; readonly lane: number }): JSX.Element {
  const { blocks, fileBytes, visited, file } = anatomy
  const scale = (at: number): number => (WIDTH * at) / Math.max(1, fileBytes)
  const isVisited = ({ offset, length }: AnatomyBlock): boolean => visited !== undefined && visited >= offset && visited < offset + length
  const data = blocks.filter(({ kind }) => kind === 'data')
  const others = blocks.filter(block => block.kind !== 'data' || isVisited(block))
  const sum = (count: (block: AnatomyBlock) => number): number => data.reduce((total, block) => total + count(block), 0)
  return (
    <>
      <svg class="blocks" viewBox={`0 0 ${WIDTH} 26`} preserveAspectRatio="none" aria-hidden="true">
        {blocks.map(block => (
          <rect
            key={block.offset}
            class={`${block.kind}${isVisited(block) ? ' visited' : ''}`}
            x={scale(block.offset)}
            y={1}
            width={Math.max(1, scale(block.length))}
            height={24}
          >
            <title>{blockText(block)}</title>
          </rect>
        ))}
      </svg>
      <ol class="block-list" aria-label={`Blocks of table ${anatomy.table}`}>
        <li>
          {counted(
            sum(block => block.blocks),
            'data block',
          )}{' '}
          with{' '}
          {counted(
            sum(block => block.entries),
            'entry',
            'entries',
          )}{' '}
          in {bytes(sum(block => block.length))}
        </li>
        {others.map(block => (
          <li key={block.offset} aria-current={isVisited(block) ? 'step' : undefined}>
            <button
              type="button"
              class="plain link"
              onClick={() => select({ lane, kind: 'bytes', file, offset: block.offset, length: block.length })}
            >
              {blockText(block)}
            </button>
            {isVisited(block) ? ': this get looks into it' : ''}
          </li>
        ))}
      </ol>
    </>
  )
}

function blockText({ kind, offset, length, entries, blocks }: AnatomyBlock): string {
  const what = blocks > 1 ? counted(blocks, 'data block') : NAMES[kind]
  const held = kind === 'data' || kind === 'index' ? `, ${counted(entries, 'entry', 'entries')}` : ''
  return `${what}, ${bytes(length)} at offset ${number(offset)}${held}`
}

function Filter({ filter, positions }: { readonly filter: AnatomyFilter; readonly positions: readonly number[] }): JSX.Element {
  const { bits, hashes, keys, cells, bitsPerCell } = filter
  const set = cells.reduce((sum, cell) => sum + cell, 0)
  const rows = Math.ceil(cells.length / CELLS_PER_ROW)
  const x = (cell: number): number => (cell % CELLS_PER_ROW) * CELL
  const y = (cell: number): number => Math.floor(cell / CELLS_PER_ROW) * CELL
  const filled = cells.map((count, cell) => (count > 0 ? `M${x(cell)} ${y(cell)}h${CELL - 1}v${CELL - 1}h-${CELL - 1}z` : '')).join('')
  const share = Math.round((100 * set) / bits)
  return (
    <>
      <p>
        Filter: {number(bits)} bits for {counted(keys, 'key')}, {(bits / Math.max(1, keys)).toFixed(1)} per key, {counted(hashes, 'bit')}{' '}
        set by each.
        {cells.length === 0
          ? ' It is not in the file yet.'
          : ` ${share} % of the bits are set, so about ${falsePositives(set / bits, hashes)} % of absent keys pass.`}
        {bitsPerCell > 1 ? ` A cell stands for ${bitsPerCell} bits.` : ''}
      </p>
      {cells.length === 0 ? null : (
        <div class="scroll" tabIndex={0} role="img" aria-label={filterText(filter, share, positions)}>
          <svg class="bits" width={CELLS_PER_ROW * CELL} height={rows * CELL + 2}>
            <path d={filled} />
            {positions.map((bit, at) => {
              const cell = Math.floor(bit / bitsPerCell)
              return (
                <rect
                  key={at}
                  class={cells[cell] > 0 ? 'probe' : 'probe unset'}
                  x={x(cell) - 2}
                  y={y(cell) - 2}
                  width={CELL + 3}
                  height={CELL + 3}
                >
                  <title>
                    probe {at + 1}: bit {number(bit)}
                  </title>
                </rect>
              )
            })}
          </svg>
        </div>
      )}
    </>
  )
}

function filterText({ bits, cells, bitsPerCell }: AnatomyFilter, share: number, positions: readonly number[]): string {
  const set = `The filter: ${share} % of ${number(bits)} bits are set`
  if (positions.length === 0) return set
  const unset = positions.find(bit => cells[Math.floor(bit / bitsPerCell)] === 0)
  const found = unset === undefined ? 'all of them are set' : `bit ${number(unset)} is not set`
  return `${set}. This get asks for ${counted(positions.length, 'bit')}: ${found}`
}

function falsePositives(share: number, hashes: number): string {
  const percent = 100 * share ** hashes
  return percent < 0.1 ? percent.toFixed(2) : percent.toFixed(1)
}
