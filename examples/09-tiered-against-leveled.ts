/** What does tiered compaction win over leveled, and what does it lose? */
import type { LsmOptions } from '../src/lsm/options.js'
import { keyDraws, lazyLeveledSpace, leveledSpace, tieredSpace } from 'kvarium-lab/predict'
import { readAmplification, type LedgerCounts } from '../src/trace/ledger.js'
import type { Lab, LabStore } from './lab/lab.js'
import { runsOf, tableBytes } from './lab/levels.js'
import { scatter } from './lab/scatter.js'

export const question = 'What does tiered compaction win over leveled, and what does it lose?'

const WORK = { puts: 24_000, keys: 6000, keyBytes: 8, valueBytes: 192, distribution: 'uniform' } as const
const BATCH = 16
/** Updates after which the writer waits for background work: about a memtable. */
const STEP = 64
/** Updates at the end that do not wait for background work. */
const RUSH = 1000
/** Updates between two measurements of reads and space, in the second half. */
const LOOK = 1000
const GETS = 40
const SCANS = 10
const SCANNED = 10
/** Bits per key, and gets of absent keys of a measurement, where allocations of filters are compared. */
const FILTER_BITS = 6
const ABSENT = 200

const COMMON = { writeBufferSize: 16 * 1024, maxFileSize: 16 * 1024, blockSize: 1024, level0Tables: 4, level1Size: 48 * 1024 }

interface Policy {
  readonly id: string
  readonly mark: string
  /** T: the size ratio of two levels, or the runs that a level holds. */
  readonly fanOut: number
  readonly compaction: LsmOptions['compaction']
}

const POLICIES: readonly Policy[] = [
  { id: 'leveled-10', mark: 'A', fanOut: 10, compaction: 'leveled' },
  { id: 'leveled-4', mark: 'B', fanOut: 4, compaction: 'leveled' },
  { id: 'tiered-4', mark: 'C', fanOut: 4, compaction: 'tiered' },
  { id: 'tiered-10', mark: 'D', fanOut: 10, compaction: 'tiered' },
  { id: 'lazy-4', mark: 'E', fanOut: 4, compaction: 'lazy-leveled' },
]

export async function run(lab: Lab): Promise<void> {
  lab.say(`Leveled: a level is one run, and incoming tables are merged into it. Tiered: a level holds up to T runs; when it has T, they are merged into one
    new run of the next level, whose other runs stay as they are. Lazily leveled: tiered, but the last level is one run. The same ${WORK.puts.toLocaleString('en-US')} updates of ${WORK.keys.toLocaleString('en-US')} keys, each of ${WORK.keyBytes + WORK.valueBytes}
    bytes, go into five stores: leveled and tiered with T = 10 and T = 4, and lazily leveled with T = 4.`)
  const results: Result[] = []
  for (const policy of POLICIES) results.push(await measure(lab, policy))

  writes(lab, results)
  reads(lab, results)
  space(lab, results)
  debts(lab, results)
  together(lab, results)
  await filters(lab)
}

function writes(lab: Lab, results: readonly Result[]): void {
  lab.heading('Writing')
  lab.predict('Which of the five writes least, and by which factor less than the one that writes most?')
  lab.table(
    'Bytes written per byte put, after background work has finished',
    ['policy', 'log', 'flush', 'compaction', 'all', ''],
    results.map(({ policy, parts, written }) => [
      policy.id,
      ...[parts.log, parts.flush, parts.compaction, written].map(share => share.toFixed(2)),
      '#'.repeat(Math.round(written * 4)),
    ]),
  )
  const [least, most] = ends(results, ({ written }) => written)
  lab.reveal(
    `${least.policy.id}: ${lab.number('write-gain', most.written / least.written).toFixed(1)} times less than ${most.policy.id}`,
    'A tiered tree writes a byte once per level that it reaches, and a larger T makes fewer levels. A leveled tree also rewrites parts of the next level.',
  )
}

function reads(lab: Lab, results: readonly Result[]): void {
  lab.heading('Reading')
  lab.predict(
    `And which of them reads most, and where: for a get of a key, for a get of an absent one, or for a scan of ${SCANNED} entries?`,
  )
  lab.table(
    `On average over the second half of the updates, measured after every ${LOOK.toLocaleString('en-US')}`,
    ['policy', 'runs', 'filters asked, absent key', 'blocks, existing key', 'blocks, scan'],
    results.map(({ policy, runs, filters, found, scanned }) => [
      policy.id,
      runs.toFixed(1),
      filters.toFixed(1),
      found.toFixed(3),
      scanned.toFixed(1),
    ]),
  )
  const [least, most] = ends(results, ({ scanned }) => scanned)
  lab.reveal(
    `${most.policy.id}, for scans: ${lab.number('scan-loss', most.scanned / least.scanned).toFixed(1)} times as many blocks as ${least.policy.id}`,
    `Gets hardly differ: they probe the filter of each run, and read the block that holds the key. A scan has no use for filters, and reads at least one block of
      every run.`,
  )
}

function space(lab: Lab, results: readonly Result[]): void {
  lab.heading('Space')
  lab.predict('How much larger are the tables than the live data?')
  lab.table(
    'Bytes of tables per live byte of keys and values, measured in the same way',
    ['policy', 'on average', 'most', 'by formula'],
    results.map(({ policy, spaceMean, spaceMost }) => [policy.id, spaceMean.toFixed(2), spaceMost.toFixed(2), spaceFormula(policy)]),
  )
  const [least, most] = ends(results, ({ spaceMean }) => spaceMean)
  lab.reveal(
    `${least.spaceMean.toFixed(2)} (${least.policy.id}) to ${most.spaceMean.toFixed(2)} (${most.policy.id})`,
    `The runs of a tiered tree hold versions of the same keys until they are merged. In a leveled tree all levels but the last are small; the
      formula assumes a full last level. A lazily leveled tree holds most of its data once, too, and its upper levels gather runs.`,
  )
}

function debts(lab: Lab, results: readonly Result[]): void {
  lab.heading('When writers do not wait')
  lab.say(
    `So far the writer waited for background work after every ${STEP} updates. The last ${RUSH.toLocaleString('en-US')} updates came as fast as the engine accepted them.`,
  )
  lab.predict('How many bytes does the background still have to write then, per byte of these updates?')
  lab.table(
    'Bytes still to be written when the writes end, per byte of these updates; bytes of all files per live byte',
    ['policy', 'owed', 'files, when writes end', 'files, settled', 'files, at the peak'],
    results.map(({ policy, owed, spaceAtEnd, spaceSettled, spacePeak }) => [
      policy.id,
      ...[owed, spaceAtEnd, spaceSettled, spacePeak].map(share => share.toFixed(2)),
    ]),
  )
  const [least, most] = ends(results, ({ owed }) => owed)
  lab.reveal(
    `${least.owed.toFixed(1)} (${least.policy.id}) to ${most.owed.toFixed(1)} (${most.policy.id})`,
    `A benchmark that ends with the last acknowledgement does not count these bytes. The debt depends on the moment: a tiered tree owes one
      large merge, or none. At its peak the store holds the input and the output of a merge at once.`,
  )
}

function together(lab: Lab, results: readonly Result[]): void {
  lab.heading('All together')
  const points = (y: (result: Result) => number): { mark: string; x: number; y: number }[] =>
    results.map(result => ({ mark: result.policy.mark, x: result.written, y: y(result) }))
  const legend = results.map(({ policy }) => `${policy.mark} = ${policy.id}`).join(', ')
  const x = { name: 'bytes written per byte', to: 12 }
  lab.lines(
    `Space against writes: ${legend}`,
    scatter(
      points(({ spaceMean }) => spaceMean),
      x,
      { name: 'bytes of tables per live byte', to: 4 },
    ),
  )
  lab.lines(
    `Scans against writes: ${legend}`,
    scatter(
      points(({ scanned }) => scanned),
      x,
      { name: `blocks per scan of ${SCANNED}`, to: 16 },
    ),
  )
  lab.say(`No policy is in the lower left corner: a policy that writes less keeps more versions in more runs, and pays in space and in scans. With a
    larger T a tiered tree writes less and holds more; a leveled tree writes more and holds less. Lazy leveling lies between: it writes nearly as little as the
    tiered tree with the same T, and holds as little as leveled ones.`)
}

async function filters(lab: Lab): Promise<void> {
  lab.heading('Filters by level')
  lab.say(`A get of an absent key asks the filter of every run, and a false positive costs one block, whatever the size of the run. But a bit per key costs
    most in the last level, where most keys are. Monkey's allocation gives the large runs fewer bits and the small ones more, with the same sum:
    filterAllocation: 'by-level'.`)
  lab.predict(
    `The lazily leveled store with ${FILTER_BITS} bits per key: how many of 1,000 gets of absent keys read a block, with equal filters and by level?`,
  )
  const uniform = await passedFilters(lab, 'uniform')
  const byLevel = await passedFilters(lab, 'by-level')
  lab.table(
    'Blocks read by 1,000 gets of absent keys, on average over the second half of the updates',
    ['filters', 'blocks'],
    [
      ['uniform', lab.number('filters-uniform', 1000 * uniform).toFixed(0)],
      ['by-level', lab.number('filters-by-level', 1000 * byLevel).toFixed(0)],
    ],
  )
  lab.reveal(
    `${lab.number('filters-gain', uniform / byLevel).toFixed(1)} times fewer by level`,
    'The share of false positives of a run is then proportional to its entries, so that their sum hardly grows with the number of levels.',
  )
}

/** Blocks per get of an absent key. */
async function passedFilters(lab: Lab, filterAllocation: LsmOptions['filterAllocation']): Promise<number> {
  const lazy = { compaction: 'lazy-leveled', fanOut: 4, runsPerLevel: 4 } as const
  const db = await lab.openUnwatched(`/${filterAllocation}`, { ...COMMON, ...lazy, filterBitsPerKey: FILTER_BITS, filterAllocation })
  const update = updatesOf(db)
  for (let done = 0; done < WORK.puts; done += STEP) {
    await update(STEP)
    await db.settle()
    if (done < WORK.puts / 2 || done % LOOK >= STEP) continue
    for (let i = 0; i < ABSENT; i++) db.getSync(`${keyOf(Math.floor((i * WORK.keys) / ABSENT))}-`)
  }
  const { missing } = db.stats().ledger
  await db.close()
  return readAmplification(missing).blocks
}

interface Result {
  readonly policy: Policy
  readonly parts: Readonly<Record<'log' | 'flush' | 'compaction', number>>
  readonly written: number
  readonly runs: number
  /** Filters probed by a get of an absent key. */
  readonly filters: number
  /** Blocks of a get that finds its key. */
  readonly found: number
  readonly scanned: number
  /** Mean bytes of all tables per live byte. */
  readonly spaceMean: number
  readonly spaceMost: number
  /** Bytes that the background still had to write when the writes ended, per byte of the last updates. */
  readonly owed: number
  /** Bytes of all files per live byte. */
  readonly spaceAtEnd: number
  readonly spaceSettled: number
  readonly spacePeak: number
}

async function measure(lab: Lab, policy: Policy): Promise<Result> {
  const { id, compaction, fanOut } = policy
  const db = await lab.openUnwatched(`/${id}`, {
    ...COMMON,
    compaction,
    fanOut,
    runsPerLevel: fanOut,
  })
  const keys = new Set<string>()
  const update = updatesOf(db, keys)
  const runs: number[] = []
  const tables: number[] = []
  for (let done = 0; done < WORK.puts - RUSH; done += STEP) {
    await update(STEP)
    await db.settle()
    if (done < WORK.puts / 2 || done % LOOK >= STEP) continue
    runs.push(runsOf(db))
    tables.push(tableBytes(db) / bytesOf(keys))
    await readSome(db)
  }
  await update(RUSH)
  const live = bytesOf(keys)
  const atEnd = db.stats().ledger
  await db.settle()
  const { ledger, amplification } = db.stats()
  await db.close()
  const result: Result = {
    policy,
    parts: amplification.write.parts,
    written: amplification.write.total,
    runs: sum(runs) / runs.length,
    filters: ledger.missing.filterProbes / ledger.missing.operations,
    found: readAmplification(ledger.found).blocks,
    scanned: (ledger.scan.blocksFromCache + ledger.scan.blocksFromDisk) / (runs.length * SCANS),
    spaceMean: sum(tables) / tables.length,
    spaceMost: Math.max(...tables),
    owed: (writtenBytes(ledger) - writtenBytes(atEnd)) / (RUSH * (WORK.keyBytes + WORK.valueBytes)),
    spaceAtEnd: atEnd.fileBytes / live,
    spaceSettled: ledger.fileBytes / live,
    spacePeak: ledger.peakFileBytes / live,
  }
  for (const name of ['written', 'runs', 'filters', 'found', 'scanned'] as const) lab.number(`${id}-${name}`, result[name])
  lab.number(`${id}-space`, result.spaceMean)
  lab.number(`${id}-space-most`, result.spaceMost)
  lab.number(`${id}-owed`, result.owed)
  for (const part of ['log', 'flush', 'compaction'] as const) lab.number(`${id}-${part}`, result.parts[part])
  lab.number(`${id}-space-end`, result.spaceAtEnd)
  lab.number(`${id}-space-settled`, result.spaceSettled)
  lab.number(`${id}-space-peak`, result.spacePeak)
  return result
}

/** Does the next updates of the work. */
function updatesOf(db: LabStore, keys = new Set<string>()): (many: number) => Promise<void> {
  const draw = keyDraws(WORK, 1)
  return async many => {
    for (let done = 0; done < many; done += BATCH) {
      const batch = Array.from({ length: BATCH }, () => keyOf(draw()))
      await db.batch(batch.map(key => ({ type: 'put', key, value: 'v'.repeat(WORK.valueBytes) })))
      for (const key of batch) keys.add(key)
    }
  }
}

function spaceFormula({ compaction, fanOut }: Policy): string {
  if (compaction === 'tiered') return `at most T = ${tieredSpace(fanOut)}`
  return `1 + 1/T = ${(compaction === 'leveled' ? leveledSpace(fanOut) : lazyLeveledSpace(fanOut)).toFixed(2)}`
}

/** The same keys in every measurement, spread over the range. Some of them are absent. */
async function readSome(db: LabStore): Promise<void> {
  for (let i = 0; i < GETS; i++) {
    const key = keyOf(Math.floor((i * WORK.keys) / GETS))
    db.getSync(key)
    db.getSync(`${key}-`)
  }
  for (let i = 0; i < SCANS; i++) await db.iterator({ gte: keyOf(Math.floor((i * WORK.keys) / SCANS)), limit: SCANNED }).all()
}

/** All entries are of the same size. */
function bytesOf(keys: ReadonlySet<string>): number {
  return keys.size * (WORK.keyBytes + WORK.valueBytes)
}

/** The runs with the least and the most of a measure. */
function ends(results: readonly Result[], of: (result: Result) => number): [Result, Result] {
  const sorted = [...results].sort((a, b) => of(a) - of(b))
  return [sorted[0], sorted.at(-1)!]
}

function keyOf(number: number): string {
  return String(number).padStart(WORK.keyBytes, '0')
}

function writtenBytes({ written }: LedgerCounts): number {
  return sum(Object.values(written))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
