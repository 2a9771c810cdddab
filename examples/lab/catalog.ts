/** The examples: the files `NN-name.ts` beside this folder, or their built files. */
import { readdirSync } from 'node:fs'
import type { Example } from './lab.js'

export interface Entry {
  readonly number: number
  readonly name: string
  load(): Promise<Example>
}

const FOLDER = new URL('../', import.meta.url)

export function catalog(): Entry[] {
  return readdirSync(FOLDER)
    .map(file => /^(\d\d)-([a-z0-9-]+)\.[jt]s$/.exec(file))
    .filter(match => match !== null)
    .map(([file, number, name]) => ({ number: Number(number), name, load: () => import(new URL(file, FOLDER).href) as Promise<Example> }))
    .sort((a, b) => a.number - b.number)
}
