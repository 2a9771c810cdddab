/**
 * What the thread of the page takes of a processor, by Chromium's own trace: `npm run bench:explorer -- --cpu`. Time on the clock grows with
 * everything else that a machine does; this hardly does.
 */
import type { CDPSession, Page } from 'playwright-core'
import { short } from '../table.js'

/** An event of a trace; times in microseconds. */
interface TraceRecord {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** CPU time. */
  readonly tdur?: number
  readonly args: { readonly data?: { readonly url?: string } }
}

const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel', 'v8.execute']

/** CPU time of the tasks of the page's thread while something is done, in milliseconds each. */
export async function tasksOf(page: Page, act: () => Promise<void>): Promise<readonly number[]> {
  const cdp = await page.context().newCDPSession(page)
  const records: TraceRecord[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => records.push(...(value as unknown as TraceRecord[])))
  await cdp.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: CATEGORIES } })
  await act()
  await ended(cdp)
  await cdp.detach()
  const { origin } = new URL(page.url())
  const isOfPage = ({ name, args }: TraceRecord): boolean => name === 'FunctionCall' && args.data?.url?.startsWith(origin) === true
  const threads = records.filter(isOfPage).map(threadOf)
  const own = mostFrequent(threads)
  return records.filter(record => record.name === 'RunTask' && threadOf(record) === own).map(({ tdur = 0 }) => tdur / 1000)
}

/** A row of a table: what an act takes, and its longest task. */
export function cpuRow(name: string, acts: number, tasks: readonly number[]): string[] {
  return [name, short(tasks.reduce((sum, task) => sum + task, 0) / acts), short(Math.max(...tasks))]
}

async function ended(cdp: CDPSession): Promise<void> {
  const complete = new Promise(resolve => cdp.once('Tracing.tracingComplete', resolve))
  await cdp.send('Tracing.end')
  await complete
}

function threadOf({ pid, tid }: TraceRecord): string {
  return `${pid} ${tid}`
}

function mostFrequent(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
