/** The levels of an LSM tree, from the memtable down: by ranges of keys, or by bytes beside what each level may hold. */
import { visibleText } from 'kvarium/observe'
import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { LsmLevelShape, TableShape } from 'kvarium/lsm'
import type { CompactionPicture, LevelsPicture, ProbePicture } from '../../views/levels-fold.js'
import { wordText } from '../../run/command.js'
import { bytes, counted, number } from '../format.js'
import { select, selection } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useMoves } from './moves.js'
import { useRoving } from './roving.js'
import { TableAnatomy } from './table-anatomy.js'
import { TableHead } from '../table-head.js'

export function Levels({ lane, index }: DrawingProps): JSX.Element | null {
  const [view, setView] = useState<'keys' | 'bytes'>('keys')
  const picture = lane.pictures.levels
  if (picture === undefined) return null
  const selected = selection.value?.lane === index && selection.value.kind === 'table' ? selection.value.table : undefined
  return (
    <div class="levels">
      <fieldset class="switch">
        <legend class="hidden">How the levels are drawn</legend>
        {(['keys', 'bytes'] as const).map(each => (
          <label key={each}>
            <input type="radio" name={`levels ${index}`} checked={view === each} onChange={() => setView(each)} /> by {each}
          </label>
        ))}
      </fieldset>
      {view === 'keys' ? <ByKeys picture={picture} lane={index} selected={selected} /> : <ByBytes picture={picture} />}
      {picture.compaction === undefined ? null : <Pick compaction={picture.compaction} />}
      {picture.probes.length === 0 ? null : <Probes probes={picture.probes} />}
      {selected === undefined ? null : <TableAnatomy lane={index} table={selected} />}
    </div>
  )
}

interface ByKeysProps {
  readonly picture: LevelsPicture
  readonly lane: number
  readonly selected: number | undefined
}

function ByKeys({ picture, lane, selected }: ByKeysProps): JSX.Element {
  const filled = picture.levels.filter(level => level.tables > 0)
  const all = filled.flatMap(level => level.runTables.flat())
  const bounds = [...new Set(all.flatMap(table => [table.smallest, table.largest]))].sort()
  const rank = new Map(bounds.map((bound, at) => [bound, at]))
  const place = ({ smallest, largest }: TableShape): { left: string; width: string } => ({
    left: `${(100 * rank.get(smallest)!) / bounds.length}%`,
    width: `${(100 * (rank.get(largest)! - rank.get(smallest)! + 1)) / bounds.length}%`,
  })
  const { compaction } = picture
  const inputs = new Set(compaction?.state === 'running' ? compaction.inputs.flat() : [])
  const outputs = new Set(compaction?.state === 'current' ? compaction.outputs : [])
  const roving = useRoving(
    all.map(table => String(table.number)),
    selected?.toString(),
  )
  useMoves(roving.around.ref)
  const probes = new Map(picture.probes.filter(probe => probe.in === 'table').map(probe => [probe.number, probe]))
  return (
    <div {...roving.around} class="moving">
      {filled.length === 0 ? <p>No table yet: everything is in memory and in the log.</p> : null}
      {filled.map(level => (
        <section key={level.level} aria-label={`Level ${level.level}`}>
          <h4>
            level {level.level}: {counted(level.tables, 'table')} in {counted(level.runs, 'run')}, {number(level.entries)} entries,{' '}
            {bytes(level.bytes)}
          </h4>
          {level.runTables.map(run => (
            <ul class="run" key={run[0]?.run} aria-label={`Tables of run ${run[0]?.run ?? 0}, by key`}>
              {run.map(table => {
                const probe = probes.get(table.number)
                const role = inputs.has(table.number) ? 'input' : outputs.has(table.number) ? 'output' : ''
                return (
                  <li
                    key={table.number}
                    data-move={table.number}
                    class={[role, probe && `probed ${probe.outcome}`].filter(Boolean).join(' ')}
                    style={place(table)}
                  >
                    <button
                      type="button"
                      {...roving.item(String(table.number))}
                      aria-pressed={selected === table.number}
                      aria-label={`${tableText(table)}${role === '' ? '' : `, ${role} of the compaction`}${probe === undefined ? '' : `, ${OUTCOMES[probe.outcome]}`}`}
                      title={tableText(table)}
                      onClick={() => select(selected === table.number ? undefined : { lane, kind: 'table', table: table.number })}
                    >
                      {role === '' ? '' : role === 'input' ? '▼' : '★'}
                      {table.number}
                      {probe === undefined ? '' : ` ${SIGNS[probe.outcome]}`}
                    </button>
                  </li>
                )
              })}
            </ul>
          ))}
        </section>
      ))}
    </div>
  )
}

function tableText({ number: table, entries, fileBytes, smallest, largest }: TableShape): string {
  return `table ${table}, ${number(entries)} entries, ${bytes(fileBytes)}, ${wordText(smallest)} to ${wordText(largest)}`
}

function ByBytes({ picture }: { readonly picture: LevelsPicture }): JSX.Element {
  const { levels, limits, compaction } = picture
  const shown = levels.filter(level => level.tables > 0 || level.level === 0)
  const most = Math.max(1, ...shown.map(level => Math.max(level.bytes, limits[level.level]?.bytes ?? 0)))
  const width = (size: number): string => `${(100 * size) / most}%`
  return (
    <table class="by-bytes" aria-label="Bytes of each level, and what it may hold">
      <TableHead names={['level', 'bytes', 'may hold', 'of it', 'score at the last pick']} />
      <tbody>
        {shown.map(level => {
          const limit = limits[level.level] ?? {}
          return (
            <tr key={level.level}>
              <th scope="row">
                {level.level}
                <span class="sizes" aria-hidden="true">
                  <span class="size" style={{ width: width(level.bytes) }} />
                  {limit.bytes === undefined ? null : <span class="limit" style={{ left: width(limit.bytes) }} />}
                </span>
              </th>
              <td>{bytes(level.bytes)}</td>
              <td>
                {limit.bytes === undefined ? (limit.runs === undefined ? 'any size' : counted(limit.runs, 'run')) : bytes(limit.bytes)}
              </td>
              <td>{shareOf(level, limit)}</td>
              <td>{compaction?.scores[level.level]?.toFixed(2) ?? '–'}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function shareOf(level: LsmLevelShape, { bytes: most, runs }: LevelsPicture['limits'][number]): string {
  const share = most !== undefined ? level.bytes / most : runs !== undefined ? level.runs / runs : undefined
  return share === undefined ? '–' : `${Math.round(share * 100)} %${share >= 1 ? ': due' : ''}`
}

function Pick({ compaction }: { readonly compaction: CompactionPicture }): JSX.Element {
  const { reason, outcome, inputs, inputBytes, overlapBytes, outputLevel, outputs, state } = compaction
  const tables = inputs.flat()
  const names = counted(tables.length, 'table')
  const isOne = tables.length === 1
  const what = {
    merge: `${names} (${tables.join(', ')}), ${bytes(inputBytes)} in all, ${state === 'running' ? `${isOne ? 'is' : 'are'} being` : isOne ? 'was' : 'were'} merged into level ${outputLevel}, where ${bytes(overlapBytes)} of these lay already`,
    move: `${names} (${tables.join(', ')}) ${state === 'running' ? (isOne ? 'moves' : 'move') : 'moved'} to level ${outputLevel} unchanged: nothing there overlaps, so only the manifest is written`,
    drop: `${names} (${tables.join(', ')}) ${state === 'running' ? (isOne ? 'is' : 'are') : isOne ? 'was' : 'were'} dropped unread: newer range tombstones delete all that is in there`,
  }[outcome]
  return (
    <p class="why">
      {state === 'running' ? 'Compaction under way' : 'The last compaction'}: {what}. Reason: {visibleText(reason)}.
      {outputs.length === 0 ? '' : ` It built ${counted(outputs.length, 'table')} (${outputs.join(', ')}).`}
      {state === 'current' ? ' The manifest has the new tables: readers use them from now on.' : ''}
    </p>
  )
}

const SIGNS: Readonly<Record<ProbePicture['outcome'], string>> = {
  hit: '✓',
  tombstone: '✕',
  expired: '✕',
  covered: '✕',
  miss: '○',
  'range-skip': '–',
  'bloom-skip': '⊘',
  'false-positive': '!',
}

const OUTCOMES: Readonly<Record<ProbePicture['outcome'], string>> = {
  hit: 'the value is here',
  tombstone: 'a tombstone is here: the key is deleted',
  expired: 'a value is here, but it has expired',
  covered: 'a value is here, but a newer range tombstone deletes it',
  miss: 'the key is not here',
  'range-skip': 'the key is outside of its range, it is not looked at',
  'bloom-skip': 'its filter rules the key out, no block is read',
  'false-positive': 'its filter says maybe, and a block is read for nothing',
}

function Probes({ probes }: { readonly probes: readonly ProbePicture[] }): JSX.Element {
  return (
    <>
      <p class="why">This get looks from the newest data to the oldest, and ends where it finds a version:</p>
      <ol class="probes" aria-label="Where this get looks">
        {probes.map((probe, at) => (
          <li key={at}>
            <span aria-hidden="true">{SIGNS[probe.outcome]} </span>
            {placeText(probe)}: {OUTCOMES[probe.outcome]}
          </li>
        ))}
      </ol>
    </>
  )
}

function placeText(probe: ProbePicture): string {
  if (probe.in === 'memtable') return 'memtable'
  if (probe.in === 'frozen') return 'immutable memtable'
  return `${probe.in} ${probe.number} of level ${probe.level}`
}
