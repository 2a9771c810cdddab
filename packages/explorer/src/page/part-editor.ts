/** The editor of a part: TypeScript, with the place of a mistake marked. Tab leaves it, as it leaves any field. */
import { history, historyKeymap, indentLess, indentMore, standardKeymap } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { EditorState, StateEffect, StateField } from '@codemirror/state'
import { Decoration, EditorView, keymap, lineNumbers, type DecorationSet } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { Place } from '../parts/part-settings.js'

export interface PartEditor {
  text(): string
  set(text: string): void
  /** Marks a line, and goes there. */
  mark(place: Place | undefined): void
  destroy(): void
}

const markLine = StateEffect.define<number | undefined>()

const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { effects, changes, state, docChanged }) {
    for (const effect of effects) {
      if (!effect.is(markLine)) continue
      return effect.value === undefined ? Decoration.none : Decoration.set(Decoration.line({ class: 'part-mistake' }).range(effect.value))
    }
    void state
    return docChanged ? Decoration.none : marks.map(changes)
  },
  provide: field => EditorView.decorations.from(field),
})

/** Words and marks differ by weight and slant as well: the page has few colours. */
const style = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword],
    class: 'code-keyword',
  },
  { tag: [tags.comment], class: 'code-comment' },
  { tag: [tags.string, tags.number, tags.regexp, tags.bool, tags.null], class: 'code-value' },
  { tag: [tags.typeName, tags.className], class: 'code-type' },
])

export function makePartEditor(
  parent: HTMLElement,
  text: string,
  { label, describedBy, onChange }: { readonly label: string; readonly describedBy: string; readonly onChange: (text: string) => void },
): PartEditor {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        javascript({ typescript: true }),
        syntaxHighlighting(style),
        indentUnit.of('  '),
        indentOnInput(),
        bracketMatching(),
        keymap.of([{ key: 'Mod-]', run: indentMore }, { key: 'Mod-[', run: indentLess }, ...standardKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': label, 'aria-describedby': describedBy }),
        marked,
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(state.doc.toString())
        }),
      ],
    }),
  })
  return {
    text: () => view.state.doc.toString(),
    set: changed => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: changed }, selection: { anchor: 0 } }),
    mark(place) {
      if (place === undefined || place.line > view.state.doc.lines) {
        view.dispatch({ effects: markLine.of(undefined) })
        return
      }
      const line = view.state.doc.line(place.line)
      const at = Math.min(line.to, line.from + (place.column ?? 1) - 1)
      view.dispatch({ effects: [markLine.of(line.from), EditorView.scrollIntoView(at, { y: 'center' })], selection: { anchor: at } })
    },
    destroy: () => view.destroy(),
  }
}
