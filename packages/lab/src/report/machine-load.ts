/** What other programs used of the machine during a run: a busy machine changes times, and the ratios of times. */
import { significant } from './numbers.js'
import type { MachineReport, RunReport } from './run-report.js'

/** Above this many cores, kept busy by other programs on average, times are not reliable. */
const BUSY_CORES = 0.2

export function isBusy(otherLoadCores: number | undefined): boolean {
  return otherLoadCores !== undefined && otherLoadCores > BUSY_CORES
}

/** A warning for the head of a report; `undefined` if the machine was quiet, or its load is not known. */
export function busyBanner({ otherLoadCores, cores }: Pick<MachineReport, 'otherLoadCores' | 'cores'>): string | undefined {
  if (otherLoadCores === undefined || !isBusy(otherLoadCores)) return undefined
  return (
    `The machine was busy: other programs kept ${significant(otherLoadCores)} of ${cores} ${cores === 1 ? 'core' : 'cores'} at work ` +
    'during this run. Times, and their ratios, are not reliable. Bytes hardly change.'
  )
}

/** For several runs: the banner of the busiest one. */
export function busiestBanner(reports: readonly RunReport[]): string | undefined {
  const [busiest] = [...reports].sort((a, b) => (b.machine.otherLoadCores ?? 0) - (a.machine.otherLoadCores ?? 0))
  return busyBanner(busiest.machine)
}
