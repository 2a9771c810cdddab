/**
 * Hazards: a fork that does something else than its lane would with that option; a difference that is none, or one that is not found; figures
 * that are not those of the drawings; an outcome that an option changes; a fork that gets lost in a link, or on the files of a store.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from '../../packages/explorer/src/run/command.js'
import { LEVELED, TIERED, BTREE as SMALL_BTREE } from '../../packages/explorer/src/run/engine-lanes.js'
import { firstPair, forked, replaceable, type Fork } from '../../packages/explorer/src/run/fork.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { decodeScenario, encodeScenario, linesOf } from '../../packages/explorer/src/run/scenario.js'
import type { RunSettings } from '../../packages/explorer/src/run/settings.js'
import type { Comparison, FigurePair } from '../../packages/explorer/src/session/comparison.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { Kvarium } from '../../src/index.js'
import { SETTINGS } from './support/settings.js'

const lines = (...typed: readonly string[]): readonly Line[] => typed.map(line => parse(line) as Line)
const SCRIPT = lines('random 260 keys 120', 'flush', 'get key000003', 'get nothing', 'range key000100 limit 5')
const [LSM, BTREE] = SETTINGS.lanes.map(lane => ({ seed: 1, lanes: [lane] }))

/** Runs the script with the fork beside the only lane, and compares them at the end. */
async function compared(session: Session, settings: RunSettings, fork: Omit<Fork, 'lane'>): Promise<Comparison> {
  const { settings: both, pair } = forked(settings, { lane: 0, ...fork })
  const { moments } = await session.replay(both)
  return (await session.compare(pair, moments))!
}

function figure({ figures }: Comparison, name: string, group?: FigurePair['group']): FigurePair {
  const [found] = figures.filter(each => each.name === name && (group === undefined || each.group === group))
  if (found === undefined) throw new Error(`no figure "${name}"`)
  return found
}

describe('the settings of a fork', () => {
  it('stand behind those of its lane, with a name of its own', () => {
    const first = forked(SETTINGS, { lane: 0, option: 'fanOut', value: 8 })
    expect(first.settings.lanes.map(({ name }) => name)).toEqual(['lsm', 'lsm fanOut=8', 'btree'])
    expect(first.pair).toEqual([0, 1])
    expect(first.settings.lanes[1].options).toEqual({ ...SETTINGS.lanes[0].options, fanOut: 8 })
    const again = forked({ seed: 1, lanes: [...first.settings.lanes.slice(0, 2)] }, { lane: 0, option: 'fanOut', value: 8 })
    expect(again.settings.lanes[1].name).toBe('lsm fanOut=8-2')
    expect(forked(SETTINGS, { lane: 0, option: 'fanOut', value: undefined }).settings.lanes[1].options).not.toHaveProperty('fanOut')
  })

  it('take the place of another lane where there is no room, and never of their own', () => {
    const three = { seed: 1, lanes: [LEVELED, TIERED, SMALL_BTREE] }
    expect(replaceable(three.lanes, 2)).toEqual([0, 1])
    expect(forked(three, { lane: 2, option: 'pageSize', value: 4096 })).toMatchObject({ pair: [2, 1] })
    const { settings, pair } = forked(three, { lane: 0, option: 'fanOut', value: 2, replaces: 2 })
    expect(settings.lanes.map(({ name }) => name)).toEqual(['lsm', 'tiered', 'lsm fanOut=2'])
    expect(pair).toEqual([0, 2])
    expect(() => forked(three, { lane: 0, option: 'fanOut', value: 2, replaces: 0 })).toThrow('choose another one')
    expect(firstPair(settings.lanes)).toEqual([0, 1])
    expect(firstPair(SETTINGS.lanes)).toEqual([0, 1])
    expect(firstPair(SETTINGS.lanes.slice(1))).toBeUndefined()
  })
})

describe('a comparison', () => {
  let session: Session
  beforeAll(async () => {
    session = new Session()
    await session.begin(SETTINGS)
    await session.add(SCRIPT)
  })

  it('of equal lanes finds nothing', async () => {
    const found = await compared(session, LSM, { option: 'maxOpenFiles', value: 500 })
    expect(found).toMatchObject({
      options: [{ option: 'maxOpenFiles', values: [1000, 500] }],
      outcomeCount: 0,
      costs: [],
      withoutReceipt: 0,
    })
    expect(found.parting).toBeUndefined()
    for (const { here, whole } of found.figures) expect([here[0], whole[0]]).toEqual([here[1], whole[1]])
  })

  it('finds the first step of a larger memtable: the log goes on where the other lane flushes', async () => {
    const found = await compared(session, LSM, { option: 'writeBufferSize', value: 65_536 })
    const [here, there] = found.parting!.moments
    // What comes before is the same in both lanes.
    const at = async (position: number): Promise<string> => (await session.look({ position, pictures: [] })).moment!.sentence
    expect(await at(here!.position)).toBe(here!.sentence)
    expect(await at(there!.position)).toBe(there!.sentence)
    expect(here!.sentence).not.toBe(there!.sentence)
    const [row] = await session.operations(found.parting!.operation, found.parting!.operation + 1)
    expect(row.text).toBe(found.parting!.operationText)
    expect(figure(found, 'flushes').whole[0]).toBeGreaterThan(figure(found, 'flushes').whole[1]!)
    expect(found.outcomeCount).toBe(0)

    const { lanes } = await session.look({ position: Infinity, pictures: ['ledger', 'cache'] })
    for (const side of [0, 1]) {
      const { now } = lanes[side].pictures.ledger!
      const written = Object.values(now.written).reduce((sum, bytes) => sum + bytes, 0)
      expect(figure(found, 'bytes written').whole[side]).toBe(written)
      expect(figure(found, 'log', 'write amplification').whole[side]).toBe(now.written.log / now.userBytes)
      expect(figure(found, 'bytes of files per live byte').whole[side]).toBe(now.fileBytes / now.liveBytes)
      expect(figure(found, 'hits').whole[side]).toBe(lanes[side].pictures.cache!.hits)
    }
    const early = await session.compare([0, 1], here!.position)
    expect(early!.figures.every(({ here: [a, b], name }) => a === b || name.startsWith('memory'))).toBe(true)
    expect(early!.figures.map(({ whole }) => whole)).toEqual(found.figures.map(({ whole }) => whole))
  })

  it('lists the operations whose costs differ most, as their receipts say', async () => {
    const found = await compared(session, BTREE, { option: 'pageSize', value: 4096 })
    expect(found.costs.length).toBeGreaterThan(3)
    const differences = found.costs.map(({ costs: [a, b] }) => Math.abs(a.now + a.later - b.now - b.later))
    expect(differences).toEqual([...differences].sort((a, b) => b - a))
    const [{ operation, start, text }] = found.costs
    expect((await session.look({ position: start, pictures: [] })).moment).toMatchObject({ kind: 'call', operation, sentence: text })
    expect(figure(found, 'height').whole.every(height => height! >= 1)).toBe(true)
  })

  it('of two engines says so, and has figures that only one of them has', async () => {
    const { moments } = await session.replay(SETTINGS)
    const found = (await session.compare([0, 1], moments))!
    expect(found.engines).toEqual(['lsm', 'btree'])
    expect(figure(found, 'height').whole).toEqual([undefined, 2])
    expect(figure(found, 'compaction', 'write amplification').whole[1]).toBe(0)
    expect(await session.compare([0, 2], moments)).toBeUndefined()
  })

  it('shows outcomes that differ, and the power loss behind them', async () => {
    const other = new Session()
    const { settings, pair } = forked(SETTINGS, { lane: 0, option: 'fanOut', value: 8 })
    await other.begin(settings)
    await other.add(lines('put a 1 sync', 'put b 2'))
    const [, { start }] = await other.operations(0, 2)
    const { lanes } = await other.look({ position: start + 10, pictures: [] })
    await other.add(lines(`crash lsm event ${lanes[0].events} none`, 'get b'))
    const found = (await other.compare(pair, 0))!
    expect(found).toMatchObject({ outcomeCount: 1, crashed: ['lsm'] })
    expect(found.outcomes[0]).toMatchObject({ text: 'get b', outcomes: ['missing: not found', 'found: 2'] })
  })
})

it('a link carries a forked run, byte for byte', async () => {
  const { settings } = forked(SETTINGS, { lane: 0, option: 'compaction', value: 'tiered' })
  const session = new Session()
  await session.begin(settings)
  const { moments } = await session.add(lines('random 40 keys 60', 'crash "lsm compaction=tiered" event 20 all'))
  const scenario = await decodeScenario(await encodeScenario({ settings, script: await session.script(moments), position: moments }))
  expect(scenario.settings).toEqual(settings)
  const other = new Session()
  await other.begin(scenario.settings)
  await other.add(linesOf(scenario.script))
  expect(await other.digest()).toBe(await session.digest())
  expect(await other.compare([0, 1], 0)).toEqual(await session.compare([0, 1], 0))
})

it.each(['lsm', 'btree'] as const)(
  'a fork of a store of %s on files begins with the same files, with other options than the defaults',
  async engine => {
    const directory = mkdtempSync(join(tmpdir(), 'kvarium-fork-'))
    try {
      const store = new Kvarium<string, string>(directory, { engine })
      for (let i = 0; i < 100; i++) await store.put(`key${i}`, `value ${i}`)
      await store.close()
      const session = new Session()
      const { settings } = await session.openFiles(
        readdirSync(directory).map(name => ({ name, contents: new Blob([readFileSync(join(directory, name))]) })),
      )
      await session.add(lines('get key7', 'put key7 new', 'flush', 'range'))
      const fork = forked(settings, { lane: 0, option: 'cacheSize', value: 16_384 })
      expect(await session.checkLane(fork.settings.lanes[1])).toEqual([])
      const { isOfFiles, moments } = await session.replay(fork.settings)
      expect(isOfFiles).toBe(true)
      const rows = await session.operations(0, 4)
      expect(rows.map(({ outcomes }) => outcomes.map(outcome => outcome?.text))).toEqual([
        ['value 7', 'value 7'],
        ['', ''],
        ['', ''],
        ['100 entries', '100 entries'],
      ])
      expect(await session.compare(fork.pair, moments)).toMatchObject({
        options: [{ option: 'cacheSize', values: [64 << 20, 16_384] }],
        outcomeCount: 0,
      })
      const alone = { ...settings, lanes: [{ ...settings.lanes[0], options: { cacheSize: 16_384 } }] }
      await session.replay(alone)
      expect((await session.operations(0, 1))[0].outcomes[0]?.text).toBe('value 7')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
)
