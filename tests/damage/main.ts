/**
 * Damages small stores of every engine for as long as it is told, each round with stores of another seed: all eight bits of every
 * byte, every length, every file. `npm run damage -- --minutes 10 [--seed 1] [--engine lsm]`. Exit status 1 after a violation.
 */
import { parseArgs } from 'node:util'
import { fileDamages, flips, lostWrites, truncations, wipes } from './damages.js'
import { smallStores, type DamageSubject, type SmallStore } from './small-store.js'
import { SUBJECTS } from './subjects.js'
import { judge, type Damage, type Outcome } from './verdict.js'

const ALL_BITS = [1, 2, 4, 8, 16, 32, 64, 128]
const MAX_SHOWN = 20

interface Counts extends Record<Outcome, number> {
  wrong: number
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string' },
  },
})
const deadline = performance.now() + Number(values.minutes) * 60_000
const subjects = SUBJECTS.filter(subject => values.engine === undefined || subject.name.startsWith(values.engine))
const totals = new Map<string, Counts>()
let shown = 0

function everything(store: SmallStore): readonly (readonly [string, Iterable<Damage>])[] {
  const all = (): boolean => true
  return [
    ['files replaced', fileDamages(store)],
    ['writes lost', lostWrites(store, all)],
    ['bits flipped', flips(store, ALL_BITS, all)],
    ['lengths cut', truncations(store, all)],
    ['stretches wiped', wipes(store, all)],
  ]
}

async function damage(subject: DamageSubject, store: SmallStore, kind: string, damages: Iterable<Damage>): Promise<void> {
  const name = `${subject.name} / ${store.state} / ${kind}`
  const counts = totals.get(name) ?? { 'refused to open': 0, 'refused a read': 0, right: 0, wrong: 0 }
  totals.set(name, counts)
  for (const each of damages) {
    if (performance.now() > deadline) return
    try {
      counts[await judge(subject, store, each)]++
    } catch (error) {
      counts.wrong++
      if (shown++ < MAX_SHOWN) console.error(error instanceof Error ? error.message : error)
    }
  }
}

let rounds = 0
for (let seed = Number(values.seed); performance.now() < deadline; seed++, rounds++) {
  for (const subject of subjects) {
    for (const store of await smallStores(subject, seed)) {
      for (const [kind, damages] of everything(store)) await damage(subject, store, kind, damages)
    }
  }
}

console.table(Object.fromEntries(totals))
const sum = [...totals.values()].reduce(
  (all, { wrong, ...right }) => ({ tried: all.tried + wrong + sumOf(right), wrong: all.wrong + wrong }),
  {
    tried: 0,
    wrong: 0,
  },
)
console.log(`${sum.tried} damages in ${rounds} rounds from seed ${values.seed}, ${sum.wrong} answered wrongly`)
if (sum.wrong > 0) process.exitCode = 1

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
