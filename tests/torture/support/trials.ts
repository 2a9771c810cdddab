/** The kinds of harm, each done to one engine with fresh seeds until its time is up. Failures are reported with the command that repeats them. */
import type { Hash32 } from '../../../src/codec/checksum.js'
import { damageStores, type DamageCounts, newDamageCounts } from '../../damage/support/damage-stores.js'
import { killStores, type KillCounts } from '../../processes/support/kill-stores.js'
import { repairCuts } from '../../repair/support/cut-sweep.js'
import { CrashSweep, newCounts, SweepFailure, type SweepCounts } from './crash-sweep.js'
import { FaultSweep, type FaultCounts } from './fault-sweep.js'
import { chdirSweep, type ChdirCounts } from './chdir-sweep.js'
import { clearSweep, type ClearCounts } from './clear-sweep.js'
import { followerSweep, type FollowCounts } from './follower-sweep.js'
import { FullDiskSweep, type FullDiskCounts } from './full-disk-sweep.js'
import type { Subject } from './subjects.js'
import { transactionSweep, type TransactionCounts } from './transaction-sweep.js'

export const KINDS = ['crash', 'fault', 'full', 'damage', 'cut', 'kill', 'chdir', 'clear', 'transaction', 'follow'] as const
export type Kind = (typeof KINDS)[number]

/** Parts of the time that each kind gets. */
export const WEIGHTS: Readonly<Record<Kind, number>> = {
  crash: 35,
  fault: 10,
  full: 5,
  damage: 14,
  cut: 10,
  kill: 13,
  chdir: 3,
  clear: 3,
  transaction: 4,
  follow: 3,
}

export const CRASH_STEPS = 60
export const FAULT_STEPS = 30
export const CHDIR_STEPS = 60
export const CLEAR_CYCLES = 1000
export const TRANSACTION_STEPS = 60
export const FOLLOW_STEPS = 300
/** The share of the pairs of operation and fault to try per workload, so that there are many workloads. */
const FAULTS_ONE_IN = 17
/** Bytes between the sizes of disks that one workload fills. */
const DISK_STRIDE = 397

/** What was tried on one engine. */
export interface Tally {
  readonly crashes: SweepCounts
  crashCpuSeconds: number
  readonly faults: FaultCounts
  readonly fullDisks: FullDiskCounts
  readonly damages: DamageCounts
  /** Files cut short and repaired. */
  cuts: number
  readonly kills: KillCounts
  readonly chdirs: ChdirCounts
  readonly clears: ClearCounts
  readonly transactions: TransactionCounts
  readonly follows: FollowCounts
  failures: number
}

export interface Trial {
  readonly subject: Subject
  readonly hash32: Hash32
  readonly seed: number
  /** The deadline on the clock of `performance.now()`. */
  readonly until: number
  /** Steps of a workload; default: as many as suit the kind. */
  readonly steps: number | undefined
  /** Crashes end after this many opened images. */
  readonly images: number
  readonly tally: Tally
  readonly fail: (message: string) => void
}

export function newTally(): Tally {
  return {
    crashes: newCounts(),
    crashCpuSeconds: 0,
    faults: { runs: 0, hits: 0 },
    fullDisks: { disks: 0, opened: 0 },
    damages: newDamageCounts(),
    cuts: 0,
    kills: { kills: 0, acknowledged: 0 },
    chdirs: { runs: 0, moves: 0 },
    clears: { clears: 0, crashes: 0 },
    transactions: { committed: 0, crashes: 0 },
    follows: { followed: 0, crashes: 0, restarts: 0 },
    failures: 0,
  }
}

export function crashSweep(options: { subject: Subject; hash32: Hash32; seed: number; steps: number }, counts: SweepCounts): CrashSweep {
  return new CrashSweep({ ...options, seededImages: 3, nestOneIn: 15, depth: 3, counts })
}

export const TRIALS: Readonly<Record<Kind, (trial: Trial) => Promise<void>>> = {
  async crash({ subject, hash32, seed: first, until, steps = CRASH_STEPS, images, tally, fail }) {
    for (let seed = first; performance.now() < until && tally.crashes.opened < images; seed++) {
      const before = process.cpuUsage()
      await reportFailure(crashSweep({ subject, hash32, seed, steps }, tally.crashes).run(until), fail)
      const { user, system } = process.cpuUsage(before)
      tally.crashCpuSeconds += (user + system) / 1e6
    }
  },

  async fault({ subject, hash32, seed: first, until, steps = FAULT_STEPS, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      const sweep = new FaultSweep({ subject, hash32, seed, steps, oneIn: FAULTS_ONE_IN, counts: tally.faults })
      await reportFailure(sweep.run(until), fail)
    }
  },

  async full({ subject, hash32, seed: first, until, steps = FAULT_STEPS, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      const sweep = new FullDiskSweep({ subject, hash32, seed, steps, sizes: { stride: DISK_STRIDE }, counts: tally.fullDisks })
      await reportFailure(sweep.run(until), fail)
    }
  },

  damage({ subject, seed, until, tally, fail }) {
    const onFailure = (message: string, at: number, name: string): void =>
      fail(`${message}\nReplay: npm run torture -- --engine ${subject.name} --seed ${at} --damage '${name}'`)
    return damageStores({ engine: subject.name, seed, until, counts: tally.damages, onFailure })
  },

  async cut({ subject, seed: first, until, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      const onFailure = (message: string): void =>
        fail(`${message}\nReplay: npm run torture -- --engine ${subject.name} --seed ${seed} --only cut`)
      for await (const problem of repairCuts(subject.name, seed, until)) {
        tally.cuts++
        if (problem !== undefined) onFailure(problem)
      }
    }
  },

  kill({ subject, seed, until, tally, fail }) {
    const onFailure = (message: string, at: number): void =>
      fail(`${message}\nSimilar moments again: npm run torture -- --engine ${subject.name} --seed ${at} --only kill`)
    return killStores({ engine: subject.name, seed, until, counts: tally.kills, onFailure })
  },

  async chdir({ subject, hash32, seed: first, until, steps = CHDIR_STEPS, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      await reportFailure(chdirSweep({ subject, hash32, seed, steps, counts: tally.chdirs }), fail)
    }
  },

  async clear({ subject, hash32, seed: first, until, steps = CLEAR_CYCLES, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      await reportFailure(clearSweep({ subject, hash32, seed, cycles: steps, counts: tally.clears }), fail)
    }
  },

  async transaction({ subject, seed: first, until, steps = TRANSACTION_STEPS, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      await reportFailure(transactionSweep({ subject, seed, steps, counts: tally.transactions }), fail)
    }
  },

  async follow({ subject, seed: first, until, steps = FOLLOW_STEPS, tally, fail }) {
    for (let seed = first; performance.now() < until; seed++) {
      await reportFailure(followerSweep({ subject, seed, steps, counts: tally.follows }), fail)
    }
  },
}

async function reportFailure(sweep: Promise<void>, fail: (message: string) => void): Promise<void> {
  try {
    await sweep
  } catch (error) {
    if (!(error instanceof SweepFailure)) throw error
    fail(error.message)
  }
}
