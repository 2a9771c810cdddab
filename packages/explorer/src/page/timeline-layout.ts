/** Where the jobs and marks of a timeline lie. */
import type { TimelineJob, TimelineMark } from '../session/protocol.js'

/** A part of the run, in positions. */
export interface Window {
  readonly from: number
  readonly to: number
}

/**
 * The window of a length around a position, which moves only when the position comes near its end: half of it lies before and behind any
 * position, but at the ends of the run.
 */
export function windowAround(position: number, last: number, length: number, first = 0): Window {
  if (length >= last - first) return { from: first, to: last }
  const step = length / 2
  const from = Math.round((position - step) / step) * step
  const within = Math.max(first, Math.min(Math.round(from), last - length))
  return { from: within, to: within + length }
}

/** The row of each job, so that jobs that run at once lie in rows of their own; all that find none lie in the last row. */
export function packJobs(jobs: readonly TimelineJob[], mostRows: number): readonly number[] {
  const ends: number[] = []
  return jobs.map(({ from, to = Infinity }) => {
    const free = ends.findIndex(end => end <= from)
    const row = free >= 0 ? free : Math.min(ends.length, mostRows - 1)
    ends[row] = Math.max(to, ends[row] ?? 0)
    return row
  })
}

/** How often each kind of mark occurs, in words. */
export function marksInWords(marks: readonly TimelineMark[]): string {
  const counts = new Map<string, number>()
  for (const { type, count } of marks) counts.set(type, (counts.get(type) ?? 0) + count)
  return counts.size === 0 ? 'nothing that is marked' : [...counts].map(([type, count]) => `${type} ${count}`).join(', ')
}
