/** What if an LSM tree never merged its tables, or always merged all of them? */
import { lsmEngine } from '../src/lsm/whole-engine.js'
import { alwaysMergingWrites } from 'kvarium-lab/predict'
import { ALWAYS, NEVER } from './lab/custom-pickers.js'
import type { Lab, LabStore, LabStoreOptions } from './lab/lab.js'
import { runsOf, tableBytes } from './lab/levels.js'
import { TableCount } from './lab/table-count.js'

export const question = 'What if an LSM tree never merged its tables, or always merged all of them?'

const FLUSHES = 100
/** Entries of a flush. */
const UNIT = 60
const VALUE_BYTES = 100
const SMALL = { writeBufferSize: 64 * 1024, blockSize: 1024, level0StopTables: 1000 }
/** Gets after every flush. */
const GETS = 10
const SCANS = 4
const SCANNED = 10

interface Policy {
  readonly id: string
  readonly name: string
  readonly options: LabStoreOptions
}

const NEVER_COMPACTING: Policy = { id: 'never', name: 'never', options: { engine: lsmEngine({ parts: { picker: NEVER } }) } }
const ALWAYS_COMPACTING: Policy = { id: 'always', name: 'always', options: { engine: lsmEngine({ parts: { picker: ALWAYS } }) } }
const REAL: readonly Policy[] = [
  { id: 'tiered-10', name: 'tiered, 10 runs per level', options: { compaction: 'tiered', runsPerLevel: 10 } },
  { id: 'tiered-4', name: 'tiered, 4 runs per level', options: { compaction: 'tiered', runsPerLevel: 4 } },
  {
    id: 'leveled-10',
    name: 'leveled, fan-out 10',
    options: { compaction: 'leveled', level0Tables: 4, level1Size: 32 * 1024, maxFileSize: 8 * 1024, fanOut: 10 },
  },
]

export async function run(lab: Lab): Promise<void> {
  await tenMerges(lab)
  await newKeys(lab)
  await sameKeys(lab)
}

async function tenMerges(lab: Lab): Promise<void> {
  lab.heading('Always: the first ten flushes')
  lab.say(`A picker decides which tables are merged, and when: it is a function of the current tree. Here the engine gets one that says: if there is
    more than one run, merge all of them. Every flush adds ${UNIT} new keys; let these be one unit.`)
  const db = await lab.open('/ten', { ...SMALL, ...ALWAYS_COMPACTING.options, level: 'job' })
  const units: number[] = []
  for (let flush = 1; flush <= 10; flush++) {
    await db.batch(unit(flush))
    const shown = flush === 3 ? (['compaction.pick', 'table.built'] as const) : []
    await lab.do(db, `flush ${flush}`, () => flushed(db), shown)
    const merged = lab.events('table.built').filter(({ level }) => level > 0)
    units.push(merged.reduce((sum, { entries }) => sum + entries, 0) / UNIT)
  }
  await db.close()
  lab.lines(
    'Units written by the merge after each flush',
    units.map((count, i) => `flush ${String(i + 1).padStart(2)}  ${'#'.repeat(count)} ${count > 0 ? count : ''}`),
  )
  lab.number(
    'ten',
    units.reduce((sum, count) => sum + count),
  )
}

async function newKeys(lab: Lab): Promise<void> {
  lab.heading(`${lab.number('flushes', FLUSHES)} flushes of new keys`)
  lab.predict(`Always merging: how many units have the merges written after ${FLUSHES} flushes?`)
  const always = await measure(lab, ALWAYS_COMPACTING, '/new', unit)
  const perFlush = lab.number('always-per-flush', always.units / FLUSHES)
  lab.reveal(
    always.units.toLocaleString('en-US'),
    `The merge after flush i writes all i units that exist by then: 2 + 3 + ... + ${FLUSHES} = ${FLUSHES} · ${FLUSHES + 1} / 2 - 1 =
      ${(FLUSHES * alwaysMergingWrites(FLUSHES)).toLocaleString('en-US')}. That is ${perFlush.toFixed(1)} units per flushed unit. After twice as many flushes it would be twice that.`,
  )

  lab.predict('Never merging writes nothing twice. What does it cost instead?')
  const never = await measure(lab, NEVER_COMPACTING, '/new', unit)
  const real: Result[] = []
  for (const policy of REAL) real.push(await measure(lab, policy, '/new', unit))
  const results = [never, ...real, always]
  lab.table(
    'Writes: units by merges, and bytes per byte of keys and values',
    ['policy', 'units', 'log', 'flush', 'compaction', 'all, with the manifest'],
    results.map(({ policy, units, parts, writes }) => [
      policy.name,
      Math.round(units),
      ...[parts.log, parts.flush, parts.compaction, writes].map(share => share.toFixed(2)),
    ]),
  )
  lab.table(
    `Reads, on average over all ${FLUSHES} flushes: gets of absent keys, scans of ${SCANNED} entries`,
    ['policy', 'runs', 'at most', 'filters per get', 'blocks per scan'],
    results.map(({ policy, runs, mostRuns, filters, blocks }) => [
      policy.name,
      runs.toFixed(1),
      mostRuns,
      filters.toFixed(1),
      blocks.toFixed(1),
    ]),
  )
  lab.reveal(
    'Reads cost more',
    `A key may be in any of the ${never.mostRuns} runs. A get has to probe the filter of each; a scan has no use for filters, and has to read a block of each run, ${never.blocks.toFixed(0)} on average instead of ${always.blocks.toFixed(1)}.`,
  )
  for (const { policy, ...result } of results) {
    for (const name of ['units', 'writes', 'runs', 'mostRuns', 'filters', 'blocks'] as const) {
      lab.number(`${policy.id}-${name === 'mostRuns' ? 'most-runs' : name}`, result[name])
    }
  }
  lab.say(`Real policies lie in between. A tiered policy merges runs of similar size; a leveled policy merges a piece of a level with the tables that
    it overlaps below. A byte is written again only after its run has grown several times as large. The number of rewrites per byte grows with
    the logarithm of the number of flushes, not with the number itself.`)
}

async function sameKeys(lab: Lab): Promise<void> {
  lab.heading(`${FLUSHES} flushes of the same keys`)
  lab.say(`Now every flush adds the same ${UNIT} keys again, with new values. The live data stay one unit.`)
  lab.predict('How many units does always merging write now? And how large is the store if nothing is ever merged?')
  const results = [
    await measure(lab, NEVER_COMPACTING, '/same', () => unit(1)),
    await measure(lab, ALWAYS_COMPACTING, '/same', () => unit(1)),
  ]
  lab.table(
    'The same keys, again and again',
    ['policy', 'units merged', 'bytes written per byte', 'bytes of tables per live byte'],
    results.map(({ policy, units, writes, space }) => [policy.name, units, writes.toFixed(2), space.toFixed(2)]),
  )
  for (const { policy, units, writes, space } of results) {
    lab.number(`same-${policy.id}-units`, units)
    lab.number(`same-${policy.id}-writes`, writes)
    lab.number(`same-${policy.id}-space`, space)
  }
  const [never, always] = results
  lab.reveal(
    `${always.units} units, and ${never.space.toFixed(0)} times the live data`,
    `A merge writes only the newer of two versions of a key. So the price of merging depends on the amount of old data beside the new, not on
      the number of flushes. And only merging gives space back.`,
  )
}

interface Result {
  readonly policy: Policy
  /** Units written by merges. */
  readonly units: number
  readonly parts: Readonly<Record<'log' | 'flush' | 'compaction', number>>
  readonly writes: number
  readonly runs: number
  readonly mostRuns: number
  /** Filters probed by a get of an absent key. */
  readonly filters: number
  /** Blocks touched by a short scan. */
  readonly blocks: number
  /** Bytes of tables per live byte of keys and values. */
  readonly space: number
}

async function measure(lab: Lab, policy: Policy, folder: string, entriesOf: (flush: number) => Entry[]): Promise<Result> {
  const count = new TableCount()
  const db = await lab.openUnwatched(`${folder}-${policy.id}`, { ...SMALL, ...policy.options, trace: count.trace })
  const runs: number[] = []
  for (let flush = 1; flush <= FLUSHES; flush++) {
    await db.batch(entriesOf(flush))
    await flushed(db)
    runs.push(runsOf(db))
    for (let i = 1; i <= GETS; i++) db.getSync(`${keyOf(i * FLUSHES)}, or not`)
    for (let i = 1; i <= SCANS; i++) await db.iterator({ gte: keyOf(i * FLUSHES), limit: SCANNED }).all()
  }
  const { ledger, amplification } = db.stats()
  const bytes = tableBytes(db)
  const live = (await db.iterator().all()).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  await db.close()
  return {
    policy,
    units: count.compacted.entries / UNIT,
    parts: amplification.write.parts,
    writes: amplification.write.total,
    runs: runs.reduce((sum, each) => sum + each) / FLUSHES,
    mostRuns: Math.max(...runs),
    filters: ledger.missing.filterProbes / (FLUSHES * GETS),
    blocks: (ledger.scan.blocksFromCache + ledger.scan.blocksFromDisk) / (FLUSHES * SCANS),
    space: bytes / live,
  }
}

async function flushed(db: LabStore): Promise<void> {
  await db.flush()
  await db.settle()
}

interface Entry {
  readonly type: 'put'
  readonly key: string
  readonly value: string
}

/** Keys spread over the whole range, so that every table overlaps every other. */
function unit(flush: number): Entry[] {
  return Array.from({ length: UNIT }, (_, i) => ({
    type: 'put',
    key: keyOf(i * FLUSHES + flush),
    value: `written in flush ${flush}`.padEnd(VALUE_BYTES),
  }))
}

function keyOf(number: number): string {
  return `key ${String(number).padStart(6, '0')}`
}
