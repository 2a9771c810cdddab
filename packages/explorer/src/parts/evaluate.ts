/**
 * A learner's file as a module. Every evaluation is a new one: no state of the file goes from one lane to another.
 *
 * It runs where this is called, which is the worker: never in the page's own thread. The page's policy allows no code from text; the worker's
 * file is answered without a policy of its own, so nothing has to be allowed for it.
 */
import { SeededRandom } from 'kvarium/vfs'
import { importEntry } from './entries.js'
import { PartError, type Place } from './part-settings.js'
import { strip } from './strip.js'

type Module = Readonly<Record<string, unknown>>

/** The name that stacks have for the file. */
const FILE = 'part-of-a-learner.ts'
/** Lines that `Function` puts before the text. */
const LINES_BEFORE = 2

/**
 * @param source - TypeScript or JavaScript.
 * @param seed - Of `Math.random` in the file, so that a run with it can be done again.
 * @returns Its exports.
 * @throws PartError for wrong syntax, a foreign import, and whatever it throws as it is loaded.
 */
export async function evaluate(source: string, seed: number): Promise<Module> {
  const code = await strip(source)
  const random = new SeededRandom(seed)
  const math: unknown = Object.create(Math, { random: { value: () => random.uint32() / 2 ** 32 } })
  const exports: Record<string, unknown> = {}
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the reader's own code, in a worker
    const run = new Function('exports', 'require', 'Math', `${code}\n//# sourceURL=${FILE}`) as (...all: readonly unknown[]) => void
    run(exports, importEntry, math)
  } catch (error) {
    if (error instanceof PartError && error.place !== undefined) throw error
    throw new PartError(error instanceof Error ? error.message : String(error), placeOf(error), { cause: error })
  }
  return exports
}

/** Where in a learner's file an error was thrown. */
export function placeOf(error: unknown): Place | undefined {
  if (error instanceof PartError && error.place !== undefined) return error.place
  if (!(error instanceof Error)) return undefined
  const [, line] = /part-of-a-learner\.ts:(\d+)/.exec(error.stack ?? '') ?? []
  return line === undefined ? placeOf(error.cause) : { line: Number(line) - LINES_BEFORE }
}
