/** The write-ahead logs: a bar for each, its frames in order, and under it what of them is durable. */
import type { JSX } from 'preact'
import type { LogFrame, LogPicture, LogsPicture } from '../../views/log-fold.js'
import { bytes, counted, number } from '../format.js'
import { select } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { TableHead } from '../table-head.js'

const WIDTH = 1000
const FRAMES_IN_TABLE = 8

export function Log({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.log
  if (picture === undefined) return null
  const { logs, logsBefore, present } = picture
  if (logs.length === 0) return <p>No log has begun.</p>
  const longest = Math.max(1, ...logs.map(log => log.bytes))
  return (
    <div class="log">
      {logsBefore > 0 ? <p>{counted(logsBefore, 'older log')} not drawn.</p> : null}
      {logs.map(log => (
        <section key={log.log} aria-label={`Log ${log.log} of ${lane.name}`} class={log.state}>
          <p>
            <button type="button" class="plain link" onClick={() => select({ lane: index, kind: 'file', file: fileOf(log) })}>
              log {log.log}
            </button>
            : {sentenceOf(log)}
          </p>
          <Bar log={log} longest={longest} isPresent={present?.log === log.log} what={present?.what} />
        </section>
      ))}
      <p class="why">{WHY[present?.what ?? 'none']}</p>
      <Frames log={logs.at(-1)!} />
    </div>
  )
}

const WHY: Readonly<Record<NonNullable<LogsPicture['present']>['what'] | 'none', string>> = {
  append: 'The frame outlined was appended now. Until a sync it can be lost with the power, but not with the process.',
  sync: 'A sync makes everything appended so far durable; writers that wait for it share it.',
  rotate: 'A log is as long as a memtable: a full memtable gets a new log, so that the old one can go when its entries are in a table.',
  release: 'All that this log holds is stored elsewhere, durably: it is removed.',
  replay: 'Opening reads the log from its start and puts what it finds into the memtable again.',
  none: 'Every write goes to the log first. The line under a bar shows how far it is durable.',
}

function sentenceOf({ entries, bytes: size, syncedBytes, state, replayed }: LogPicture): string {
  const said = [`${counted(entries, 'operation')} in ${bytes(size)}`]
  said.push(syncedBytes >= size ? 'all durable' : `${bytes(size - syncedBytes)} not durable yet`)
  if (state !== 'written') said.push(state)
  if (replayed !== undefined) said.push(`replayed: ${replayed}`)
  return said.join(', ')
}

interface BarProps {
  readonly log: LogPicture
  readonly longest: number
  readonly isPresent: boolean
  readonly what: string | undefined
}

function Bar({ log, longest, isPresent, what }: BarProps): JSX.Element {
  const scale = (at: number): number => (WIDTH * at) / longest
  const first = log.frames[0]?.offset ?? log.bytes
  return (
    <svg class="log-bar" viewBox={`0 0 ${WIDTH} 30`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="earlier" x={0} y={2} width={scale(first)} height={18} />
      {log.frames.map((frame, index) => (
        <rect
          key={frame.offset}
          class={isPresent && what === 'append' && index === log.frames.length - 1 ? 'frame present' : 'frame'}
          x={scale(frame.offset)}
          y={2}
          width={Math.max(1, scale(frame.length))}
          height={18}
        >
          <title>{frameText(frame)}</title>
        </rect>
      ))}
      <rect class={isPresent && what === 'sync' ? 'synced present' : 'synced'} x={0} y={23} width={scale(log.syncedBytes)} height={5} />
    </svg>
  )
}

function frameText({ offset, length, entries, firstSequence }: LogFrame): string {
  return `${number(length)} bytes at offset ${number(offset)}: ${counted(entries, 'operation')} from sequence number ${firstSequence}`
}

function Frames({ log }: { readonly log: LogPicture }): JSX.Element {
  const shown = log.frames.slice(-FRAMES_IN_TABLE)
  const before = log.framesBefore + log.frames.length - shown.length
  return (
    <details>
      <summary>Frames of log {log.log}</summary>
      {before > 0 ? <p>{counted(before, 'frame')} before these.</p> : null}
      <div class="scroll">
        <table aria-label={`The latest frames of log ${log.log}`}>
          <TableHead names={['offset', 'bytes', 'operations', 'first sequence', 'durable']} />
          <tbody>
            {shown.map(frame => (
              <tr key={frame.offset}>
                <th scope="row">{number(frame.offset)}</th>
                <td>{number(frame.length)}</td>
                <td>{number(frame.entries)}</td>
                <td>{frame.firstSequence}</td>
                <td>{frame.offset + frame.length <= log.syncedBytes ? 'yes' : 'no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function fileOf({ log }: LogPicture): string {
  return `${String(log).padStart(6, '0')}.log`
}
