import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import type { Invocation, OutputStream } from './invocation.js'
import { checkExercise } from './learn/check-exercise.js'
import { copyExercise } from './learn/copy-exercise.js'
import { ExercisePackage } from './learn/exercise-package.js'
import { shownPath } from './report-files.js'
import { wholeNumber } from './whole-number.js'

interface LearnFlags {
  readonly check?: boolean
  readonly seed: number
  readonly limit: number
}

const FAILED_EXIT_CODE = 1

const HELP = `
Without a name it lists the exercises. With one it makes a directory with a file to fill in, the task in README.md, and its unit checks;
nothing that is there is overwritten. With --check it checks what you wrote: unit checks first, then a real store with your part in it
beside a sorted map, then the same store step by step beside one with the reference in it.

Examples:
  kvarium learn
  kvarium learn skiplist
  kvarium learn skiplist ~/my-skiplist
  kvarium learn skiplist ~/my-skiplist --check

The exit code is 1 when a check fails, and 2 when there is nothing to check.
`

export function learnCommand(invocation: Invocation): Command {
  return new Command('learn')
    .description('Write a part of a store yourself, and check it in the real engine')
    .argument('[exercise]', 'the name of the exercise; without one, list all')
    .argument('[directory]', 'where to create it or check it (default: its name)')
    .option('--check', 'check your solution')
    .option('--seed <number>', 'seed of the random checks', wholeNumber(0), 1)
    .option('--limit <seconds>', 'time limit of one check', wholeNumber(1), 60)
    .addHelpText('after', HELP)
    .action((name: string | undefined, directory: string | undefined, flags: LearnFlags) => learn(invocation, name, directory, flags))
}

async function learn(
  { stdout, setExitCode }: Invocation,
  name: string | undefined,
  directory: string | undefined,
  { check = false, ...options }: LearnFlags,
): Promise<void> {
  if (name === undefined) {
    list(stdout, ExercisePackage.own)
    return
  }
  const isHere = check && existsSync(`${name}.ts`)
  const folder = resolve(directory ?? (isHere ? '.' : name))
  const exercises = check ? ExercisePackage.of(folder) : ExercisePackage.own
  exercises.assertExercise(name)
  if (!check) make(stdout, exercises, name, folder)
  else if (await checkExercise(stdout, exercises, name, { folder, ...options }))
    stdout.write(`\nAll checks pass: ${name} serves a real store.\n`)
  else setExitCode(FAILED_EXIT_CODE)
}

function list(stdout: OutputStream, exercises: ExercisePackage): void {
  const { names } = exercises
  const width = Math.max(...names.map(name => name.length))
  const lines = names.map(name => `  ${name.padEnd(width)}  ${exercises.title(name)}`)
  stdout.write(`${lines.join('\n')}\n\nBegin one with \`kvarium learn NAME\`.\n`)
}

function make(stdout: OutputStream, exercises: ExercisePackage, name: string, folder: string): void {
  const files = copyExercise(exercises, name, folder)
  const shown = shownPath(folder)
  const lines = [
    `${exercises.title(name)}`,
    '',
    `Made in ${shown}: ${files.join(', ')}. The task is in ${join(shown, 'README.md')}; write in ${join(shown, `${name}.ts`)}.`,
    `Check it with: cd ${shown} && npm install && npm run check`,
  ]
  if (exercises.checkout !== undefined)
    lines.push(`Or, from ${exercises.checkout} and without installing: npm run kvarium -- learn ${name} ${folder} --check`)
  stdout.write(`${lines.join('\n')}\n`)
}
