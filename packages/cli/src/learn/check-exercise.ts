/**
 * Runs the checks of an exercise in a separate process and shows their progress. A check that exceeds the time limit is stopped and
 * named: the solution probably has an endless loop.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TextStyle } from 'kvarium-lab/report'
import type { OutputStream } from '../invocation.js'
import { styleFor } from '../report/style.js'
import { UsageError } from '../usage-error.js'
import type { ExercisePackage } from './exercise-package.js'

export interface CheckOptions {
  readonly folder: string
  readonly seed: number
  /** Time limit per check, in seconds. */
  readonly limit: number
}

/** A line of the process; see exercises/check.ts. */
type CheckMessage = { readonly begins: Check } | { readonly ended: { readonly failure?: Check & { readonly message: string } } }

interface Check {
  readonly stage: keyof typeof STAGES
  readonly check: string
}

const STAGES = {
  exports: 'The exports of the file',
  units: 'Unit checks',
  model: 'A real store with your part in it, beside a sorted map',
  divergence: 'The same store, beside one with the reference in it',
}

/** Resolves to whether all checks passed. Writes its progress to `stdout`; what the solution itself prints goes to the process's outputs. */
export async function checkExercise(
  stdout: OutputStream,
  exercises: ExercisePackage,
  name: string,
  { folder, seed, limit }: CheckOptions,
): Promise<boolean> {
  if (!existsSync(join(folder, `${name}.ts`))) {
    throw new UsageError(`${folder} has no ${name}.ts: \`kvarium learn ${name} DIRECTORY\` makes it.`)
  }
  const { checkout } = exercises
  const program = join(exercises.folder, 'check.ts')
  const child = spawn(process.execPath, ['--import', exercises.tsx(folder), program, name, folder, String(seed)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // In a checkout `kvarium` is its source, regardless of where the learner's file is.
    env: { ...process.env, ...(checkout !== undefined && { TSX_TSCONFIG_PATH: join(checkout, 'tsconfig.json') }) },
  })
  const progress = new Progress(stdout)
  let timer: NodeJS.Timeout | undefined
  return new Promise((resolve, reject) => {
    const end = (passed: boolean): void => {
      clearTimeout(timer)
      resolve(passed)
    }
    child.on('message', (message: CheckMessage) => {
      clearTimeout(timer)
      if ('ended' in message) {
        const { failure } = message.ended
        progress.ended(failure?.message)
        end(failure === undefined)
        return
      }
      progress.begins(message.begins)
      timer = setTimeout(() => {
        progress.ended(`This did not come to an end in ${limit} s. Is there an endless loop?`)
        child.kill('SIGKILL')
        end(false)
      }, limit * 1000)
    })
    child.on('error', reject)
    child.on('exit', code => {
      if (!progress.isEnded) progress.ended(`The process ended in the middle of this, with exit code ${code}.`)
      end(false)
    })
  })
}

/** Prints the result of each check once the next one begins. */
class Progress {
  readonly #stdout: OutputStream
  readonly #style: TextStyle
  #current: Check | undefined
  isEnded = false

  constructor(stdout: OutputStream) {
    this.#stdout = stdout
    this.#style = styleFor(stdout)
  }

  begins(check: Check): void {
    if (this.#current !== undefined) this.#stdout.write(`  ${this.#style.good('✓')} ${this.#current.check}\n`)
    if (this.#current?.stage !== check.stage) this.#stdout.write(`${this.#style.bold(STAGES[check.stage])}\n`)
    this.#current = check
  }

  ended(problem: string | undefined): void {
    this.isEnded = true
    const { check } = this.#current ?? { check: 'the checks begin' }
    this.#stdout.write(`  ${problem === undefined ? this.#style.good('✓') : this.#style.bad('✗')} ${check}\n`)
    if (problem !== undefined) this.#stdout.write(`\n${problem.replace(/^/gm, '    ')}\n`)
  }
}
