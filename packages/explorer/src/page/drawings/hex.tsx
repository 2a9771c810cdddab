/** The bytes of a file, a row at a time, with what they mean; those that the present event writes are marked. */
import { visibleText } from 'kvarium/observe'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import type { HexLine, HexPage } from '../../session/hex-page.js'
import { bytes, number } from '../format.js'
import { Problem } from '../problem.js'
import { ask, look, select, selection } from '../state.js'
import { sentenceOf } from '../use-answer.js'
import type { DrawingProps } from './drawing.js'
import { useRoving } from './roving.js'

const ROWS = 32
const BYTES_PER_ROW = 8

interface ByteRange {
  readonly offset: number
  readonly length: number
}

interface Place {
  readonly file: string
  /** Absent: where the present event writes. */
  readonly offset?: number
}

export function Hex({ lane, index }: DrawingProps): JSX.Element | null {
  const [chosen, choose] = useState<Place | undefined>(undefined)
  const box = useRef<HTMLDivElement>(null)
  const [page, setPage] = useState<HexPage | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
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
    if (selected.kind === 'bytes' && !(page?.file === selected.file && page.lines.some(line => isOfFile(line) && isIn(line, selected))))
      choose({ file: selected.file, offset: selected.offset })
    if (selected.kind === 'file' || selected.kind === 'bytes') box.current?.scrollIntoView({ block: 'nearest' })
  }, [selected, index])

  useEffect(() => {
    if (file === undefined) return
    let isCurrent = true
    ask('hex', { lane: index, position, file, rows: ROWS, ...(offset !== undefined && { offset }) }).then(
      found => {
        if (!isCurrent) return
        setPage(found)
        setProblem(undefined)
      },
      (error: unknown) => {
        if (isCurrent) setProblem(sentenceOf(error))
      },
    )
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
            <option value="">the one being written ({visibleText(file)})</option>
            {names.map(name => (
              <option key={name} value={name}>
                {visibleText(name)}
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
      {problem === undefined ? null : <Problem text={problem} />}
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
        {visibleText(file)} is a {title} of {bytes(size)}.
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
        aria-label={`Bytes of ${visibleText(file)} from offset ${page.offset}, each row with its meaning. Enter selects a row, 1 to ${BYTES_PER_ROW} one of its bytes`}
      >
        {lines.map((line, at) =>
          isOfFile(line) ? (
            <button
              key={at}
              class="hex-row"
              type="button"
              {...roving.item(String(at))}
              aria-pressed={isIn(line, selected)}
              onClick={event => {
                const at = byteAt(event.target)
                select({ lane, kind: 'bytes', file, ...(at === undefined ? rangeOf(line) : { offset: line.offset + at, length: 1 }) })
              }}
              onKeyDown={event => {
                const at = Number(event.key) - 1
                if (event.ctrlKey || event.altKey || event.metaKey || !(at >= 0 && at < lengthOf(line))) return
                select({ lane, kind: 'bytes', file, offset: line.offset + at, length: 1 })
              }}
            >
              <Row line={line} width={width} selected={selected} />
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

function rangeOf(line: HexLine): ByteRange {
  return { offset: line.offset, length: lengthOf(line) }
}

/** Whether the row has bytes of a range. */
function isIn(line: HexLine, range: ByteRange | undefined): boolean {
  return range !== undefined && line.offset < range.offset + range.length && line.offset + lengthOf(line) > range.offset
}

/** Which byte of its row has been clicked; `undefined` beside them. */
function byteAt(target: EventTarget | null): number | undefined {
  const byte = target instanceof HTMLElement ? target.closest<HTMLElement>('[data-byte]') : null
  return byte === null ? undefined : Number(byte.dataset.byte)
}

function lengthOf({ bytes: shown }: HexLine): number {
  return (shown.length + 1) / 3
}

interface RowProps {
  readonly line: HexLine
  readonly width: number
  readonly selected?: ByteRange | undefined
}

function Row({ line, width, selected }: RowProps): JSX.Element {
  const [from, to] = line.written ?? [0, 0]
  const shown = line.bytes === '' ? [] : line.bytes.split(' ')
  const filler = ' '.repeat(BYTES_PER_ROW * 3 - 1 - line.bytes.length)
  const sign = line.isProblem ? '! ' : line.state === 'unverified' ? '? ' : ''
  const bytesOf = (first: number, end: number): ComponentChildren =>
    shown.slice(first, end).map((byte, index) => {
      const at = first + index
      const isSelected = isIn({ ...line, offset: line.offset + at, bytes: byte }, selected)
      return [
        index === 0 ? '' : ' ',
        <span key={at} data-byte={at} class={isSelected ? 'selected' : undefined}>
          {byte}
        </span>,
      ]
    })
  return (
    <>
      {`${line.decompressed === undefined ? ' ' : '~'}${line.offset.toString(16).padStart(width, '0')}  `}
      {bytesOf(0, from)}
      {from > 0 ? ' ' : ''}
      {to > from ? <mark>{bytesOf(from, to)}</mark> : null}
      {to > from && to < shown.length ? ' ' : ''}
      {bytesOf(to, shown.length)}
      {`${filler}  ${line.text.padEnd(BYTES_PER_ROW)}  ${' '.repeat(line.depth)}${sign}${line.meaning}`.trimEnd()}
    </>
  )
}
