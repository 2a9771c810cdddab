import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { run } from '../../../packages/cli/src/run.js'

const ROOT = join(import.meta.dirname, '../../..')
/** The built command: it starts in a fifth of the time that the source takes. */
const MAIN = join(ROOT, 'packages/cli/dist/main.js')

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command's source in this process, with `cwd` as the working directory; starting a process takes longer than most commands. */
export async function kvarium(cwd: string, parameters: readonly string[], input: string | Uint8Array = ''): Promise<Ran> {
  const stdout = new Printed()
  const stderr = new Printed()
  let status = 0
  const before = process.cwd()
  process.chdir(cwd)
  try {
    const stdin = Readable.from([Buffer.from(input)])
    await run({ parameters, stdin, stdout, stderr, setExitCode: code => void (status = code) })
  } finally {
    process.chdir(before)
  }
  return { status, stdout: stdout.text, stderr: stderr.text }
}

class Printed extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.#chunks.push(chunk)
    written()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }
}

/** Runs the built command in a process of its own: for what only a process has, as signals, pipes, locks and its exit code. */
export function kvariumProcess(cwd: string, parameters: readonly string[], input: string | Uint8Array = ''): Ran {
  assertBuilt()
  return spawnSync(process.execPath, [MAIN, ...parameters], { cwd, encoding: 'utf8', timeout: 60_000, input })
}

/** Runs a line of shell in which `kvarium` is the built command; both outputs are one. */
export function shell(cwd: string, line: string): string {
  assertBuilt()
  const script = `kvarium() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}`
  return spawnSync('sh', ['-c', `{ ${script}\n} 2>&1`], { cwd, encoding: 'utf8', timeout: 60_000 }).stdout
}

function assertBuilt(): void {
  if (!existsSync(MAIN)) throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
}

/** Runs a module of a document, with `./` leading to `directory`. */
export function runModule(program: string, directory: string): void {
  const source = program.replaceAll(`'./`, `'${directory}/`)
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: ROOT, encoding: 'utf8', timeout: 60_000 })
  if (ran.status !== 0) throw new Error(ran.stderr)
}
