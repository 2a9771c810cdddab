/** The panels as tabs: one of them is open. */
import type { JSX, TargetedKeyboardEvent } from 'preact'
import { Lazy } from './lazy.js'
import { hasNews, openedPanel, openPanel } from './open-panel.js'
import { PANELS } from './panels.js'

export function PanelTabs(): JSX.Element {
  const opened = PANELS.find(({ anchor }) => anchor === openedPanel.value) ?? PANELS[0]
  return (
    <section class="panels" aria-label="Panels">
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={moveAlong}>
        {PANELS.map(({ anchor, title, about }) => (
          <button
            key={anchor}
            class="tab"
            type="button"
            role="tab"
            id={`tab-${anchor}`}
            title={about}
            aria-selected={anchor === opened.anchor}
            aria-controls="open-panel"
            tabIndex={anchor === opened.anchor ? 0 : -1}
            onClick={() => openPanel(anchor)}
          >
            {title}
            {anchor === 'history' && hasNews.value ? <span class="news"> (new)</span> : null}
          </button>
        ))}
      </div>
      <div id="open-panel" class="open-panel" role="tabpanel" aria-labelledby={`tab-${opened.anchor}`}>
        <Lazy load={opened.load} />
      </div>
    </section>
  )
}

function moveAlong(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  const at = PANELS.findIndex(({ anchor }) => anchor === openedPanel.value)
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[event.key]
  if (to === undefined || event.shiftKey) return
  event.preventDefault()
  event.stopPropagation()
  const { anchor } = PANELS[(to + PANELS.length) % PANELS.length]
  openPanel(anchor)
  focusTab(anchor)
}

/** Gives the tab of the open panel the focus. */
export function focusTab(anchor: string): void {
  document.getElementById(`tab-${anchor}`)?.focus()
}
