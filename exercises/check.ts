/**
 * Checks the solution in a folder: `tsx check.ts NAME FOLDER SEED`. `kvarium learn NAME --check` runs it in a separate process, since a
 * wrong solution may never end, and receives a message as each check begins, and one with the outcome.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadExercise, loadReference } from './catalog.js'
import type { Exercise, Module } from './exercise.js'
import { runChecks, type Failure, type Stage } from './run-checks.js'

export type CheckMessage =
  { readonly begins: { readonly stage: Stage; readonly check: string } } | { readonly ended: { readonly failure: Failure | undefined } }

type Units = Exercise<unknown>['units']

const [name, folder, seed] = process.argv.slice(2)

send({ ended: { failure: await check() } })
process.disconnect()

async function check(): Promise<Failure | undefined> {
  const loading = 'the file can be loaded'
  send({ begins: { stage: 'exports', check: loading } })
  let solution: Module
  try {
    solution = await load(`${name}.ts`)
  } catch (error) {
    return { stage: 'exports', check: loading, message: error instanceof Error ? error.message : String(error) }
  }
  return runChecks(await loadExercise(name), solution, await loadReference(name), {
    seed: Number(seed),
    onCheck: (stage, begun) => send({ begins: { stage, check: begun } }),
    ...(await learnerUnits()),
  })
}

/** The learner's copy of the unit checks, which may have more checks. */
async function learnerUnits(): Promise<{ readonly units?: Units }> {
  const file = `${name}.units.ts`
  if (!existsSync(join(folder, file))) return {}
  const { units } = await load(file)
  return { units: units as Units }
}

function load(file: string): Promise<Module> {
  return import(pathToFileURL(join(folder, file)).href) as Promise<Module>
}

function send(message: CheckMessage): void {
  process.send?.(message)
}
