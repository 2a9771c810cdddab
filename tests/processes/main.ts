/**
 * Kills writers of every engine at random moments for as long as it is told: `npm run kills -- --minutes 10 [--seed 1]`. A store is
 * killed many times over before it is begun anew. Exit status 1 after a loss.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/vfs/index.js'
import { buildWriter, killOnce } from './child.js'
import { ENGINES } from './engines.js'

const KILLS_A_STORE = 25
const LONGEST_MS = 400

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' } } })
const deadline = performance.now() + Number(values.minutes) * 60_000
const random = new SeededRandom(Number(values.seed))
const program = await buildWriter()
const totals: Record<string, { kills: number; acknowledged: number; losses: number }> = {}

try {
  while (performance.now() < deadline) {
    for (const engine of ENGINES) await killStore(engine)
  }
} finally {
  rmSync(program, { force: true })
}
console.table(totals)
if (Object.values(totals).some(({ losses }) => losses > 0)) process.exitCode = 1

async function killStore(engine: string): Promise<void> {
  const total = (totals[engine] ??= { kills: 0, acknowledged: 0, losses: 0 })
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-kills-'))
  try {
    let before = 0
    for (let kill = 0; kill < KILLS_A_STORE && performance.now() < deadline; kill++) {
      const { acknowledged } = await killOnce(program, join(directory, 'store'), engine, random.uniform(LONGEST_MS), 1 + random.uniform(16))
      total.kills++
      total.acknowledged += Math.max(0, acknowledged - before)
      before = Math.max(before, acknowledged)
    }
  } catch (error) {
    total.losses++
    console.error(`${engine}:`, error)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
