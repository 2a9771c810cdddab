/**
 * Everything that must not harm a store, until a deadline, on each engine in turn: crashes at every file operation, failing
 * file operations, full disks, damaged files, files cut short and repaired, killed processes, changes of the working
 * directory, clears by the thousand, transactions, followers of changes.
 *
 *     npm run torture -- --minutes 10 [--engine lsm,btree] [--seed N] [--only crash,fault,full,damage,cut,kill,chdir,clear,transaction,follow] [--steps 60] [--images N]
 *
 * It ends with a table of what was tried. After a failure it continues, and exits with 1; each is reported with the command that repeats it.
 */
import { parseArgs } from 'node:util'
import { loadHash32 } from '../../../src/codec/checksum.js'
import { replayDamage } from '../../damage/support/damage-stores.js'
import { newCounts, parsePath } from './crash-sweep.js'
import { FaultSweep } from './fault-sweep.js'
import { FullDiskSweep } from './full-disk-sweep.js'
import { SUBJECTS, type Subject } from './subjects.js'
import { CRASH_STEPS, crashSweep, FAULT_STEPS, KINDS, newTally, TRIALS, WEIGHTS, type Kind, type Tally } from './trials.js'

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    engine: { type: 'string', default: [...SUBJECTS.keys()].join(',') },
    seed: { type: 'string' },
    only: { type: 'string', default: KINDS.join(',') },
    steps: { type: 'string' },
    /** Ends the crashes of an engine after this many opened images. */
    images: { type: 'string' },
    crash: { type: 'string' },
    fault: { type: 'string' },
    full: { type: 'string' },
    damage: { type: 'string' },
  },
})

const STUCK_SECONDS = 60
const MAX_SHOWN = 10

const minutes = numberOf('minutes') ?? 1
const steps = numberOf('steps')
const subjects = given.engine.split(',').map(subjectOf)
const kinds = given.only.split(',').map(kindOf)
const firstSeed = numberOf('seed') ?? Math.floor(Math.random() * 2 ** 31)
const hash32 = await loadHash32()

if ([given.crash, given.fault, given.full, given.damage].some(replay => replay !== undefined)) await replay()
else process.exitCode = (await torture()) ? 0 : 1

function numberOf(name: 'minutes' | 'seed' | 'steps' | 'images'): number | undefined {
  const text = given[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (text === '' || !(number >= 0)) throw new TypeError(`--${name} must be a number, not "${text}"`)
  return number
}

function subjectOf(name: string): Subject {
  const subject = SUBJECTS.get(name)
  if (subject === undefined) throw new TypeError(`there is no engine "${name}" here: choose from ${[...SUBJECTS.keys()].join(', ')}`)
  return subject
}

function kindOf(name: string): Kind {
  const kind = KINDS.find(each => each === name)
  if (kind === undefined) throw new TypeError(`there is no kind "${name}": choose from ${KINDS.join(', ')}`)
  return kind
}

async function replay(): Promise<void> {
  const { crash, fault, full, damage } = given
  for (const subject of subjects) {
    const options = { subject, hash32, seed: firstSeed }
    if (crash !== undefined) await crashSweep({ ...options, steps: steps ?? CRASH_STEPS }, newCounts()).replay(parsePath(crash))
    if (fault !== undefined) {
      const counts = { runs: 0, hits: 0 }
      await new FaultSweep({ ...options, steps: steps ?? FAULT_STEPS, oneIn: 1, counts }).replay(fault)
    }
    if (full !== undefined) {
      const counts = { disks: 0, opened: 0 }
      await new FullDiskSweep({ ...options, steps: steps ?? FAULT_STEPS, sizes: { stride: 1 }, counts }).replay(Number(full))
    }
    if (damage !== undefined) await replayDamage(subject.name, firstSeed, damage)
    console.log(`${subject.name}: survived`)
  }
}

/** True when nothing was found. */
async function torture(): Promise<boolean> {
  const tallies = new Map(subjects.map(({ name }): [string, Tally] => [name, newTally()]))
  const images = numberOf('images') ?? Infinity
  const end = performance.now() + minutes * 60_000
  let weight = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0) * subjects.length
  let doing = ''
  // Keeps a hung run from ending the process as if all were well.
  let seen = ''
  const watch = setInterval(() => {
    const now = JSON.stringify([...tallies.values()])
    if (now === seen) {
      console.error(`Stuck for ${STUCK_SECONDS} s: ${doing}`)
      process.exit(1)
    }
    seen = now
  }, STUCK_SECONDS * 1000)
  console.log(`From seed ${firstSeed}, for ${minutes} minutes:`)
  for (const kind of kinds) {
    for (const subject of subjects) {
      doing = `--only ${kind} --engine ${subject.name}`
      const now = performance.now()
      const until = now + (Math.max(0, end - now) * WEIGHTS[kind]) / weight
      weight -= WEIGHTS[kind]
      const tally = tallies.get(subject.name)!
      const fail = (message: string): void => {
        if (tally.failures++ < MAX_SHOWN) console.error(`\nFAILED, ${subject.name}: ${message}\n`)
      }
      await TRIALS[kind]({ subject, hash32, seed: firstSeed, until, steps, images, tally, fail })
      console.log(`${subject.name}: ${report(kind, tally)}`)
    }
  }
  clearInterval(watch)
  console.table(Object.fromEntries([...tallies].map(([name, tally]) => [name, row(tally)])))
  const failures = [...tallies.values()].reduce((sum, tally) => sum + tally.failures, 0)
  console.log(failures === 0 ? 'Nothing acknowledged was lost, nothing wrong was returned.' : `${failures} FAILURES, see above.`)
  return failures === 0
}

function report(
  kind: Kind,
  { crashes, crashCpuSeconds, faults, fullDisks, damages, cuts, kills, chdirs, clears, transactions, follows }: Tally,
): string {
  const seconds = Math.max(crashCpuSeconds, 1e-3)
  switch (kind) {
    case 'crash':
      return (
        `crashes at ${grouped(crashes.points)} points, ${grouped(crashes.images)} images (${grouped(crashes.images / seconds)} per second of CPU), ` +
        `${grouped(crashes.opened)} different ones opened (after 1, 2, ... crashes: ${crashes.byDepth.slice(1).map(grouped).join(' + ')})`
      )
    case 'fault':
      return `${grouped(faults.runs)} runs with faults, ${grouped(faults.hits)} operations failed`
    case 'full':
      return `${grouped(fullDisks.disks)} disks filled, ${grouped(fullDisks.opened)} stores opened on full ones`
    case 'damage':
      return (
        `${grouped(damageCount(damages))} damages: ${grouped(damages['refused to open'])} refused at the open, ` +
        `${grouped(damages['refused a read'])} at a read, ${grouped(damages.right)} without effect`
      )
    case 'cut':
      return `${grouped(cuts)} files cut short and repaired`
    case 'kill':
      return `${grouped(kills.kills)} kills, ${grouped(kills.acknowledged)} batches acknowledged before them`
    case 'chdir':
      return `${grouped(chdirs.runs)} runs of two stores of one relative name, ${grouped(chdirs.moves)} changes of the working directory`
    case 'clear':
      return `${grouped(clears.clears)} clears of a store that is filled again, ${grouped(clears.crashes)} crashes among them`
    case 'transaction':
      return `${grouped(transactions.committed)} transactions and conditional batches, ${grouped(transactions.crashes)} crashes among them`
    case 'follow':
      return (
        `${grouped(follows.followed)} changes followed through ${grouped(follows.crashes)} crashes of either store, ` +
        `${grouped(follows.restarts)} followers started over`
      )
  }
}

function row({
  crashes,
  faults,
  fullDisks,
  damages,
  cuts,
  kills,
  chdirs,
  clears,
  transactions,
  follows,
  failures,
}: Tally): Record<string, number> {
  return {
    'crash points': crashes.points,
    'crash images': crashes.images,
    'different, opened': crashes.opened,
    'fault runs': faults.runs,
    'operations failed': faults.hits,
    'full disks': fullDisks.disks,
    damages: damageCount(damages),
    cuts,
    kills: kills.kills,
    'changes of directory': chdirs.moves,
    clears: clears.clears,
    transactions: transactions.committed,
    'changes followed': follows.followed,
    failures,
  }
}

function damageCount(damages: Tally['damages']): number {
  return damages['refused to open'] + damages['refused a read'] + damages.right
}

function grouped(count: number): string {
  return Math.round(count).toLocaleString('en')
}
