/** Where do all the bytes go that a leveled tree writes? */
import { keyDraws, predict, simulate, type Prediction } from 'kvarium-lab/predict'
import type { LsmOptions } from '../src/lsm/options.js'
import { Trace, type EventOf, type TraceEvent } from 'kvarium/trace'
import type { Lab, LabStore } from './lab/lab.js'
import { TableCount } from './lab/table-count.js'

export const question = 'Where do all the bytes go that a leveled tree writes?'

/**
 * A memtable takes some 150 entries of 100 bytes, level 1 about four times as many, each level below ten times as many as the one above.
 */
const OPTIONS = {
  compaction: 'leveled',
  writeBufferSize: 20 * 1024,
  level0Tables: 4,
  level1Size: 60 * 1024,
  fanOut: 10,
  maxFileSize: 16 * 1024,
  blockSize: 1024,
}
const WORK = { puts: 40_000, keys: 10_000, keyBytes: 8, valueBytes: 92, distribution: 'uniform', batchPuts: 16 } as const
/** Formulas of predict, and the names of their numbers in the guide. */
const FORMULAS = [
  ['rule', 'T + 1'],
  ['t', 'T'],
  ['half', '(T − 1) / 2'],
  ['oneil', "O'Neil, actual sizes"],
  ['simulated', 'simulated'],
] as const
/** Updates after which the background is given its time: about a memtable. */
const STEP = 128
/** Updates after which level 2 has filled up somewhat. */
const BEFORE = 80 * STEP

export async function run(lab: Lab): Promise<void> {
  await oneCompaction(lab)
  const ledger = await manyUpdates(lab)
  prices(lab, ledger)
  reasons(lab, ledger)
}

async function oneCompaction(lab: Lab): Promise<void> {
  lab.heading('One compaction')
  lab.say(`Level 0 takes the tables as they are flushed. Below, each level is one sorted run, cut into tables, and may be ${OPTIONS.fanOut} times as large as
    the one above. A level that is too large gives a table to the next, where it is merged with all tables that it overlaps.`)
  const db = await lab.open('/one', { ...OPTIONS, level: 'job' })
  const draw = keyDraws(WORK, 1)
  await lab.do(db, `${BEFORE.toLocaleString('en-US')} updates`, async () => {
    for (let done = 0; done < BEFORE; done += STEP) await updates(db, draw, STEP)
  })
  let pick: EventOf<'compaction.pick'> | undefined
  while (pick === undefined) {
    await lab.do(db, `${STEP} updates`, () => updates(db, draw, STEP), ['compaction.pick'])
    pick = lab.told('compaction.pick').find(({ outputLevel, outcome }) => outputLevel === 2 && outcome === 'merge')
  }
  await db.close()
  const above = lab.number('one-above', fromAbove(pick))
  lab.number('one-overlap', pick.overlapBytes)
  lab.say(`The first merge into level 2, for instance: for ${above.toLocaleString('en-US')} bytes that went from level 1 to level 2, ${pick.overlapBytes.toLocaleString('en-US')} bytes that were there already had to
    be written again: ${lab.number('one-ratio', pick.overlapBytes / above).toFixed(1)} for each of them.`)
}

interface Ledger {
  readonly rows: readonly Prediction[]
  readonly count: TableCount
  readonly picks: readonly EventOf<'compaction.pick'>[]
  readonly levels: readonly { readonly level: number; readonly bytes: number }[]
  readonly userBytes: number
}

async function manyUpdates(lab: Lab): Promise<Ledger> {
  lab.heading('The ledger')
  lab.say(`Now ${WORK.puts.toLocaleString('en-US')} updates of ${WORK.keys.toLocaleString('en-US')} keys, each as likely as any other; key and value have
    ${WORK.keyBytes + WORK.valueBytes} bytes. Every table that is written tells which level it is for.`)
  lab.predict('For each byte that was put, how many have been written in the end? And where are most of them?')
  const count = new TableCount()
  const picks: EventOf<'compaction.pick'>[] = []
  let options: Readonly<Record<string, unknown>> = {}
  let seen = 0
  const listener = (event: TraceEvent): void => {
    count.listener(event)
    if (event.type === 'file.write') seen += event.length
    if (event.type === 'compaction.pick') picks.push(event)
    if (event.type === 'engine.open') ({ options } = event)
  }
  const db = await lab.openUnwatched('/many', { ...OPTIONS, trace: new Trace({ level: 'io', listener }) })
  const draw = keyDraws(WORK, 1)
  for (let done = 0; done < WORK.puts; done += STEP) await updates(db, draw, Math.min(STEP, WORK.puts - done))
  const { ledger, amplification } = db.stats()
  const all = lab.number('bytes-all', seen)
  const shape = db.shape()
  await db.close()

  const { written, userBytes } = ledger
  const { levels = [] } = shape
  const into = levels.slice(1).map(({ level }) => ({ level, bytes: count.compactedInto(level).bytes }))
  const parts: [string, string, number][] = [
    ['log', 'log', written.log],
    ['flush, to level 0', 'flush', written.flush],
    ...into.map(({ level, bytes }): [string, string, number] => [`compaction, to level ${level}`, `level-${level}`, bytes]),
    ['manifest', 'manifest', written.meta],
  ]
  const sum = parts.reduce((total, [, , bytes]) => total + bytes, 0)
  lab.table(
    'What was written',
    ['part', 'bytes', 'for each byte', ''],
    [
      ...parts.map(([name, id, bytes]) => {
        const share = lab.number(`wa-${id}`, bytes / userBytes)
        lab.number(`bytes-${id}`, bytes)
        return [name, bytes, share.toFixed(2), '#'.repeat(Math.round(share * 8))]
      }),
      ['the parts together', sum, (sum / userBytes).toFixed(2), ''],
      ['all, as the file system saw it', all, (all / userBytes).toFixed(2), ''],
    ],
  )
  lab.number('user-bytes', userBytes)
  lab.number('bytes-compaction', written.compaction)
  lab.reveal(
    lab.number('wa', amplification.write.total).toFixed(1),
    `${((100 * written.compaction) / sum).toFixed(0)} % of it by compactions. The parts add up: what flushes and compactions say of their tables, and what went
      through the file system, are the same bytes.`,
  )
  lab.number('compaction-share', (100 * written.compaction) / sum)
  const rows = predict({ options, ledger, shape, compactedByLevel: levels.map(({ level }) => count.compactedInto(level).bytes) }, WORK, {
    simulation: simulate(options as unknown as LsmOptions, WORK, 1),
  })
  return { rows, count, picks, levels, userBytes }
}

/** What formulas say of each level. */
function prices(lab: Lab, { rows, levels }: Ledger): void {
  lab.heading('What was to be expected?')
  lab.say(`A table goes down with the T = ${OPTIONS.fanOut} tables that it overlaps, says the rule: T + 1 a level. Others say T, or half of T, as a level is
    half full on average. O'Neil's paper of 1996 says: 1 and the size of the next level over that of this one, whatever they are. And
    "simulated" is the engine's own picker, on sorted sets of numbers without files.`)
  lab.predict('Which comes near to what was measured?')
  const below = levels.slice(1).map(({ level }) => level)
  const find = (variant: string, part: string, level?: number): Prediction =>
    rows.find(row => row.metric === 'write amplification' && row.part === part && row.level === level && row.variant === variant)!
  const cells = FORMULAS.map(([id, variant]) => {
    const each = [...below.map(level => find(variant, 'compaction', level)), find(variant, 'total')]
    for (const { part, level, predicted } of each) lab.number(`${id}-${part === 'total' ? 'all' : level!}`, predicted)
    return { variant, each }
  })
  lab.table(
    'Bytes written for each byte put: by compactions, level by level, and altogether, with log and flushes',
    ['formula', ...below.map(level => `to level ${level}`), 'all'],
    [
      ...cells.map(({ variant, each }) => [variant, ...each.map(({ predicted }) => predicted.toFixed(2))]),
      ['measured', ...cells[0].each.map(({ measured }) => measured!.toFixed(2))],
    ],
  )
  lab.reveal(
    'The simulation',
    'It does what the engine does, only with less. The formulas take every level for full, and every byte for one that comes to the end.',
  )
}

/** What the picks tell: how much was rewritten for what came down. */
function reasons(lab: Lab, { picks, levels, count, userBytes }: Ledger): void {
  lab.heading('Why it is less')
  lab.predict(`For each byte that went down a level, how many that were there already were written again? The rule says ${OPTIONS.fanOut}.`)
  const rows = levels.slice(1).map(({ level, bytes }) => {
    const into = picks.filter(({ outputLevel }) => outputLevel === level)
    const merges = into.filter(({ outcome }) => outcome === 'merge')
    const overlap = merges.reduce((sum, { overlapBytes }) => sum + overlapBytes, 0)
    const above = merges.reduce((sum, pick) => sum + fromAbove(pick), 0)
    const written = count.compactedInto(level).bytes
    const arrived = lab.number(`arrived-${level}`, above / userBytes)
    const again = lab.number(`again-${level}`, overlap / above)
    const forgotten = lab.number(`forgotten-${level}`, (100 * (above + overlap - written)) / (above + overlap))
    const ratios = merges.map(
      pick => ((pick.scores[level] ?? 0) * target(level)) / (level === 1 ? fromAbove(pick) : pick.scores[level - 1] * target(level - 1)),
    )
    const larger = lab.number(`larger-${level}`, ratios.reduce((sum, ratio) => sum + ratio, 0) / merges.length)
    const full = lab.number(`full-${level}`, (100 * bytes) / target(level))
    lab.number(`merges-${level}`, merges.length)
    lab.number(`moves-${level}`, into.length - merges.length)
    return [
      `level ${level}`,
      merges.length,
      into.length - merges.length,
      arrived.toFixed(2),
      larger.toFixed(1),
      again.toFixed(1),
      `${forgotten.toFixed(0)} %`,
      `${full.toFixed(0)} %`,
    ]
  })
  lab.table('Merges to each level', ['', 'merges', 'moves', 'came down', 'larger then', 'rewritten', 'forgotten', 'full'], rows)
  lab.say(`"Came down": bytes that took part in merges to this level, for each byte put. "Larger then": how many times as large as the level above this one was when
    it was picked. "Rewritten": bytes of this level, for each that came down. "Forgotten": what the merges left out, because a newer version had come. "Full":
    in the end.`)
  lab.reveal(
    rows.map(row => row[5]).join(', '),
    `While a level gives tables away it is larger than it should be, and the last one is not nearly full: so the next level is not T times as large. The picker
      takes the table with the least overlap, better than the mean. A table that overlaps nothing only moves. And what is forgotten goes no
      further down.`,
  )
}

function fromAbove({ inputBytes, overlapBytes }: EventOf<'compaction.pick'>): number {
  return inputBytes - overlapBytes
}

/** Size in bytes that makes a level due. */
function target(level: number): number {
  return OPTIONS.level1Size * OPTIONS.fanOut ** (level - 1)
}

async function updates(db: LabStore, draw: () => number, many: number): Promise<void> {
  for (let done = 0; done < many; done += WORK.batchPuts) {
    await db.batch(
      Array.from({ length: Math.min(WORK.batchPuts, many - done) }, () => ({
        type: 'put',
        key: String(draw()).padStart(WORK.keyBytes, '0'),
        value: 'v'.repeat(WORK.valueBytes),
      })),
    )
  }
  await db.settle()
}
