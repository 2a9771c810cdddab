/**
 * Kills writers of an engine at random moments until a deadline. A store is killed many times before a new one is made. Half of
 * the writers have a relative location and change their working directory all the time.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SeededRandom } from '../../../src/vfs/index.js'
import { buildWriter, killOnce } from './child.js'

const KILLS_A_STORE = 25
const LONGEST_MS = 400

export interface KillCounts {
  kills: number
  /** Batches that were acknowledged to the killed processes. */
  acknowledged: number
}

export interface KillRun {
  readonly engine: string
  /** Seed of the first store's moments; the next ones have the next seeds. */
  readonly seed: number
  /** The deadline on the clock of `performance.now()`. */
  readonly until: number
  readonly counts: KillCounts
  /** Called with the error of a store; its files stay where the message says. */
  readonly onFailure: (message: string, seed: number) => void
}

export async function killStores({ engine, seed: first, until, counts, onFailure }: KillRun): Promise<void> {
  const program = await buildWriter()
  try {
    for (let seed = first; performance.now() < until; seed++) {
      const directory = mkdtempSync(join(tmpdir(), 'kvarium-kills-'))
      try {
        await killStore(program, join(directory, 'store'), engine, seed, until, counts)
        rmSync(directory, { recursive: true, force: true })
      } catch (error) {
        onFailure(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nThe store is in ${directory}`, seed)
      }
    }
  } finally {
    rmSync(program, { force: true })
  }
}

async function killStore(
  program: string,
  location: string,
  engine: string,
  seed: number,
  until: number,
  counts: KillCounts,
): Promise<void> {
  const random = new SeededRandom(seed)
  const elsewhere = join(dirname(location), 'elsewhere')
  mkdirSync(elsewhere)
  let before = 0
  for (let kill = 0; kill < KILLS_A_STORE && performance.now() < until; kill++) {
    const directories = random.uniform(2) === 0 ? [] : [elsewhere, dirname(location), '/']
    const { acknowledged } = await killOnce(program, location, engine, random.uniform(LONGEST_MS), 1 + random.uniform(16), { directories })
    const stray = readdirSync(elsewhere)
    if (stray.length > 0) throw new Error(`the working directory has got ${stray.join(', ')}`)
    counts.kills++
    counts.acknowledged += Math.max(0, acknowledged - before)
    before = Math.max(before, acknowledged)
  }
}
