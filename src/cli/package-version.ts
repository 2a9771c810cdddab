import { readFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
}

/** The version of the package that the command belongs to. */
export const VERSION = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest).version
