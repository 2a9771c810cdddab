/** The bytes of a file, a row at a time, with what they mean; those that the present event writes are marked. */
import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { HexLine, HexPage } from '../../session/hex-page.js'
import { bytes, number } from '../format.js'
import { ask, look, selection } from '../state.js'
import type { DrawingProps } from './drawing.js'

const ROWS = 32
const BYTES_PER_ROW = 8

interface Place {
  readonly file: string
  /** Absent: where the present event writes. */
  readonly offset?: number
}

export function Hex({ lane, index }: DrawingProps): JSX.Element | null {
  const [chosen, choose] = useState<Place | undefined>(undefined)
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
    if (selected.kind === 'file' || selected.kind === 'bytes')
      choose({ file: selected.file, ...(selected.kind === 'bytes' && { offset: selected.offset }) })
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
    <div class="hex">
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
      {isShown ? <Page page={page} /> : null}
    </div>
  )
}

function Page({ page }: { readonly page: HexPage }): JSX.Element {
  const { file, title, size, written, problems } = page
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
      <pre tabIndex={0} aria-label={`Bytes of ${file} from offset ${page.offset}, each row with its meaning`}>
        {segments(page.lines).map(({ text, isWritten }, index) => (isWritten ? <mark key={index}>{text}</mark> : text))}
      </pre>
    </>
  )
}

interface Segment {
  readonly text: string
  readonly isWritten: boolean
}

/** The text of all rows, in as few pieces as the marks allow. */
function segments(lines: readonly HexLine[]): readonly Segment[] {
  const pieces: Segment[] = []
  let plain = ''
  const width = Math.max(4, ...lines.map(({ offset }) => offset.toString(16).length))
  for (const line of lines) {
    const [from, to] = line.written ?? [0, 0]
    const before = line.bytes.slice(0, from * 3)
    const marked = line.bytes.slice(from * 3, Math.max(0, to * 3 - 1))
    const after = line.bytes.slice(from * 3 + marked.length)
    plain += `${line.decompressed === undefined ? ' ' : '~'}${line.offset.toString(16).padStart(width, '0')}  ${before}`
    if (marked !== '') {
      pieces.push({ text: plain, isWritten: false }, { text: marked, isWritten: true })
      plain = ''
    }
    const filler = ' '.repeat(BYTES_PER_ROW * 3 - 1 - line.bytes.length)
    const sign = line.isProblem ? '! ' : line.state === 'unverified' ? '? ' : ''
    plain += `${after}${filler}  ${line.text.padEnd(BYTES_PER_ROW)}  ${'  '.repeat(line.depth)}${sign}${line.meaning}`.trimEnd() + '\n'
  }
  return [...pieces, { text: plain, isWritten: false }]
}
