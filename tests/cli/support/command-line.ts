import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
/** The built command: it starts in a fifth of the time that the source takes. */
const MAIN = join(ROOT, 'packages/cli/dist/main.js')

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command in `cwd`. */
export function kvarium(cwd: string, parameters: readonly string[], input: string | Uint8Array = ''): Ran {
  return spawnSync(process.execPath, [MAIN, ...parameters], { cwd, encoding: 'utf8', timeout: 60_000, input })
}

/** Runs a line of shell in which `kvarium` is the command; both outputs are one. */
export function shell(cwd: string, line: string): string {
  const script = `kvarium() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}`
  return spawnSync('sh', ['-c', `{ ${script}\n} 2>&1`], { cwd, encoding: 'utf8', timeout: 60_000 }).stdout
}

/** Runs a module of a document, with `./` leading to `directory`. */
export function runModule(program: string, directory: string): void {
  const source = program.replaceAll(`'./`, `'${directory}/`)
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: ROOT, encoding: 'utf8', timeout: 60_000 })
  if (ran.status !== 0) throw new Error(ran.stderr)
}
