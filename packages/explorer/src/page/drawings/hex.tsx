/** The bytes of a file, a row at a time, with what they mean; those that the present event writes are marked. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { HexLine, HexPage } from '../../session/hex-page.js'
import { bytes, number } from '../format.js'
import { ask, look, select, selection } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useRoving } from './roving.js'

const ROWS = 32
const BYTES_PER_ROW = 8

interface Place {
  readonly file: string
  /** Absent: where the present event writes. */
  readonly offset?: number
}

export function Hex({ lane, index }: DrawingProps): JSX.Element | null {
  const [chosen, choose] = useState<Place | undefined>(undefined)
  const box = useRef<HTMLDivElement>(null)
  const [page, setPage] = useState<HexPage | undefined>(undefined)
  const picture = lane.pictures.files
  const position = look.value?.position ?? 0
  const selected = selection.value
  const names = picture?.files.map(({ name }) => name) ?? []
  const file =
    [chosen?.file, picture?.touched, page?.file].find(name => name !== undefined && names.includes(name)) ??
    names.findLast(name => name.endsWith('.log')) ??
    names[0]
  const offset = chosen?.file === file ? chosen?.offset : undefined

  useEffect(() => {
    if (selected?.lane !== index) return
    if (selected.kind === 'file') choose({ file: selected.file })
    // Rows that are there stay where they are.
    if (selected.kind === 'bytes' && !page?.lines.some(line => page.file === selected.file && line.offset === selected.offset))
      choose({ file: selected.file, offset: selected.offset })
    if (selected.kind === 'file' || selected.kind === 'bytes') box.current?.scrollIntoView({ block: 'nearest' })
  }, [selected, index])

  useEffect(() => {
    if (file === undefined) return
    let isCurrent = true
    void ask('hex', { lane: index, position, file, rows: ROWS, ...(offset !== undefined && { offset }) }).then(found => {
      if (isCurrent) setPage(found)
    })
    return () => {
      isCurrent = false
    }
  }, [index, position, file, offset])

  if (picture === undefined || file === undefined) return <p>No file has been written yet.</p>
  const goTo = (to: number): void => choose({ file, offset: Math.max(0, to) })
  const isShown = page?.file === file
  return (
    <div ref={box} class="hex">
      <div class="controls">
        <label>
          File{' '}
          <select
            value={chosen === undefined ? '' : file}
            onChange={event => choose(event.currentTarget.value === '' ? undefined : { file: event.currentTarget.value })}
          >
            <option value="">the one being written ({file})</option>
            {names.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Offset{' '}
          <input
            type="number"
            min={0}
            max={page?.size ?? 0}
            step={1}
            value={page?.offset ?? 0}
            onChange={event => goTo(Number(event.currentTarget.value))}
          />
        </label>
        <button type="button" disabled={!isShown || page.offset === 0} onClick={() => goTo(page!.offset - ROWS * BYTES_PER_ROW)}>
          Bytes before
        </button>
        <button type="button" disabled={!isShown || page.nextOffset === undefined} onClick={() => goTo(page!.nextOffset!)}>
          Bytes after
        </button>
        {isShown && page.written !== undefined ? (
          <button type="button" onClick={() => goTo(page.written!.offset)}>
            To what is written now
          </button>
        ) : null}
      </div>
      {isShown ? <Page page={page} lane={index} /> : null}
    </div>
  )
}

function Page({ page, lane }: { readonly page: HexPage; readonly lane: number }): JSX.Element {
  const { file, title, size, written, problems, lines } = page
  const roving = useRoving(lines.flatMap((line, at) => (isOfFile(line) ? [String(at)] : [])))
  const width = Math.max(4, ...lines.map(({ offset }) => offset.toString(16).length))
  const selected =
    selection.value?.lane === lane && selection.value.kind === 'bytes' && selection.value.file === file ? selection.value : undefined
  return (
    <>
      <p>
        {file} is a {title} of {bytes(size)}.
        {written === undefined
          ? ''
          : ` This event writes ${number(written.length)} bytes at offset ${number(written.offset)}: they are marked.`}
      </p>
      {problems.map(problem => (
        <p key={problem} class="problem">
          {problem}
        </p>
      ))}
      <div
        {...roving.around}
        class="hex-rows"
        role="group"
        aria-label={`Bytes of ${file} from offset ${page.offset}, each row with its meaning`}
      >
        {lines.map((line, at) =>
          isOfFile(line) ? (
            <button
              key={at}
              class="hex-row"
              type="button"
              {...roving.item(String(at))}
              aria-pressed={selected?.offset === line.offset}
              onClick={() => select({ lane, kind: 'bytes', file, offset: line.offset, length: lengthOf(line) })}
            >
              <Row line={line} width={width} />
            </button>
          ) : (
            <div key={at} class="hex-row">
              <Row line={line} width={width} />
            </div>
          ),
        )}
      </div>
    </>
  )
}

/** Whether a row has bytes that lie in the file as they are shown. */
function isOfFile({ bytes: shown, decompressed }: HexLine): boolean {
  return shown !== '' && decompressed === undefined
}

function lengthOf({ bytes: shown }: HexLine): number {
  return (shown.length + 1) / 3
}

function Row({ line, width }: { readonly line: HexLine; readonly width: number }): JSX.Element {
  const [from, to] = line.written ?? [0, 0]
  const marked = line.bytes.slice(from * 3, Math.max(0, to * 3 - 1))
  const after = line.bytes.slice(from * 3 + marked.length)
  const filler = ' '.repeat(BYTES_PER_ROW * 3 - 1 - line.bytes.length)
  const sign = line.isProblem ? '! ' : line.state === 'unverified' ? '? ' : ''
  return (
    <>
      {`${line.decompressed === undefined ? ' ' : '~'}${line.offset.toString(16).padStart(width, '0')}  ${line.bytes.slice(0, from * 3)}`}
      {marked === '' ? null : <mark>{marked}</mark>}
      {`${after}${filler}  ${line.text.padEnd(BYTES_PER_ROW)}  ${' '.repeat(line.depth)}${sign}${line.meaning}`.trimEnd()}
    </>
  )
}
