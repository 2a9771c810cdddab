/**
 * Crashes and faults for as long as you like, each workload with a fresh seed:
 *
 *     npm run torture -- --minutes 10 [--engine lsm,btree] [--seed N] [--steps 60] [--images N] [--only crash|fault]
 *
 * It prints what was tried, ends at the first failure with the command that repeats exactly that, and exits with 1 then.
 */
import { parseArgs } from 'node:util'
import { loadHash32 } from '../../src/codec/checksum.js'
import { CrashSweep, newCounts, parsePath, SweepFailure, type SweepCounts } from './crash-sweep.js'
import { FaultSweep, type FaultCounts } from './fault-sweep.js'
import { SUBJECTS, type Subject } from './subjects.js'

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    engine: { type: 'string', default: [...SUBJECTS.keys()].join(',') },
    seed: { type: 'string' },
    steps: { type: 'string' },
    /** Stop when so many images were opened for every engine. */
    images: { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
    crash: { type: 'string' },
    fault: { type: 'string' },
  },
})

const CRASH_STEPS = 60
const FAULT_STEPS = 30
const SECONDS_BETWEEN_LINES = 15
const STUCK_SECONDS = 60

interface Tally {
  readonly crashes: SweepCounts
  readonly faults: FaultCounts
  workloads: number
  crashCpuSeconds: number
}

function subjectOf(name: string): Subject {
  const subject = SUBJECTS.get(name)
  if (subject === undefined) throw new TypeError(`there is no engine "${name}" here: choose from ${[...SUBJECTS.keys()].join(', ')}`)
  return subject
}

const hash32 = await loadHash32()
const subjects = given.engine.split(',').map(subjectOf)
const firstSeed = given.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given.seed)

if (given.crash !== undefined || given.fault !== undefined) await replay()
else process.exitCode = (await torture()) ? 0 : 1

async function replay(): Promise<void> {
  for (const subject of subjects) {
    const steps = Number(given.steps ?? (given.crash === undefined ? FAULT_STEPS : CRASH_STEPS))
    const options = { subject, hash32, seed: firstSeed, steps }
    if (given.crash !== undefined) await crashSweep(options, newCounts()).replay(parsePath(given.crash))
    if (given.fault !== undefined) await new FaultSweep({ ...options, oneIn: 1, counts: { runs: 0, hits: 0 } }).replay(given.fault)
    console.log(`${subject.name}: survived`)
  }
}

/** True when nothing was found. */
async function torture(): Promise<boolean> {
  const started = performance.now()
  const until = started + Number(given.minutes) * 60_000
  const images = Number(given.images)
  const tallies = new Map(subjects.map(({ name }): [string, Tally] => [name, newTally()]))
  const isDone = (): boolean => performance.now() > until || [...tallies.values()].every(({ crashes }) => crashes.opened >= images)
  let progress = ''
  let said = started
  // Keeps a hung run from ending the process as if all were well.
  let seen = ''
  const watch = setInterval(() => {
    const now = JSON.stringify([...tallies.values()])
    if (now === seen) {
      console.error(`Stuck for ${STUCK_SECONDS} s: ${progress}`)
      process.exit(1)
    }
    seen = now
  }, STUCK_SECONDS * 1000)
  try {
    for (let seed = firstSeed; !isDone(); seed++) {
      for (const subject of subjects) {
        const tally = tallies.get(subject.name)!
        progress = `--engine ${subject.name} --seed ${seed}`
        if (given.only !== 'fault') {
          const before = process.cpuUsage()
          await crashSweep({ subject, hash32, seed, steps: Number(given.steps ?? CRASH_STEPS) }, tally.crashes).run()
          const { user, system } = process.cpuUsage(before)
          tally.crashCpuSeconds += (user + system) / 1e6
        }
        if (given.only !== 'crash') {
          const steps = Number(given.steps ?? FAULT_STEPS)
          await new FaultSweep({ subject, hash32, seed, steps, oneIn: given.only === 'fault' ? 1 : 40, counts: tally.faults }).run(until)
        }
        tally.workloads++
        if (performance.now() - said < SECONDS_BETWEEN_LINES * 1000) continue
        said = performance.now()
        print(tallies, seed)
      }
    }
    print(tallies)
    return true
  } catch (error) {
    print(tallies)
    if (!(error instanceof SweepFailure)) throw error
    console.error(`\nFAILED: ${error.message}`)
    return false
  } finally {
    clearInterval(watch)
  }
}

function crashSweep(options: { subject: Subject; hash32: typeof hash32; seed: number; steps: number }, counts: SweepCounts): CrashSweep {
  return new CrashSweep({ ...options, seededImages: 3, nestOneIn: 15, depth: 3, counts })
}

function newTally(): Tally {
  return { crashes: newCounts(), faults: { runs: 0, hits: 0 }, workloads: 0, crashCpuSeconds: 0 }
}

function print(tallies: ReadonlyMap<string, Tally>, seed?: number): void {
  for (const [name, { crashes, faults, workloads, crashCpuSeconds }] of tallies) {
    const { points, images, opened, byDepth } = crashes
    const depths = byDepth.slice(1).map(count => count.toLocaleString('en'))
    const rateOf = (count: number): string => Math.round(count / Math.max(crashCpuSeconds, 1e-3)).toLocaleString('en')
    console.log(
      `${name}: ${workloads} workloads; ${points.toLocaleString('en')} crash points, ${images.toLocaleString('en')} images (${rateOf(images)} per second of CPU), ` +
        `${opened.toLocaleString('en')} different ones opened (${rateOf(opened)} per second; after 1, 2, ... crashes: ${depths.join(', ')}); ` +
        `${faults.runs.toLocaleString('en')} runs with faults, ${faults.hits.toLocaleString('en')} operations failed` +
        (seed === undefined ? '' : `; seed ${seed}`),
    )
  }
}
