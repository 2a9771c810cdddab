/** Where operations are typed or pasted, with what is wrong or expected in words. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { complete, parseScript } from '../run/command.js'
import type { CodeEditor } from './code-editor.js'
import { add, ask, isBusy } from './state.js'

const EDITOR_FIELD = 'operations-field'

const note = signal<{ readonly text: string; readonly isProblem: boolean }>({ text: '', isProblem: false })
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
    note.value = noteOf(changed, changed)
  }
  const perform = (): void => {
    const { lines, problems } = parseScript(text())
    if (problems.length > 0) note.value = { text: problemText(problems[0], text()), isProblem: true }
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
      onChange: (changed, beforeCursor) => (note.value = noteOf(changed, beforeCursor)),
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
            onInput={event => (note.value = noteOf(event.currentTarget.value, event.currentTarget.value))}
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
    </div>
  )
}

/** Gives the field the focus. */
export function focusEditor(): void {
  document.querySelector<HTMLElement>(isReady.value ? '.editor-field .cm-content' : `#${EDITOR_FIELD}`)?.focus()
}

function noteOf(text: string, beforeCursor: string): { readonly text: string; readonly isProblem: boolean } {
  if (text.trim() === '') return { text: '', isProblem: false }
  const { problems, lines } = parseScript(text)
  // Where a line only ends too early, what comes next is no mistake yet.
  const mistake = problems.find(({ from, to }) => from < to)
  if (mistake !== undefined) return { text: problemText(mistake, text), isProblem: true }
  const { hint } = complete(beforeCursor)
  if (problems.length > 0) return { text: problemText(problems[0], text), isProblem: false }
  const ready = lines.length === 1 ? 'Enter runs it' : `Enter runs ${lines.length} lines`
  return { text: hint === '' ? ready : `${ready}; here can stand ${hint}`, isProblem: false }
}

function problemText(
  { row, from, message }: { readonly row: number; readonly from: number; readonly message: string },
  text: string,
): string {
  return `${text.includes('\n') ? `Line ${row + 1}, column` : 'Column'} ${from + 1}: ${message}`
}
