/** What a call is in a phase whose calls have many entries: its percentiles are not those of single entries. */
import { count } from './numbers.js'
import type { PhaseReport, RunReport, WorkPhase } from './run-report.js'

/** `batches of 1,000`, `scans of 122 entries`; `undefined` where a call has one entry, or a phase has one call. */
export function manyPerCall(
  { operations, entries }: Pick<PhaseReport, 'operations' | 'entries'>,
  kind: WorkPhase['kind'],
): string | undefined {
  const each = Math.round(entries / operations)
  if (operations < 2 || each < 2) return undefined
  return kind === 'write' ? `batches of ${count(each)}` : kind === 'read' ? `scans of ${count(each)} entries` : undefined
}

/** The name of a phase, with what its calls are if they have many entries: `load, batches of 1,000`. */
export function nameWithCalls({ work, engines }: RunReport, name: string): string {
  const kind = work.phases.find(phase => phase.name === name)?.kind
  const [phase] = engines.flatMap(engine => engine.phases.filter(one => one.name === name))
  const calls = kind === undefined || phase === undefined ? undefined : manyPerCall(phase, kind)
  return calls === undefined ? name : `${name}, ${calls}`
}
