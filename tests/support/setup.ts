import { relative } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'

/**
 * One seed for every property, so that two runs of the suite do the same work. `KVARIUM_SEED` chooses another one and
 * `KVARIUM_RUNS` the number of cases of every property that does not set its own `numRuns`.
 */
const DEFAULT_SEED = 20_250_419

function integerFrom(name: string, smallest: number): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < smallest) {
    throw new TypeError(`${name} must be an integer of at least ${smallest}, not '${text}'`)
  }
  return value
}

const seed = integerFrom('KVARIUM_SEED', -(2 ** 31)) ?? DEFAULT_SEED
const numRuns = integerFrom('KVARIUM_RUNS', 1)

function replayCommand(failingSeed: number): string {
  const { testPath, currentTestName } = expect.getState()
  const runs = numRuns === undefined ? '' : ` KVARIUM_RUNS=${numRuns}`
  const file = testPath === undefined ? '' : ` ${relative(process.cwd(), testPath)}`
  const name = currentTestName?.split(' > ').at(-1)
  return `KVARIUM_SEED=${failingSeed}${runs} npx vitest run${file}${name === undefined ? '' : ` -t ${JSON.stringify(name)}`}`
}

fc.configureGlobal({
  seed,
  ...(numRuns === undefined ? {} : { numRuns }),
  reporter(details) {
    if (!details.failed) return
    const message = `${fc.defaultReportMessage(details)}\n\nReplay with: ${replayCommand(details.seed)}`
    throw new Error(message, { cause: details.errorInstance })
  },
})
