/** The report that the page shows. */
import { signal } from '@preact/signals'
import type { RunReport } from 'kvarium-lab/report'

export interface OpenedReport {
  /** Name of its file. */
  readonly name: string
  readonly report: RunReport
}

export const openedReport = signal<OpenedReport | undefined>(undefined)
