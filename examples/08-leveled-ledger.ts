/** Where do all the bytes go that a leveled tree writes? */
import { keyDraws, predict, simulate, type Prediction } from 'kvarium-lab/predict'
import type { LsmOptions } from '../src/lsm/options.js'
import { Trace, type EventOf, type TraceEvent } from 'kvarium/trace'
import type { Lab, LabStore } from './lab/lab.js'
import { TableCount } from './lab/table-count.js'

export const question = 'Where do all the bytes go that a leveled tree writes?'

/**
 * A memtable holds about 150 entries of 100 bytes, level 1 about four times as many, each level below ten times as many as the one above.
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
/** Updates after which the writer waits for background work: about a memtable. */
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
  lab.say(`Level 0 receives the flushed tables. Each level below is one sorted run, cut into tables, and may be ${OPTIONS.fanOut} times as large as the level
    above. A level that is too large passes a table to the next, where it is merged with all tables that it overlaps.`)
  const db = await lab.open('/one', { ...OPTIONS, level: 'job' })
  const draw = keyDraws(WORK, 1)
  await lab.do(db, `${BEFORE.toLocaleString('en-US')} updates`, async () => {
    for (let done = 0; done < BEFORE; done += STEP) await updates(db, draw, STEP)
  })
  let pick: EventOf<'compaction.pick'> | undefined
  while (pick === undefined) {
    await lab.do(db, `${STEP} updates`, () => updates(db, draw, STEP), ['compaction.pick'])
    pick = lab.events('compaction.pick').find(({ outputLevel, outcome }) => outputLevel === 2 && outcome === 'merge')
  }
  await db.close()
  const above = lab.number('one-above', fromAbove(pick))
  lab.number('one-overlap', pick.overlapBytes)
  lab.say(`The first merge into level 2, for instance: ${above.toLocaleString('en-US')} bytes went from level 1 to level 2, and ${pick.overlapBytes.toLocaleString('en-US')} bytes of level 2 had to
    be rewritten: ${lab.number('one-ratio', pick.overlapBytes / above).toFixed(1)} per incoming byte.`)
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
    ${WORK.keyBytes + WORK.valueBytes} bytes. The event of every written table names its level.`)
  lab.predict('How many bytes are written per byte put? And where are most of them?')
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
    ['part', 'bytes', 'per byte', ''],
    [
      ...parts.map(([name, id, bytes]) => {
        const share = lab.number(`wa-${id}`, bytes / userBytes)
        lab.number(`bytes-${id}`, bytes)
        return [name, bytes, share.toFixed(2), '#'.repeat(Math.round(share * 8))]
      }),
      ['the parts together', sum, (sum / userBytes).toFixed(2), ''],
      ['total, as the file system saw it', all, (all / userBytes).toFixed(2), ''],
    ],
  )
  lab.number('user-bytes', userBytes)
  lab.number('bytes-compaction', written.compaction)
  lab.reveal(
    lab.number('wa', amplification.write.total).toFixed(1),
    `${((100 * written.compaction) / sum).toFixed(0)} % of it by compactions. The parts add up: the tables that flushes and compactions report, and the bytes that went through the file system, are the same.`,
  )
  lab.number('compaction-share', (100 * written.compaction) / sum)
  const rows = predict({ options, ledger, shape, compactedByLevel: levels.map(({ level }) => count.compactedInto(level).bytes) }, WORK, {
    simulation: simulate(options as unknown as LsmOptions, WORK, 1),
  })
  return { rows, count, picks, levels, userBytes }
}

/** The formulas for each level. */
function prices(lab: Lab, { rows, levels }: Ledger): void {
  lab.heading('Predicted and measured')
  lab.say(`The rule of thumb: a table goes down with the T = ${OPTIONS.fanOut} tables that it overlaps, which makes T + 1 per level. Others use T, or half of T, because
    a level is half full on average. O'Neil's paper of 1996 uses 1 plus the ratio of the actual sizes of the two levels. And "simulated" runs
    the engine's own picker on sorted sets of numbers, without files.`)
  lab.predict('Which one comes close to the measurement?')
  const below = levels.slice(1).map(({ level }) => level)
  const find = (variant: string, part: string, level?: number): Prediction =>
    rows.find(row => row.metric === 'write amplification' && row.part === part && row.level === level && row.variant === variant)!
  const cells = FORMULAS.map(([id, variant]) => {
    const each = [...below.map(level => find(variant, 'compaction', level)), find(variant, 'total')]
    for (const { part, level, predicted } of each) lab.number(`${id}-${part === 'total' ? 'all' : level!}`, predicted)
    return { variant, each }
  })
  lab.table(
    'Bytes written per byte put: by compactions, level by level, and in total, with log and flushes',
    ['formula', ...below.map(level => `to level ${level}`), 'all'],
    [
      ...cells.map(({ variant, each }) => [variant, ...each.map(({ predicted }) => predicted.toFixed(2))]),
      ['measured', ...cells[0].each.map(({ measured }) => measured!.toFixed(2))],
    ],
  )
  lab.reveal(
    'The simulation',
    'It does what the engine does, only without files. The formulas assume that every level is full, and that every byte reaches the last level.',
  )
}

/** From the picks: how much was rewritten per incoming byte. */
function reasons(lab: Lab, { picks, levels, count, userBytes }: Ledger): void {
  lab.heading('Why it is less')
  lab.predict(`How many bytes of the lower level are rewritten per byte that moves down? The rule says ${OPTIONS.fanOut}.`)
  const rows = levels.slice(1).map(({ level, bytes }) => {
    const into = picks.filter(({ outputLevel }) => outputLevel === level)
    const merges = into.filter(({ outcome }) => outcome === 'merge')
    const overlap = merges.reduce((sum, { overlapBytes }) => sum + overlapBytes, 0)
    const above = merges.reduce((sum, pick) => sum + fromAbove(pick), 0)
    const written = count.compactedInto(level).bytes
    const arrived = lab.number(`arrived-${level}`, above / userBytes)
    const again = lab.number(`again-${level}`, overlap / above)
    const dropped = lab.number(`dropped-${level}`, (100 * (above + overlap - written)) / (above + overlap))
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
      `${dropped.toFixed(0)} %`,
      `${full.toFixed(0)} %`,
    ]
  })
  lab.table('Merges to each level', ['', 'merges', 'moves', 'incoming', 'size ratio', 'rewritten', 'dropped', 'full'], rows)
  lab.say(`"Incoming": bytes from above that were merged into this level, per byte put. "Size ratio": the size of this level over that of the level above,
    at the time of the pick. "Rewritten": bytes of this level, per incoming byte. "Dropped": the share that the merges left out, hidden by newer versions. "Full":
    in the end.`)
  lab.reveal(
    rows.map(row => row[5]).join(', '),
    `A level that passes tables on is larger than its target, and the last level is far from full: so the next level is not T times as large.
      The picker takes the table with the least overlap, which is less than the mean. A table that overlaps nothing only moves. And what is dropped goes no
      further down.`,
  )
}

function fromAbove({ inputBytes, overlapBytes }: EventOf<'compaction.pick'>): number {
  return inputBytes - overlapBytes
}

/** Size in bytes above which a level is due. */
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
