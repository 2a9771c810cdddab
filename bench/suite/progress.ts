import { SingleBar } from 'cli-progress'
import type { Options } from './options.js'
import type { Visit, VisitResult } from './runner.js'

const STEPS = 1000

/** Shows the progress of the suite: a bar on a terminal, elsewhere a line per engine and workload. */
export interface ProgressView {
  /** Only on a terminal, because progress lines cost the child process time. */
  readonly onProgress?: (visit: Visit, phase: string, share: number) => void
  readonly onVisit: (result: VisitResult) => void
  readonly end: () => void
}

export function progressView(stream: NodeJS.WriteStream, { workloads, engines, rounds }: Options): ProgressView {
  const total = workloads.length * engines.length * rounds
  let done = 0
  if (!stream.isTTY) {
    return {
      onVisit: result => stream.write(`${++done}/${total} ${lineOf(result)}\n`),
      end: () => undefined,
    }
  }
  const bar = new SingleBar({
    stream,
    format: '  {bar} {percentage} %  {detail}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(total * STEPS, 0, { detail: '' })
  return {
    onProgress: ({ workload, engine, round }, phase, share) =>
      bar.update(Math.round((done + Math.min(1, share)) * STEPS), {
        detail: `${workload.name} on ${engine.name}, round ${round + 1}: ${phase}`,
      }),
    onVisit: result => bar.update(++done * STEPS, { detail: lineOf(result) }),
    end: () => bar.stop(),
  }
}

function lineOf({ workload, engine, round, outcome, error, othersCores }: VisitResult): string {
  const about = `round ${round + 1}, ${workload.name}, ${engine.name}`
  if (outcome === undefined) return `${about}: FAILED: ${error}`
  const run = outcome.phases[runIndex(outcome.phases)]
  const rate = run.ms === 0 ? 0 : (run.entries * 1000) / run.ms
  return `${about}: ${Math.round(rate)} entries/s (others kept ${othersCores.toFixed(1)} cores busy)`
}

/** The main phase of a workload: the last one that does more than wait. */
export function runIndex(phases: readonly { readonly entries: number }[]): number {
  return phases.findLastIndex(({ entries }) => entries > 0)
}
