import { MisuseError } from 'kvarium'
import { joinPath } from 'kvarium/vfs'
import { EngineRun } from './engine-run.js'
import { KeyOrder } from './oracle.js'
import type { Phase } from './operation.js'
import type { Comparison, EngineConfiguration, EngineResult, Progress } from './results.js'

export interface CompareOptions {
  readonly engines: readonly EngineConfiguration[]
  readonly phases: readonly Phase[]
  /** Run on every engine before the measurement, so that the first one does not pay for compiling the code. */
  readonly warmUp?: readonly Phase[]
  /** Times that everything is run, for the spread of times; default 1. All engines take their turn in a round, each time another one first. */
  readonly rounds?: number
  /** Each engine gets its own directory in it, which must not hold a store yet. The caller removes them. */
  readonly directory: string
  /** Called at the beginning and the end of a phase, and about 50 times a second in between. */
  readonly onProgress?: (progress: Progress) => void
  /** Called when an engine is done with the first round. */
  readonly onResult?: (result: EngineResult) => void
}

/**
 * Runs the same operations, in the same order, on each engine, one engine after the other. Every answer is compared
 * with an oracle. At the end of the first round every entry is verified, and the engine checks its own invariants; at the end of each, the
 * ledger is compared with the counts of the file system. Errors are among the problems of the results. `rounds` of a result has the
 * measurements of every round, everything else is that of the first; further rounds start with empty stores, which are removed.
 *
 * @throws MisuseError when an engine or an option is unknown.
 */
export async function compare({
  engines,
  phases,
  warmUp = [],
  rounds = 1,
  directory,
  onProgress,
  onResult,
}: CompareOptions): Promise<Comparison> {
  const names = engines.map(engine => engine.name)
  for (const name of names) {
    if (!/^[\w.-]+$/.test(name)) {
      throw new MisuseError('LEVEL_INVALID_OPTION', `An engine of a comparison cannot be called "${name}": it names a directory`)
    }
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new MisuseError('LEVEL_INVALID_OPTION', `Two engines of the comparison are called "${name}"`)
    }
  }
  const order = new KeyOrder()
  const prepare = (suffix: string, phaseCount: number, isWarmUp: boolean, round = 1): EngineRun[] =>
    engines.map(
      (engine, engineIndex) =>
        new EngineRun(
          engine,
          joinPath(directory, engine.name + suffix),
          ({ name, total }, phaseIndex, done) =>
            onProgress?.({
              engine: engine.name,
              engineIndex,
              engineCount: engines.length,
              phase: name,
              phaseIndex,
              phaseCount,
              isWarmUp,
              round,
              roundCount: rounds,
              done,
              total,
            }),
          order,
        ),
    )
  // All runs are prepared before the first one starts, so that a wrong option is an error at once.
  const runs = prepare('', phases.length + 1, false)
  const warmUps = warmUp.length === 0 ? [] : prepare('.warm-up', warmUp.length + 1, true)
  const warmUpResults: EngineResult[] = []
  for (const run of warmUps) {
    warmUpResults.push(await run.run(warmUp))
    await run.destroy()
  }
  const results: EngineResult[] = []
  for (const [index, run] of runs.entries()) {
    const result = withProblemsOf(warmUpResults[index], withSameStream(await run.run(phases), results[0]))
    results.push(result)
    onResult?.(result)
  }
  for (let round = 2; round <= rounds; round++) {
    const again = prepare(`.round-${round}`, phases.length, false, round)
    for (const index of turnsOf(engines.length, round)) {
      const run = again[index]
      results[index] = withRound(results[index], await run.run(phases, false), round)
      await run.destroy()
    }
  }
  return { engines: results, ok: results.every(({ problemCount }) => problemCount === 0) }
}

/** The order of the engines in a round: the one that was first in the round before is last. */
function turnsOf(engines: number, round: number): number[] {
  return Array.from({ length: engines }, (_, index) => (index + round - 1) % engines)
}

/** Adds the measurements and the problems of a later round. */
function withRound(result: EngineResult, { rounds: [own], problems, problemCount }: EngineResult, round: number): EngineResult {
  const rounds = [...result.rounds, own]
  if (problemCount === 0) return { ...result, rounds }
  const later = problems.map(({ kind, message }) => ({ kind, message: `in round ${round}: ${message}` }))
  return { ...result, rounds, problems: [...result.problems, ...later], problemCount: result.problemCount + problemCount }
}

/** Adds the problems of the warm-up to the result. */
function withProblemsOf(warmUp: EngineResult | undefined, result: EngineResult): EngineResult {
  if (warmUp === undefined || warmUp.problemCount === 0) return result
  const problems = warmUp.problems.map(({ kind, message }) => ({ kind, message: `in the warm-up: ${message}` }))
  return { ...result, problems: [...problems, ...result.problems], problemCount: warmUp.problemCount + result.problemCount }
}

/** What is known of the entries that an engine was left with. */
interface Stream {
  readonly name: string
  readonly verification: { readonly digest: string }
}

/** Engines that agree with their oracles agree with each other, provided that the oracles saw the same operations. */
export function withSameStream(result: EngineResult, first: Stream | undefined): EngineResult {
  if (first === undefined || result.verification.digest === '' || first.verification.digest === '') return result
  if (result.verification.digest === first.verification.digest) return result
  const message =
    `the operations left other entries than for ${first.name} (digest ${result.verification.digest}, not ` +
    `${first.verification.digest}): a phase must yield the same operations for every engine`
  return { ...result, problems: [...result.problems, { kind: 'stream', message }], problemCount: result.problemCount + 1 }
}
