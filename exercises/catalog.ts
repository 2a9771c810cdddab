/** The exercises: the folders beside this file that have an `exercise.ts`. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Exercise, Module } from './exercise.js'

const HERE = new URL('./', import.meta.url)

export function exerciseNames(): string[] {
  return readdirSync(HERE)
    .filter(name => existsSync(new URL(`${name}/exercise.ts`, HERE)))
    .sort()
}

export async function loadExercise(name: string): Promise<Exercise<unknown>> {
  const { exercise } = (await import(new URL(`${name}/exercise.ts`, HERE).href)) as { readonly exercise: Exercise<unknown> }
  return exercise
}

export function loadReference(name: string): Promise<Module> {
  return import(new URL(`${name}/reference.ts`, HERE).href) as Promise<Module>
}

/** The folder of an exercise. */
export function exerciseFolder(name: string): string {
  return fileURLToPath(new URL(name, HERE))
}
