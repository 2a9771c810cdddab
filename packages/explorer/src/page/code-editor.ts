/** The editor of operations: completion, and mistakes marked as one types. It is loaded when the page stands. */
import { acceptCompletion, autocompletion, completionStatus, moveCompletionSelection, selectedCompletion } from '@codemirror/autocomplete'
import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { history, historyKeymap, standardKeymap } from '@codemirror/commands'
import { EditorState, Prec } from '@codemirror/state'
import { Decoration, EditorView, keymap, placeholder } from '@codemirror/view'
import { complete, isMistake, parseScript, wordText } from '../run/command.js'
import type { KnownKind } from '../run/line-reader.js'

export interface CodeEditor {
  readonly text: () => string
  set(text: string): void
  focus(): void
  destroy(): void
}

interface EditorSettings {
  /** Id of the element that says what is wrong. */
  readonly describedBy: string
  /** With the text of the line up to the cursor, and the row of the cursor, from 0. */
  readonly onChange: (text: string, beforeCursor: string, row: number) => void
  readonly onEnter: () => void
  /** The text before and after, by the keys up and down in a single line. */
  readonly onRecall: (direction: 1 | -1) => void
  readonly words: (kind: KnownKind, prefix: string) => Promise<readonly string[]>
}

export function makeEditor(parent: HTMLElement, settings: EditorSettings): CodeEditor {
  const recall = (direction: 1 | -1) => (view: EditorView) => {
    if (view.state.doc.lines > 1 || completionStatus(view.state) !== null) return false
    settings.onRecall(direction)
    return true
  }
  const keys = keymap.of([
    {
      key: 'Enter',
      run: view => {
        if (selectedCompletion(view.state) !== null) return false
        settings.onEnter()
        return true
      },
    },
    { key: 'Shift-Enter', run: view => (view.dispatch(view.state.replaceSelection('\n')), true) },
    {
      key: 'Tab',
      run: view => {
        if (completionStatus(view.state) !== 'active') return false
        if (selectedCompletion(view.state) === null) moveCompletionSelection(true)(view)
        return acceptCompletion(view)
      },
    },
    { key: 'ArrowUp', run: recall(-1) },
    { key: 'ArrowDown', run: recall(1) },
  ])
  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        history(),
        autocompletion({
          override: [context => completions(context, settings.words)],
          selectOnOpen: false,
          icons: false,
          aboveCursor: false,
        }),
        Prec.high(keys),
        keymap.of([...standardKeymap, ...historyKeymap]),
        EditorView.lineWrapping,
        placeholder('put key value'),
        EditorView.contentAttributes.of({ 'aria-label': 'Operations', 'aria-describedby': settings.describedBy }),
        EditorView.decorations.compute(['doc', 'selection'], mistakes),
        EditorView.updateListener.of(({ docChanged, selectionSet, state }) => {
          if (!docChanged && !selectionSet) return
          const { head } = state.selection.main
          const line = state.doc.lineAt(head)
          settings.onChange(state.doc.toString(), state.sliceDoc(line.from, head), line.number - 1)
        }),
      ],
    }),
  })
  return {
    text: () => view.state.doc.toString(),
    set: text => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  }
}

/** Marks of what is wrong in each line: the word, or the whole line where something is missing at its end. */
function mistakes({ doc, selection }: EditorState): ReturnType<typeof Decoration.set> {
  const cursorRow = doc.lineAt(selection.main.head).number - 1
  const wrong = parseScript(doc.toString()).problems.filter(problem => isMistake(problem, cursorRow))
  return Decoration.set(
    wrong.map(({ row, from, to, message }) => {
      const line = doc.line(row + 1)
      const [start, end] = from < to ? [line.from + from, line.from + to] : [line.from, line.to]
      return Decoration.mark({ class: 'mistake', attributes: { title: message } }).range(start, end)
    }),
  )
}

async function completions(
  { state, pos, explicit }: CompletionContext,
  known: (kind: KnownKind, prefix: string) => Promise<readonly string[]>,
): Promise<CompletionResult | null> {
  const line = state.doc.lineAt(pos)
  const text = state.sliceDoc(line.from, pos)
  const { from, words, wants } = complete(text)
  const prefix = text.slice(from)
  if (prefix === '' && text !== '' && !explicit && wants.length === 0 && words.length > 4) return null
  if (text === '' && !explicit) return null
  const found = await Promise.all(wants.map(kind => known(kind, prefix.replace(/^"/, ''))))
  const options = [
    ...words.map(({ word, about }, index) => ({ label: word, info: about, boost: -index })),
    ...found.flat().map((word, index) => ({ label: wordText(word), type: 'variable', boost: -index })),
  ]
  return options.length === 0 ? null : { from: line.from + from, options, filter: false }
}
