/** Where operations are typed or pasted, with what is wrong or expected in words. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { complete, isMistake, parseScript, type RowProblem } from '../run/command.js'
import type { CodeEditor } from './code-editor.js'
import { counted } from './format.js'
import { add, ask, isBusy } from './state.js'

const EDITOR_FIELD = 'operations-field'

/** Wrong lines that are listed. */
const MOST_LISTED = 20

interface Note {
  readonly text: string
  readonly isProblem: boolean
  /** What is wrong, line by line, where several lines are. */
  readonly wrong?: readonly string[]
}

const note = signal<Note>({ text: '', isProblem: false })
/** Texts that were performed, and the place among them. */
const entered: string[] = []
let recalled = 0

/** Whether the code editor has taken the place of the plain field, which it does at the first focus: it is large. */
const isReady = signal(false)

export function Editor(): JSX.Element {
  const parent = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const editor = useRef<CodeEditor | undefined>(undefined)
  const text = (): string => editor.current?.text() ?? field.current!.value
  const set = (changed: string): void => {
    if (editor.current === undefined) field.current!.value = changed
    else editor.current.set(changed)
    note.value = noteOf(changed, changed, rowsOf(changed) - 1)
  }
  const perform = (): void => {
    const { lines, problems } = parseScript(text())
    if (problems.length > 0) note.value = wrongNote(problems, text())
    if (problems.length > 0 || lines.length === 0 || isBusy.value) return
    recalled = entered.push(text())
    set('')
    void add(lines)
  }
  const upgrade = async (): Promise<void> => {
    const { makeEditor } = await import('./code-editor.js')
    if (editor.current !== undefined || parent.current === null) return
    const { value, ownerDocument } = field.current!
    const hasFocus = ownerDocument.activeElement === field.current
    editor.current = makeEditor(parent.current, {
      describedBy: 'editor-note',
      onChange: (changed, beforeCursor, row) => (note.value = noteOf(changed, beforeCursor, row)),
      onEnter: perform,
      onRecall: direction => {
        recalled = Math.max(0, Math.min(entered.length, recalled + direction))
        set(entered[recalled] ?? '')
      },
      words: (kind, prefix) => ask('words', kind, prefix),
    })
    editor.current.set(value)
    isReady.value = true
    if (hasFocus) editor.current.focus()
  }
  useEffect(
    () => () => {
      editor.current?.destroy()
      isReady.value = false
    },
    [],
  )
  return (
    <div class="editor">
      <div class="editor-row">
        <div ref={parent} class="editor-field">
          <textarea
            ref={field}
            id={EDITOR_FIELD}
            rows={1}
            hidden={isReady.value}
            placeholder="put key value"
            aria-label="Operations"
            aria-describedby="editor-note"
            onFocus={() => void upgrade()}
            onInput={({ currentTarget: { value, selectionEnd } }) =>
              (note.value = noteOf(value, value, rowsOf(value.slice(0, selectionEnd)) - 1))
            }
            onKeyDown={event => {
              if (event.key !== 'Enter' || event.shiftKey) return
              event.preventDefault()
              perform()
            }}
          />
        </div>
        <button type="button" disabled={isBusy.value} onClick={perform}>
          Run
        </button>
      </div>
      <p id="editor-note" class={note.value.isProblem ? 'editor-note problem' : 'editor-note'} aria-live="polite">
        {note.value.text === '' ? 'Enter runs it, Shift+Enter begins a line, Tab completes a word.' : note.value.text}
      </p>
      {note.value.wrong === undefined ? null : <Wrong lines={note.value.wrong} />}
    </div>
  )
}

function Wrong({ lines }: { readonly lines: readonly string[] }): JSX.Element {
  const hidden = lines.length - MOST_LISTED
  return (
    <ul class="editor-wrong problem" aria-label="Lines that are wrong">
      {lines.slice(0, MOST_LISTED).map(line => (
        <li key={line}>{line}</li>
      ))}
      {hidden > 0 ? <li>and {counted(hidden, 'line')} more</li> : null}
    </ul>
  )
}

/** Gives the field the focus. */
export function focusEditor(): void {
  document.querySelector<HTMLElement>(isReady.value ? '.editor-field .cm-content' : `#${EDITOR_FIELD}`)?.focus()
}

/** @param row - That of the cursor. */
function noteOf(text: string, beforeCursor: string, row: number): Note {
  if (text.trim() === '') return { text: '', isProblem: false }
  const { problems, lines } = parseScript(text)
  const mistakes = problems.filter(problem => isMistake(problem, row))
  if (mistakes.length > 0) return wrongNote(mistakes, text)
  const { hint } = complete(beforeCursor)
  if (problems.length > 0) return { text: problemText(problems[0], text), isProblem: false }
  const ready = lines.length === 1 ? 'Enter runs it' : `Enter runs ${lines.length} lines`
  return { text: hint === '' ? ready : `${ready}; here can stand ${hint}`, isProblem: false }
}

function wrongNote(problems: readonly RowProblem[], text: string): Note {
  if (problems.length === 1) return { text: problemText(problems[0], text), isProblem: true }
  return {
    text: `${counted(problems.length, 'line')} of ${rowsOf(text)} are wrong. None of them is run before all are right.`,
    isProblem: true,
    wrong: problems.map(problem => problemText(problem, text)),
  }
}

function problemText({ row, from, message }: RowProblem, text: string): string {
  return `${rowsOf(text) > 1 ? `Line ${row + 1}, column` : 'Column'} ${from + 1}: ${message}`
}

function rowsOf(text: string): number {
  return text.split(/\r\n?|\n/).length
}
