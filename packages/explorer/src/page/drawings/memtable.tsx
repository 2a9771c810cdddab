/** The memtables as skiplists: a column for every tower, a line for every level, the path of the present search lit. */
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import type { MemtablePicture, SearchPicture, Tower } from '../../views/memtable-fold.js'
import { wordText } from '../../run/command.js'
import { bytes, counted, number } from '../format.js'
import { select } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useMoves } from './moves.js'
import { useRoving } from './roving.js'

const COLUMN = 22
const ROW = 14
const KEY_HEIGHT = 76

export function Memtable({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.memtable
  if (picture === undefined) return null
  return (
    <div class="memtables">
      {picture.memtables.map(memtable => (
        <One key={memtable.index} memtable={memtable} lane={index} />
      ))}
      {picture.omitted > 0 ? <p>{counted(picture.omitted, 'older immutable memtable')} not drawn.</p> : null}
    </div>
  )
}

function One({ memtable, lane }: { readonly memtable: MemtablePicture; readonly lane: number }): JSX.Element {
  const { index, entries, bytes: used, capacityBytes, rangeTombstones, search, columns } = memtable
  const name = index === 0 ? 'memtable' : index === 1 ? 'immutable memtable' : `immutable memtable ${index}`
  const share = capacityBytes === 0 ? 0 : Math.min(1, used / capacityBytes)
  const newest = columns.find((column): column is Tower => 'key' in column && column.isNew === true)
  return (
    <div role="group" aria-label={name}>
      <p>
        {name}: {counted(entries, 'version')}, {bytes(used)} of {bytes(capacityBytes)}
        {rangeTombstones > 0 ? `, ${counted(rangeTombstones, 'range tombstone')}` : ''}
      </p>
      <div class="fill" role="img" aria-label={`The ${name} is ${Math.round(share * 100)} % full`}>
        <span style={{ width: `${share * 100}%` }} />
      </div>
      {entries > 0 ? <Towers memtable={memtable} name={name} lane={lane} /> : null}
      {newest === undefined ? null : (
        <p class="why">
          {wordText(newest.key)} is new: sequence number {newest.sequence}, {counted(newest.height, 'level')} high, by chance. Each level
          has about a quarter of the towers of the one below.
        </p>
      )}
      {search === undefined ? null : <p class="why">{searchText(search)}</p>}
    </div>
  )
}

function searchText({ key, found, comparisons, levels }: SearchPicture): string {
  const steps = levels.map(({ level, passed, stoppedAt }) => {
    const moved = passed.length === 0 ? 'stays' : `passes ${counted(passed.length, 'tower')}`
    return `level ${level}: ${moved}${stoppedAt === undefined ? '' : ', then goes down'}`
  })
  const what = key === undefined ? 'the key' : wordText(key)
  return `The search for ${what} ${found ? 'finds it' : 'does not find it'} with ${counted(comparisons, 'comparison')}. ${steps.join('; ')}.`
}

interface TowersProps {
  readonly memtable: MemtablePicture
  readonly name: string
  readonly lane: number
}

function Towers({ memtable, name, lane }: TowersProps): JSX.Element {
  const { columns, height, search } = memtable
  const width = (columns.length + 1) * COLUMN + 8
  const bottom = height * ROW
  const x = (column: number): number => (column + 1) * COLUMN + 12
  const y = (level: number): number => bottom - level * ROW
  const marks = marksOf(search)
  const newest = columns.findIndex(column => 'key' in column && column.isNew === true)
  const focus = search?.end ?? (newest < 0 ? undefined : newest)
  const roving = useRoving(
    columns.flatMap(column => ('key' in column ? [keyOf(column)] : [])),
    newest < 0 ? undefined : keyOf(columns[newest] as Tower),
  )
  useMoves(roving.around.ref)
  useEffect(() => {
    const element = roving.around.ref.current
    if (element !== null && focus !== undefined) element.scrollLeft = x(focus) - element.clientWidth / 2
  }, [focus, search !== undefined])
  return (
    <div {...roving.around} class="scroll" tabIndex={0} role="group" aria-label={`Towers of the ${name}`}>
      <svg class="towers" role="presentation" width={width} height={bottom + ROW + KEY_HEIGHT}>
        {Array.from({ length: height }, (_, level) => (
          <line key={level} class="level-line" x1={x(-1)} x2={width} y1={y(level)} y2={y(level)} />
        ))}
        <line class="head" x1={x(-1)} x2={x(-1)} y1={y(0)} y2={y(height - 1)} />
        {search?.levels.map(({ level, from, passed }, index, all) => {
          const to = passed.at(-1) ?? from
          const next = all[index + 1]
          return (
            <path
              key={level}
              class="path"
              d={`M${x(from)} ${y(level)}H${x(to)}${next === undefined ? '' : `V${y(next.level)}`}`}
              style={{ animationDelay: `${index * 120}ms` }}
            />
          )
        })}
        {columns.map((column, at) =>
          'omitted' in column ? (
            <text key={`gap ${at}`} class="gap" x={x(at)} y={bottom - 4} role="img" aria-label={`${column.omitted} more towers`}>
              +{number(column.omitted)}
            </text>
          ) : (
            <g
              key={keyOf(column)}
              {...roving.item(keyOf(column))}
              data-move={keyOf(column)}
              data-new={column.isNew}
              class={`tower ${column.kind.replace(' ', '-')}${column.isNew ? ' new' : ''}`}
              role="button"
              aria-label={towerText(column) + searchedText(column, at, search)}
              onClick={() => select({ lane, kind: 'key', key: column.key })}
            >
              <title>{towerText(column)}</title>
              <line x1={x(at)} x2={x(at)} y1={y(0)} y2={y(column.height - 1)} />
              {Array.from({ length: column.height }, (_, level) => (
                <circle key={level} class={marks.get(`${level} ${at}`)} cx={x(at)} cy={y(level)} r={4} />
              ))}
              <text transform={`translate(${x(at) + 4} ${bottom + 12}) rotate(60)`}>
                {column.kind === 'tombstone' ? '✕ ' : ''}
                {shortened(wordText(column.key))}
              </text>
            </g>
          ),
        )}
      </svg>
    </div>
  )
}

function keyOf({ key, sequence }: Tower): string {
  return `${key} ${sequence}`
}

/** What a search did with a node, by level and column. */
function marksOf(search: SearchPicture | undefined): ReadonlyMap<string, string> {
  const marks = new Map<string, string>()
  for (const { level, passed, stoppedAt } of search?.levels ?? []) {
    for (const at of passed) marks.set(`${level} ${at}`, 'passed')
    if (stoppedAt !== undefined) marks.set(`${level} ${stoppedAt}`, 'stopped')
  }
  if (search?.end !== undefined) marks.set(`0 ${search.end}`, search.found ? 'passed' : 'stopped')
  return marks
}

function towerText({ key, sequence, kind, height, valueBytes }: Tower): string {
  return `${wordText(key)}, sequence number ${sequence}: ${kind}${kind === 'tombstone' ? '' : ` of ${number(valueBytes)} bytes`}, ${counted(height, 'level')} high`
}

/** What the search of the moment did at a tower. */
function searchedText({ height }: Tower, at: number, search: SearchPicture | undefined): string {
  if (search === undefined) return ''
  if (search.found && search.end === at) return ', where the search ends: it is found'
  const passed = search.levels.find(level => level.passed.includes(at))
  if (passed !== undefined) return `, passed by the search at level ${passed.level}`
  const stopped = search.levels.find(level => level.stoppedAt === at && level.level < height)
  return stopped === undefined ? '' : `, where the search goes down from level ${stopped.level}`
}

function shortened(key: string): string {
  const characters = Array.from(key)
  return characters.length > 12 ? `${characters.slice(0, 5).join('')}…${characters.slice(-6).join('')}` : key
}
