/** Damages small stores of an engine until a deadline: a share of the damages to each store in turn, until it has had all. */
import { damagesOf, SHARES } from './damages.js'
import { smallStores, type DamageSubject, type SmallStore } from './small-store.js'
import { SUBJECTS } from './subjects.js'
import { judge, type Outcome } from './verdict.js'

export type DamageCounts = Record<Outcome, number>

export interface DamageRun {
  readonly engine: string
  /** Seed of the first stores; the next ones have the next seeds. */
  readonly seed: number
  /** The deadline on the clock of `performance.now()`. */
  readonly until: number
  readonly counts: DamageCounts
  /** Called with the message of a wrong answer and the name under which `replayDamage` finds it. */
  readonly onFailure: (message: string, seed: number, name: string) => void
}

export function newDamageCounts(): DamageCounts {
  return { 'refused to open': 0, 'refused a read': 0, right: 0 }
}

export async function damageStores({ engine, seed: first, until, counts, onFailure }: DamageRun): Promise<void> {
  for (let seed = first; performance.now() < until; seed++) {
    const stores = await storesOf(engine, seed)
    for (let share = 0; share < SHARES; share++) {
      for (const { subject, store, name } of stores) {
        for (const damage of damagesOf(store, share)) {
          if (performance.now() > until) return
          try {
            counts[await judge(subject, store, damage)]++
          } catch (error) {
            onFailure(error instanceof Error ? error.message : String(error), seed, `${name}: ${damage.what}`)
          }
        }
      }
    }
  }
}

/** Judges the one damage of that name; throws if the store handles it wrongly. */
export async function replayDamage(engine: string, seed: number, wanted: string): Promise<void> {
  for (const { subject, store, name } of await storesOf(engine, seed)) {
    if (!wanted.startsWith(`${name}: `)) continue
    for (let share = 0; share < SHARES; share++) {
      for (const damage of damagesOf(store, share)) {
        if (wanted !== `${name}: ${damage.what}`) continue
        await judge(subject, store, damage)
        return
      }
    }
  }
  throw new TypeError(`no damage "${wanted}" of ${engine} with the seed ${seed}`)
}

interface NamedStore {
  readonly subject: DamageSubject
  readonly store: SmallStore
  readonly name: string
}

async function storesOf(engine: string, seed: number): Promise<readonly NamedStore[]> {
  const subjects = SUBJECTS.filter(({ factory }) => factory.name === engine)
  const stores = await Promise.all(subjects.map(subject => smallStores(subject, seed)))
  return subjects.flatMap((subject, i) => stores[i].map(store => ({ subject, store, name: `${subject.name}, ${store.state}` })))
}
