/** Running the writer in a process of its own. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Kvarium } from '../../../src/index.js'
import { checkBatches } from './batches.js'
import { factoryOf } from './engines.js'

const FOLDER = fileURLToPath(new URL('../../../.tmp/processes/', import.meta.url))

/** Bundles the writer, so that it starts in a tenth of a second. Returns the path of the program. */
export async function buildWriter(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true })
  const outfile = `${FOLDER}writer-${process.pid}.mjs`
  const entryPoints = [fileURLToPath(new URL('./writer.ts', import.meta.url))]
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' })
  return outfile
}

export interface WriterRun {
  /** Its output, line by line, without an unfinished last line. */
  readonly said: readonly string[]
  /** The highest batch that was acknowledged; 0 for none. */
  readonly acknowledged: number
  readonly signal: NodeJS.Signals | null
}

export interface WriterOptions {
  /** What starts the program, in place of this Node. */
  readonly runtime?: readonly string[]
  /** In front of node: `strace` and the like. */
  readonly prefix?: readonly string[]
  readonly inFlight?: number
  readonly most?: number
  /** The writer is given a relative location, and then works in these directories by turns. */
  readonly directories?: readonly string[]
  /** Called with each piece of its output; may kill it. */
  readonly onOutput?: (kill: () => void, output: string) => void
}

export function runWriter(program: string, location: string, engine: string, options: WriterOptions = {}): Promise<WriterRun> {
  const { runtime = [process.execPath], prefix = [], inFlight = 1, most = Infinity, directories = [], onOutput } = options
  const name = directories.length === 0 ? location : `./${basename(location)}`
  const command = [...prefix, ...runtime, program, name, engine, String(inFlight), String(most), ...directories]
  const cwd = directories.length === 0 ? undefined : dirname(location)
  const child = spawn(command[0], command.slice(1), { cwd, stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000, killSignal: 'SIGKILL' })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    onOutput?.(() => child.kill('SIGKILL'), output)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_code, signal) => {
      const said = output.split('\n').slice(0, -1)
      const acknowledged = Math.max(0, ...said.filter(line => /^\d+$/.test(line)).map(Number))
      resolve({ said, acknowledged, signal })
    })
  })
}

/** Opens what a writer left, checks that every batch is whole, and returns how many there are. */
export async function inspectStore(location: string, engine: string): Promise<number> {
  const db = new Kvarium<string, string>(location, { engine: factoryOf(engine) })
  await db.open()
  try {
    return await checkBatches(db)
  } finally {
    await db.close()
  }
}

/** Kills a writer at a random moment after it is ready, and throws if anything that it acknowledged is not there. */
export async function killOnce(
  program: string,
  location: string,
  engine: string,
  delayMs: number,
  inFlight: number,
  options: Pick<WriterOptions, 'directories' | 'runtime'> = {},
): Promise<WriterRun> {
  let isCounting = false
  const run = await runWriter(program, location, engine, {
    ...options,
    inFlight,
    onOutput(kill, output) {
      if (isCounting || !output.includes('ready')) return
      isCounting = true
      setTimeout(kill, delayMs)
    },
  })
  const found = await inspectStore(location, engine)
  if (found < run.acknowledged || (run.acknowledged > 0 && found > run.acknowledged + inFlight)) {
    throw new Error(`${found} batches are there, ${run.acknowledged} were acknowledged, ${inFlight} in flight`)
  }
  return run
}
