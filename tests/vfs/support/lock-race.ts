/**
 * Races processes for the directory lock, round after round, each round ending in a release or in the winner's death.
 * Run alone for a long race: `npx tsx tests/vfs/support/lock-race.ts --rounds 1000 [--contenders 8] [--kill-every 5] [--storm-ms 2000]`
 */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { bundledProgram } from '../../support/bundled-program.js'

let bundle: string | undefined
function worker(): string {
  return (bundle ??= bundledProgram(join(import.meta.dirname, 'lock-race-worker.ts')))
}

/** A process that answers each command with one line. */
export class Contender {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #exited: Promise<unknown>
  readonly #waiting: ((answer: string) => void)[] = []

  /** @param runtime - What starts the process: by default this Node. */
  constructor([command, ...parameters]: readonly string[] = [process.execPath]) {
    this.#child = spawn(command, [...parameters, worker()], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#exited = once(this.#child, 'exit')
    createInterface({ input: this.#child.stdout }).on('line', line => this.#waiting.shift()?.(line))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  ask(command: string): Promise<string> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#child.stdin.write(command + '\n')
    })
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.#exited
  }
}

export interface RaceOptions {
  readonly directory: string
  readonly rounds: number
  readonly contenders: number
  /** Every n-th round the winner is killed instead of releasing; 0 for never. */
  readonly killEvery: number
  /** What starts the contenders, by turns. Default: this Node. */
  readonly runtimes?: readonly (readonly string[])[]
}

/** Throws at the first round that has not exactly one winner. The winner holds until all others have reported. */
export async function race(options: RaceOptions): Promise<void> {
  const { runtimes = [[process.execPath]] } = options
  const contender = (i: number): Contender => new Contender(runtimes[i % runtimes.length])
  const contenders = Array.from({ length: options.contenders }, (_, i) => contender(i))
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const answers = await Promise.all(contenders.map(contender => contender.ask(`open ${options.directory}`)))
      const winner = answers.indexOf('won')
      const turnedAway = answers.filter(answer => answer === 'locked').length
      if (winner < 0 || turnedAway !== contenders.length - 1) throw new Error(`round ${round}: ${answers.join(', ')}`)
      if (options.killEvery > 0 && round % options.killEvery === 0) {
        await contenders[winner].kill()
        contenders[winner] = contender(winner)
      } else {
        await contenders[winner].ask('release')
      }
    }
  } finally {
    await Promise.all(contenders.map(contender => contender.kill()))
  }
}

/** All processes take and release the lock as fast as possible for `ms`; returns how often each had it. Throws if two had it at once. */
export async function storm(directory: string, contenderCount: number, ms: number): Promise<number[]> {
  const contenders = Array.from({ length: contenderCount }, () => new Contender())
  try {
    await Promise.all(contenders.map(contender => contender.ask('release')))
    const answers = await Promise.all(contenders.map(contender => contender.ask(`storm ${directory} ${ms}`)))
    return answers.map(answer => {
      if (!answer.startsWith('taken ')) throw new Error(answer)
      return Number(answer.slice(6))
    })
  } finally {
    await Promise.all(contenders.map(contender => contender.kill()))
  }
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-race-'))
  const options = { directory, rounds: option('rounds', 100), contenders: option('contenders', 8), killEvery: option('kill-every', 5) }
  const start = performance.now()
  try {
    await race(options)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${options.rounds} rounds of ${options.contenders} contenders, one winner each, in ${seconds} s`)
    const taken = await storm(directory, options.contenders, option('storm-ms', 2000))
    console.log(`then all at once: taken ${taken.join(' + ')} times, never by two`)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function option(name: string, otherwise: number): number {
  const index = process.argv.indexOf(`--${name}`)
  if (index < 0) return otherwise
  const value = Number(process.argv[index + 1])
  if (!Number.isInteger(value) || value < 0) throw new TypeError(`--${name} needs a whole number`)
  return value
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main()
