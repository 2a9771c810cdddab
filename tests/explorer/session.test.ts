/** Hazards: an operation lost or kept by going back; a picture that depends on the way to its position; a search that stops at the wrong place; a timeline that loses a job. */
import type { LaneSettings } from '../../packages/explorer/src/run/settings.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { LANE_KINDS } from '../../packages/explorer/src/run/engine-lanes.js'
import { parse } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { decodeScenario, encodeScenario, linesOf } from '../../packages/explorer/src/run/scenario.js'
import { CallOrder } from '../../packages/explorer/src/session/call-order.js'
import type { Look, Summary } from '../../packages/explorer/src/session/protocol.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import type { PictureName } from '../../packages/explorer/src/views/catalog.js'
import { SETTINGS } from './support/settings.js'

const PICTURES: readonly PictureName[] = ['log', 'memtable', 'levels', 'merge', 'pages', 'space', 'cache', 'ledger', 'files']

async function filled(): Promise<{ readonly session: Session; readonly summary: Summary }> {
  const session = new Session()
  await session.begin(SETTINGS)
  const summary = await session.add([{ generator: { kind: 'random', count: 600, seed: 3, valueBytes: 100, keys: 400 } }])
  return { session, summary }
}

describe('a session', () => {
  let session: Session
  let summary: Summary
  beforeAll(async () => ({ session, summary } = await filled()))

  it('shows the same at a position from wherever one comes', async () => {
    const { session: other } = await filled()
    const lookAt = (from: Session, position: number): Promise<Look> => from.look({ position, pictures: PICTURES })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(summary.moments), { minLength: 1, maxLength: 6 }), async positions => {
        let found: Look | undefined
        for (const position of positions) found = await lookAt(session, position)
        expect(found).toEqual(await lookAt(other, positions.at(-1)!))
      }),
      { seed: 1, numRuns: 12 },
    )
  })

  it('begins with nothing and ends with what the engines hold', async () => {
    const start = await session.look({ position: 0, pictures: PICTURES })
    expect(start.lanes.map(lane => lane.events)).toEqual([0, 0])
    const { lanes } = await session.look({ position: summary.moments, pictures: PICTURES })
    const [{ pictures: lsm }, { pictures: btree }] = lanes
    expect(lsm.levels?.sequence).toBe(600)
    expect(lsm.levels?.levels.some(level => level.tables > 0)).toBe(true)
    expect(btree.pages?.shape.sequence).toBe(600)
    expect(lsm.files?.files.map(file => file.name)).toContain('CURRENT')
    expect(lsm.pages).toBeUndefined()
  })

  it('finds the next place of a kind both ways', async () => {
    const flush = await session.seek({ from: 0, direction: 1, at: { type: 'memtable.freeze' } })
    const look = await session.look({ position: flush!, pictures: [] })
    expect(look.moment?.type).toBe('memtable.freeze')
    expect(await session.seek({ from: flush! + 1, direction: -1, at: { type: 'memtable' } })).toBe(flush)
    expect(await session.seek({ from: 0, direction: 1, at: { text: 'no event says this' } })).toBeUndefined()
    const operation = await session.seek({ from: flush!, direction: -1, at: 'operation' })
    expect((await session.look({ position: operation!, pictures: [] })).moment?.kind).toBe('call')
  })

  it('has every job of a part of the run on the timeline, and counts marks that are close', async () => {
    const all = await session.timeline({ from: 0, to: summary.moments, buckets: 10_000 })
    const flushes = all.jobs.filter(job => job.kind === 'flush')
    expect(flushes.length).toBeGreaterThan(2)
    const [{ from }] = flushes
    const part = await session.timeline({ from, to: from + 1, buckets: 10 })
    expect(part.jobs).toContainEqual(flushes[0])
    const counted = await session.timeline({ from: 0, to: summary.moments, buckets: 1 })
    const sum = (marks: readonly { readonly count: number }[]): number => marks.reduce((total, { count }) => total + count, 0)
    expect(sum(counted.marks)).toBe(sum(all.marks))
    expect(counted.marks.length).toBeLessThan(all.marks.length)
  })

  it('lists operations with what came of them in every lane', async () => {
    const [row] = await session.operations(5, 6)
    expect(row).toMatchObject({ index: 5, outcomes: [{ status: 'ok' }, { status: 'ok' }] })
    const look = await session.look({ position: row.start, pictures: [] })
    expect(look.moment).toMatchObject({ kind: 'call', operation: 5, sentence: row.text })
  })
})

describe('going back and adding', () => {
  const texts = async (session: Session): Promise<readonly string[]> => (await session.operations(0, 100)).map(({ text }) => text)
  const line = (typed: string): Line => parse(typed) as Line

  it('keeps the operations that had begun, also within a generator, and brings back what it dropped', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    const full = await session.add(['put a 1', 'ascending 10 values 8B', 'put z 1'].map(line))
    const before = await texts(session)
    const [{ start }] = await session.operations(4, 5)
    const back = await session.add([line('get a')], start)
    expect(back).toMatchObject({ operations: 6, dropped: 12 })
    expect(await texts(session)).toEqual([...before.slice(0, 5), 'get a'])
    expect(await session.restore()).toMatchObject({ operations: 12, moments: full.moments, dropped: 6 })
    expect(await texts(session)).toEqual(before)
    expect((await session.look({ position: start, pictures: [] })).moment?.sentence).toBe(before[4])
  })

  it('drops nothing in the last operation or at the end, and everything at the beginning', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    await session.add([line('put a 1'), line('put b 1')])
    const [{ start }] = await session.operations(1, 2)
    expect(await session.add([line('put c 1')], start)).not.toHaveProperty('dropped')
    expect(await session.add([line('put d 1')], 0)).toMatchObject({ operations: 1, dropped: 3 })
    expect(await texts(session)).toEqual(['put d 1'])
  })

  it('replays the same operations with other settings', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    await session.add([line('random 30'), line('get key000001')])
    const before = await texts(session)
    const [lsm] = SETTINGS.lanes
    const replayed = await session.replay({ seed: 2, lanes: [{ ...lsm, options: { ...lsm.options, compaction: 'tiered' } }] })
    expect(replayed).toMatchObject({ operations: 31, settings: { seed: 2 } })
    expect(await texts(session)).toEqual(before)
    expect(await session.restore()).toMatchObject({ settings: SETTINGS })
  })

  it('keeps of a generator that was stopped what it had done', async () => {
    const ahead: (number | undefined)[] = []
    const session: Session = new Session(summary => {
      ahead.push(summary.ahead)
      session.stop()
    })
    await session.begin(SETTINGS)
    await session.add([line('ascending 1000 values 8B')])
    expect(ahead).toEqual([800])
    await expect(session.restore()).rejects.toThrow('No operations have been dropped')
    const kept = await texts(session)
    expect(await session.replay(SETTINGS)).toMatchObject({ operations: 200 })
    expect(await texts(session)).toEqual(kept)
  })

  it('shows moments that are there while operations are performed, without changing what comes', async () => {
    const order = new CallOrder()
    const other = new Session()
    await other.begin(SETTINGS)
    const seen: Look[] = []
    let isDone = false
    const done = new Promise<void>(resolve => {
      order.take('add', async () => {
        await other.add([line('random 300 seed 3')])
        isDone = true
        resolve()
      })
    })
    while (!isDone) {
      await new Promise<void>(resolve =>
        order.take('look', async () => {
          seen.push(await other.look({ position: (seen.length * 173) % 1000, around: 0 }))
          setTimeout(resolve)
        }),
      )
    }
    await done
    expect(seen.filter(({ position }) => position > 0).length).toBeGreaterThan(2)
    for (const early of seen.slice(0, 10)) expect(await other.look({ position: early.position, around: 0 })).toEqual(early)
    const alone = new Session()
    await alone.begin(SETTINGS)
    await alone.add([line('random 300 seed 3')])
    expect(await other.digest()).toBe(await alone.digest())
  })

  it('knows the words and the types of the run', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    await session.add(['put apple 1', 'put pear 1', 'get apricot', 'snapshot s', 'snapshot t', 'release s'].map(line))
    expect(await session.words('key', 'ap')).toEqual(['apricot', 'apple'])
    expect(await session.words('snapshot', '')).toEqual(['t'])
    expect(await session.words('lane', 'b')).toEqual(['btree'])
    const types = await session.types()
    expect(types.find(({ type }) => type === 'call')).toEqual({ type: 'call', count: 14 })
    expect(types.map(({ type }) => type)).toEqual(types.map(({ type }) => type).toSorted())
  })
})

describe('a run that would take more memory than it may', () => {
  const line = (text: string): Line => parse(text) as Line

  it('ends early, keeps what it has, and takes more after going back', async () => {
    const session = new Session(undefined, { mostBytes: 2_000_000 })
    await session.begin(SETTINGS)
    const full = await session.add([line('ascending 1000000'), line('put after 1')])
    expect(full.isFull).toBe(true)
    expect(full.moments * 340).toBeGreaterThan(1_000_000)
    expect(full.moments * 340).toBeLessThan(2_200_000)
    expect(await session.script(full.moments)).toEqual([`ascending 1000000 first ${full.operations}`])
    expect(await session.add([line('put after 1')])).toEqual(full)
    const last = await session.look({ position: full.moments, pictures: ['ledger'] })
    expect(last.moment?.kind).toBe('return')
    const less = await session.add([line('put after 1')], 500)
    expect(less.isFull).toBeUndefined()
    expect((await session.script(less.moments)).at(-1)).toBe('put after 1')
    expect((await session.restore()).operations).toBe(full.operations)
  })

  it('that a link asks for ends where the memory does: its position is then the last one, and the next link has what was done', async () => {
    const text = await encodeScenario({ settings: SETTINGS, script: ['ascending 1000000', 'put after 1'], position: 5_000_000 })
    const open = async (link: string): Promise<{ readonly summary: Summary; readonly at: number; readonly next: string }> => {
      const { settings, script, position } = await decodeScenario(link)
      const session = new Session(undefined, { mostBytes: 2_000_000 })
      await session.begin(settings)
      const summary = await session.add(linesOf(script))
      const { position: at } = await session.look({ position, pictures: [] })
      return { summary, at, next: await encodeScenario({ settings, script: await session.script(at), position: at }) }
    }
    const full = await open(text)
    expect(full.summary.isFull).toBe(true)
    expect(full.at).toBe(full.summary.moments)
    const again = await open(full.next)
    expect([again.at, again.summary.operations, again.next]).toEqual([full.at, full.summary.operations, full.next])
  })

  it('counts the bytes of large values', async () => {
    const session = new Session(undefined, { mostBytes: 2_000_000 })
    await session.begin(SETTINGS)
    expect(await session.add([line('ascending 1000 values 64KiB')])).toMatchObject({ isFull: true })
    expect((await session.add([])).operations).toBeLessThan(20)
  })
})

describe('an operation that fails', () => {
  const line = (text: string): Line => parse(text) as Line

  it('says its code and what to do, in the list and in the sentence', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    const texts = ['snapshot s', 'snapshot s', 'reopen', 'get a at s', `put "${'k'.repeat(5000)}" 1`, 'crash none event 1 all']
    const { operations } = await session.add(texts.map(line))
    const rows = await session.operations(0, operations)
    const sentences = await Promise.all(
      rows.map(async row => {
        const position = await session.seek({ from: row.start, direction: 1, at: { type: 'return' }, lane: 1 })
        return (await session.look({ position: position!, pictures: [] })).moment?.sentence ?? ''
      }),
    )
    expect(sentences[1]).toMatch(/: failed \(KVARIUM_INVALID_NAME\): There is a snapshot "s" already: release it, or use another name$/)
    expect(sentences[3]).toMatch(
      /: failed \(KVARIUM_NOTHING_THERE\): There is no snapshot "s": none is held\. Take one by "snapshot NAME"; a reopening ends all of them$/,
    )
    expect(rows[4].text).toMatch(/^put k{37}\.\.\. 1$/)
    const [{ name, engine }] = SETTINGS.lanes
    const { moments } = await session.begin({ seed: 1, lanes: [{ name, engine, options: { fanOut: 1 } }] })
    const opening = await session.look({ position: moments, pictures: [] })
    expect(opening.moment?.sentence).toMatch(/^open lsm: failed \([A-Z_]+\): .*must be an integer from 2 to 100/)
  })
})

describe('the settings of a lane', () => {
  it('are checked by the store itself: option by option, then together', async () => {
    const session = new Session()
    const [lsm, btree] = SETTINGS.lanes
    const check = (lane: LaneSettings, options: LaneSettings['options']): Promise<readonly unknown[]> =>
      session.checkLane({ ...lane, options: { ...lane.options, ...options } })
    expect(await check(lsm, {})).toEqual([])
    expect(await check(lsm, { fanOut: 1, compaction: 'leaveled' })).toEqual([
      { option: 'fanOut', message: 'Option "fanOut" is 1, but must be an integer from 2 to 100 (default 10)' },
      { option: 'compaction', message: expect.stringContaining('Did you mean "leveled"?') as string },
    ])
    expect(await check(btree, { pageSize: 1000 })).toEqual([{ message: expect.stringContaining('a power of two') as string }])
    expect(Object.keys(await session.engineOptions())).toEqual(['lsm', 'btree', 'hash'])
  })

  it('open a store in every kind of lane that the page offers', async () => {
    for (const { lane } of LANE_KINDS) expect(await new Session().checkLane(lane)).toEqual([])
  })
})
