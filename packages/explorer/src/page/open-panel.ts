/** Which panel is open. The page's address names it, so that a link and a reload come back to it. */
import { effect, signal } from '@preact/signals'
import { readAddress, writeAddress } from './address.js'
import { lessonIn, lessonLink, lessonName } from './lesson-name.js'
import { openLink } from './lessons.js'
import { findPanel } from './panel.js'
import { show } from './shown-rows.js'
import { selection } from './state.js'

/** The panel that an address without a name stands for. */
const FIRST = 'operations'

export const openedPanel = signal(FIRST)
/** Whether something was selected that the open panel does not show. */
export const hasNews = signal(false)

export function openPanel(anchor: string): void {
  openedPanel.value = anchor
  if (anchor === 'history') hasNews.value = false
  write(readAddress(location.hash).link)
}

function write(link: string): void {
  const panel = openedPanel.peek()
  const hash = writeAddress({ link, ...(panel !== FIRST && { panel }) })
  if (hash !== location.hash) history.replaceState(null, '', hash === '' ? location.pathname + location.search : hash)
}

/** Opens what an address names, now and whenever it changes. Answers the run or the lesson that it names now. */
export function followAddress(): string {
  const { link, panel } = readAddress(location.hash)
  if (panel !== undefined) openedPanel.value = panel
  let present = link
  addEventListener('hashchange', () => {
    // The skip link goes to an element.
    if (document.getElementById(location.hash.slice(1)) !== null) return
    const next = readAddress(location.hash)
    if (next.panel !== undefined) openPanel(next.panel)
    if (next.link !== '' && (next.link !== present || lessonIn(next.link) !== undefined)) void openLink(next.link)
    present = next.link
  })
  return link
}

/** What is selected has its history. Bytes are shown among the drawings, too. */
effect(() => {
  const kind = selection.value?.kind
  if (kind === undefined) return
  if (kind === 'file' || kind === 'bytes') show('bytes', true)
  const panel = findPanel(openedPanel.peek())
  if (panel?.anchor === 'history') return
  if (panel?.stays === true) hasNews.value = true
  else openPanel('history')
})

/** What the address named before a lesson was opened. */
let linkBefore: string | undefined

/** The address names the lesson that is open; when it is left, what it named before. */
effect(() => {
  const { value: name } = lessonName
  const { link } = readAddress(location.hash)
  if (name !== undefined) {
    linkBefore ??= lessonIn(link) === undefined ? link : ''
    write(lessonLink(name))
  } else if (linkBefore !== undefined) {
    if (lessonIn(link) !== undefined) write(linkBefore)
    linkBefore = undefined
  }
})
