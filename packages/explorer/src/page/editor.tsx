/** Where operations are typed or pasted, with what is wrong or expected in words. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { complete, parseScript } from '../run/command.js'
import type { CodeEditor } from './code-editor.js'
import { add, ask, isBusy } from './state.js'

const note = signal<{ readonly text: string; readonly isProblem: boolean }>({ text: '', isProblem: false })
/** Texts that were performed, and the place among them. */
const entered: string[] = []
let recalled = 0

export function Editor(): JSX.Element {
  const parent = useRef<HTMLDivElement>(null)
  const editor = useRef<CodeEditor | undefined>(undefined)
  const perform = (): void => {
    const text = editor.current?.text() ?? ''
    const { lines, problems } = parseScript(text)
    if (problems.length > 0) note.value = { text: problemText(problems[0], text), isProblem: true }
    if (problems.length > 0 || lines.length === 0 || isBusy.value) return
    recalled = entered.push(text)
    editor.current!.set('')
    void add(lines)
  }
  useEffect(() => {
    let isGone = false
    void import('./code-editor.js').then(({ makeEditor }) => {
      if (isGone) return
      editor.current = makeEditor(parent.current!, {
        describedBy: 'editor-note',
        onChange: (text, beforeCursor) => (note.value = noteOf(text, beforeCursor)),
        onEnter: perform,
        onRecall: direction => {
          recalled = Math.max(0, Math.min(entered.length, recalled + direction))
          editor.current!.set(entered[recalled] ?? '')
        },
        words: (kind, prefix) => (isBusy.value ? Promise.resolve([]) : ask('words', kind, prefix)),
      })
    })
    return () => {
      isGone = true
      editor.current?.destroy()
    }
  }, [])
  return (
    <div class="editor">
      <div class="editor-row">
        <div ref={parent} class="editor-field" />
        <button type="button" disabled={isBusy.value} onClick={perform}>
          Run
        </button>
      </div>
      <p id="editor-note" class={note.value.isProblem ? 'editor-note problem' : 'editor-note'} aria-live="polite">
        {note.value.text === '' ? 'Enter runs what is typed, Shift+Enter begins another line, Tab completes a word.' : note.value.text}
      </p>
    </div>
  )
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
