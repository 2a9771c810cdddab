/** The run outlives a reload of the page, in this tab alone. A browser that refuses keeps nothing. */
import { effect } from '@preact/signals'
import { readAddress } from './address.js'
import { lessonIn, lessonName } from './lesson-name.js'
import { isBusy, linkToAll, position, summary } from './state.js'

const NAME = 'kvarium-explorer.run'
const MS_OF_REST = 300

/** Keeps the run, once it rests. That of a lesson is not the reader's own. */
export function keepRun(): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  effect(() => {
    clearTimeout(timer)
    void position.value
    if (summary.value === undefined || isBusy.value || lessonName.value !== undefined) return
    timer = setTimeout(() => void keep(), MS_OF_REST)
  })
}

async function keep(): Promise<void> {
  // A link cannot carry every run.
  const run = await linkToAll().catch(() => undefined)
  try {
    sessionStorage.removeItem(NAME)
    if (run !== undefined) sessionStorage.setItem(NAME, `${namedByAddress()} ${run}`)
  } catch {
    // Refused, or too long.
  }
}

/** After a reload, the run that the page had, if the address names the same as then. */
export function keptRun(): string | undefined {
  const [navigation] = performance.getEntriesByType('navigation')
  if (!(navigation instanceof PerformanceNavigationTiming) || navigation.type !== 'reload') return undefined
  try {
    const [address, run] = (sessionStorage.getItem(NAME) ?? '').split(' ')
    return address === namedByAddress() ? run : undefined
  } catch {
    return undefined
  }
}

/** The link in the address; none where it names a lesson, behind which the reader's own run waits. */
function namedByAddress(): string {
  const { link } = readAddress(location.hash)
  return lessonIn(link) === undefined ? link : ''
}
