/** The errors of engines in a workload. */
import type { Engine } from './engines.js'
import type { WorkloadResult } from './runner.js'

export interface FoundProblem {
  readonly engine: Engine
  readonly kind: 'read' | 'verify' | 'stream' | 'error'
  readonly message: string
}

export function findProblems({ reference, visits }: WorkloadResult): FoundProblem[] {
  const problems: FoundProblem[] = []
  const first = visits.find(visit => visit.outcome !== undefined)?.outcome
  for (const { engine, round, outcome, error } of visits) {
    const say = (kind: FoundProblem['kind'], message: string): number =>
      problems.push({ engine, kind, message: `round ${round + 1}: ${message}` })
    if (outcome === undefined || first === undefined) {
      say('error', error ?? 'it failed')
      continue
    }
    if (outcome.digest !== first.digest) say('stream', `it got other operations (digest ${outcome.digest}, not ${first.digest})`)
    if (outcome.answers !== first.answers)
      say('read', `it gave other answers than the first engine (${outcome.answers}, not ${first.answers})`)
    const { entries, digest } = outcome.contents
    if (digest !== reference.contents.digest) {
      say(
        'verify',
        `it holds ${entries} entries with digest ${digest}; it must be ${reference.contents.entries} with ${reference.contents.digest}`,
      )
    }
    for (const [index, { name, found }] of outcome.phases.entries()) {
      if (found !== reference.found[index])
        say('read', `${found} gets of phase ${name} found an entry; it must be ${reference.found[index]}`)
    }
  }
  return problems
}
