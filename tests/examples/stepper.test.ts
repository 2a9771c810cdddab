import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EngineShape } from '../../src/engine/contract.js'
import type { EventItem, Item, Recording } from '../../packages/lab/src/replay/items.js'
import { record } from '../../examples/lab/lab.js'
import { Replay } from '../../packages/lab/src/replay/replay.js'
import { structureLines } from '../../packages/lab/src/replay/structure-text.js'
import { Stepper, typeOf } from '../../packages/lab/src/replay/stepper.js'
import { foldBtree } from '../../src/btree/fold-shape.js'
import { foldLsm } from '../../src/lsm/fold-shape.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { bytesOfEvent } from '../../packages/lab/src/replay/event-bytes.js'
import { recordingOfBoth } from './support/small-example.js'

let recording: Recording
let items: readonly Item[]
beforeAll(async () => {
  recording = await recordingOfBoth()
  items = recording.items
})

const moves = fc.array(
  fc.oneof(
    fc.constantFrom('next', 'back', 'nextOperation', 'previousOperation', 'reveal'),
    fc.record({ type: fc.constantFrom('file', 'memtable.insert', 'predict', 'nothing', ''), isForth: fc.boolean() }),
    fc.integer({ min: -3, max: 2000 }),
  ),
)

function move(stepper: Stepper, step: string | number | { readonly type: string; readonly isForth: boolean }): boolean {
  if (typeof step === 'number') return stepper.goTo(step)
  if (typeof step === 'object') {
    const matches = (type: string): boolean => type.startsWith(step.type)
    return step.isForth ? stepper.nextOf(matches) : stepper.previousOf(matches)
  }
  return stepper[step as 'next' | 'back' | 'nextOperation' | 'previousOperation' | 'reveal']()
}

/** From one checkpoint to the next, so that there are many. */
const FEW_EVENTS = 7

function at(position: number): Stepper {
  const stepper = new Stepper(items)
  stepper.goTo(position)
  return stepper
}

/** All that is seen at a position. */
function seen(stepper: Stepper, replay: Replay): unknown {
  const { position, item, call, store, guessed } = stepper
  const states = ['animals', 'plants'].map(name => [replay.structure(name, position), replay.files(name, position)])
  return { position, item, call, store, guessed, states }
}

describe('stepping', () => {
  it('a step back leaves what was there before the step, wherever one came from', () => {
    fc.assert(
      fc.property(moves, steps => {
        const stepper = new Stepper(items)
        const replay = new Replay(items, [], FEW_EVENTS)
        for (const step of steps) move(stepper, step)
        const before = seen(stepper, replay)
        if (!stepper.next()) return
        seen(stepper, replay)
        stepper.back()
        expect(seen(stepper, replay)).toEqual(before)
      }),
      { numRuns: 60 },
    )
  })

  it('a jump arrives where single steps do', () => {
    fc.assert(
      fc.property(fc.nat(items.length - 1), fc.array(fc.nat(items.length - 1)), moves, (target, before, steps) => {
        const jumping = new Stepper(items)
        const replay = new Replay(items, [], FEW_EVENTS)
        // Leaves checkpoints behind, from here and there.
        for (const position of before) seen(at(position), replay)
        for (const step of steps) move(jumping, step)
        jumping.goTo(target)
        const walking = new Stepper(items)
        const fresh = new Replay(items)
        while (walking.position < target) walking.next()
        expect(seen(jumping, replay)).toEqual(seen(walking, fresh))
      }),
      { numRuns: 60 },
    )
  })

  it('a move that leads nowhere says so and stays', () => {
    fc.assert(
      fc.property(moves, steps => {
        const stepper = new Stepper(items)
        for (const step of steps) {
          const { position } = stepper
          const hasMoved = move(stepper, step)
          expect(stepper.position >= 0 && stepper.position <= stepper.last).toBe(true)
          if (!hasMoved) expect(stepper.position).toBe(position)
        }
      }),
    )
  })

  it('operations are calls and what many operations in one call begin', () => {
    const stepper = new Stepper(items)
    const stops: number[] = []
    while (stepper.nextOperation() && stops.length < items.length) stops.push(stepper.position)
    const expected = items.flatMap((item, i) =>
      item.kind === 'call' || (typeOf(item) === 'operation.begin' && items[i - 1].kind !== 'call') ? [i] : [],
    )
    expect(stops).toEqual(expected)
    const back = [stepper.position]
    while (stepper.previousOperation() && back.length < items.length) back.unshift(stepper.position)
    expect(back).toEqual(expected)
    // Forty puts in one call: the first begins with the call.
    const many = items.findIndex(item => item.kind === 'call' && item.text === 'many puts')
    const after = items.findIndex(item => item.kind === 'call' && item.text === 'flush again')
    expect(expected.filter(at => at >= many && at < after)).toHaveLength(40)
  })

  it('a call is under way from its beginning to its end, and not between calls', () => {
    const stepper = new Stepper(items)
    let under: Item | undefined
    for (;;) {
      const { item } = stepper
      if (item.kind === 'call') under = item
      expect(stepper.call).toBe(under)
      if (item.kind === 'return') under = undefined
      if (!stepper.next()) break
    }
  })

  it('the stores to look at are that of the current item and the open ones', () => {
    const stepper = new Stepper(items)
    const storesAt = (position: number): readonly string[] => {
      stepper.goTo(position)
      return stepper.stores
    }
    const opened = items.findLastIndex(item => typeOf(item) === 'engine.open')
    expect(storesAt(0)).toEqual([])
    expect(storesAt(items.findIndex(item => typeOf(item) === 'log.append'))).toEqual(['animals'])
    expect(storesAt(opened - 1)).toEqual(['plants'])
    expect(storesAt(items.length - 1)).toEqual(['plants'])
  })

  it('of stores that are open at once, all are to be looked at, until they close', async () => {
    const { items: both } = await record(0, 'both', {
      question: 'Both?',
      async run(lab) {
        const first = await lab.open('/first', { name: 'first' })
        const second = await lab.open('/second', { name: 'second', engine: 'btree' })
        await lab.do(first, 'put', () => first.put('a', '1'))
        await first.close()
        await lab.do(second, 'put', () => second.put('a', '1'))
        await second.close()
      },
    })
    const stepper = new Stepper(both)
    const seenAt = both.map((item, position) => {
      stepper.goTo(position)
      return item.kind === 'call' ? stepper.stores.join() : undefined
    })
    expect(seenAt.filter(stores => stores !== undefined)).toEqual(['first', 'first,second', 'first,second', 'second'])
  })

  it('a guess belongs to its question', () => {
    const stepper = new Stepper(items)
    expect(stepper.guess('too early')).toBe(false)
    stepper.nextOf(type => type === 'predict')
    expect(stepper.guess('two')).toBe(true)
    stepper.reveal()
    expect([stepper.item.kind, stepper.guessed]).toEqual(['reveal', 'two'])
    stepper.goTo(0)
    expect(stepper.guessed).toBeUndefined()
  })

  it('nothing to step through is refused', () => {
    expect(() => new Stepper([])).toThrow(/empty/)
  })
})

describe('the state as of a step', () => {
  it.each([
    { store: 'animals', fold: foldLsm },
    { store: 'plants', fold: foldBtree },
  ])('the structure of $store is what their events up to there fold to', ({ store, fold }) => {
    const replay = new Replay(items, [], FEW_EVENTS)
    const end = items.length - 1
    for (const position of [end, 40, 90, 41, 5, 200, end - 20, end - 60, end - 21]) {
      const events = items.slice(0, position + 1).flatMap(item => (item.kind === 'event' && item.store === store ? [item.event] : []))
      if (events.length === 0) expect(replay.structure(store, position)).toBe(`The store "${store}" is not open yet.`)
      else expect(replay.structure(store, position)).toEqual(fold(events))
    }
  })

  it('what the run has put is in the structures at its end', () => {
    const replay = new Replay(items)
    const animals = replay.structure('animals', items.length - 1) as EngineShape
    const plants = replay.structure('plants', items.length - 1) as EngineShape
    expect(animals.levels!.reduce((sum, level) => sum + level.entries, 0)).toBe(41)
    expect([plants['entries'], plants['height']]).toEqual([1, 1])
  })

  it('a file holds what was written to it up to there', () => {
    const replay = new Replay(items)
    const log = '000001.log'
    const writes = items.flatMap((item, position) =>
      item.kind === 'event' && item.store === 'animals' && item.event.type === 'file.write' && item.event.file === log
        ? [{ position, event: item.event }]
        : [],
    )
    for (const { position, event } of writes) {
      const file = replay.file('animals', log, position)!
      expect(file.isWhole).toBe(true)
      expect(file.bytes.length).toBe(event.offset + event.length)
      expect(file.bytes.subarray(event.offset)).toEqual(event.bytes)
      expect(replay.file('animals', log, position - 1)?.bytes.length ?? 0).toBe(event.offset)
    }
    expect(writes.length).toBeGreaterThan(1)
  })

  it('every write of the run is shown with what its bytes are, and nothing is wrong with them', async () => {
    const replay = new Replay(items)
    let annotated = 0
    for (const [position, item] of items.entries()) {
      if (item.kind !== 'event' || item.event.type !== 'file.write') continue
      const { title, lines } = (await bytesOfEvent(items, replay, position, 1000))!
      expect(title).toBe(`${item.event.length} bytes at offset ${item.event.offset} of ${item.event.file}`)
      const text = lines.join('\n')
      expect(text, title).not.toMatch(/checksum;|damaged|unreadable|cut off/)
      if (/\.(log|sst|btree)$|MANIFEST/.test(item.event.file)) annotated += /[a-z]{3,}: /.test(text) ? 1 : 0
    }
    expect(annotated).toBeGreaterThan(40)
  })

  it('what was in a file before it was watched is not made up', async () => {
    const write = items.findIndex(item => item.kind === 'event' && item.event.type === 'file.write' && item.event.file === '000001.log')
    const { event, ...rest } = items[write] as EventItem
    const opened = { type: 'file.open', file: '000001.log', writable: true, sequence: 1, operation: 0, job: 0, atMs: 0 } as const
    const grown: Item[] = [
      { ...rest, event: opened },
      { ...rest, event: { ...event, offset: 16 } as TraceEvent },
    ]
    const replay = new Replay(grown)
    const file = replay.file('animals', '000001.log', 1)!
    expect([file.isWhole, file.bytes.length]).toEqual([false, 32])
    const { title, lines } = (await bytesOfEvent(grown, replay, 1, 10))!
    expect(title).toBe('16 bytes at offset 16 of 000001.log')
    expect(lines[0]).toMatch(/^000010 {2}4b 56 41 52 57 41 4c .. {2}KVARWAL\.$/)
  })

  it('a store that is opened again begins anew, with files of which only what is written now is known', async () => {
    const again = await record(0, 'again', {
      question: 'Again?',
      async run(lab) {
        for (const key of ['a', 'b']) {
          const db = await lab.open('/again', { name: 'again' })
          await lab.do(db, 'put', () => db.put(key, 'x'))
          await db.close()
        }
      },
    })
    const replay = new Replay(again.items)
    const end = again.items.length - 1
    const second = again.items.findIndex((item, i) => i > 2 && item.kind === 'call' && item.text === 'open /again')
    const log = '000001.log'
    expect(replay.file('again', log, second)).toMatchObject({ isWhole: true })
    expect(replay.files('again', second + 1)).not.toContain(log)
    const events = again.items.flatMap(item => (item.kind === 'event' ? [item.event] : []))
    expect(replay.structure('again', end)).toEqual(foldLsm(events))
    expect(replay.structure('again', second)).toEqual(
      foldLsm(events.slice(0, again.items.slice(0, second).filter(({ kind }) => kind === 'event').length)),
    )
  })

  it('a structure that the trace level does not record is reported', async () => {
    const quiet = await record(0, 'quiet', {
      question: 'Quiet?',
      async run(lab) {
        const lsm = await lab.open('/lsm', { name: 'lsm', level: 'job' })
        await lsm.put('a', '1')
        await lsm.flush()
        await lsm.put('b', '2')
        await lsm.close()
        // Another trace, of a higher level.
        await (await lab.open('/lsm', { name: 'lsm' })).close()
        await (await lab.open('/btree', { name: 'btree', engine: 'btree', level: 'io' })).close()
        await (await lab.open('/quiet', { name: 'quiet', engine: 'btree', level: 'job' })).close()
        await (await lab.open('/memory', { name: 'memory', engine: 'memory' })).close()
      },
    })
    const replay = new Replay(quiet.items)
    const end = quiet.items.length - 1
    // Flushes are recorded at every trace level, inserts are not.
    const again = quiet.items.findLastIndex(item => item.kind === 'call' && item.text === 'open /lsm')
    expect((replay.structure('lsm', end) as EngineShape)['memtable']).toMatchObject({ entries: 1 })
    const lsm = replay.structure('lsm', again) as EngineShape
    expect([lsm.levels?.[0].tables, lsm['memtable']]).toEqual([1, undefined])
    expect(structureLines(lsm).join('\n')).toContain('memtable: unknown')
    expect(replay.structure('quiet', end)).toMatch(/record a trace of level io/)
    expect(replay.structure('btree', end)).toMatchObject({ engine: 'btree', entries: 0 })
    expect(replay.structure('memory', end)).toMatch(/Nothing is known of the structure of the store "memory"/)
  })

  it('a page is shown where it was written, once the tree leads to it', async () => {
    const position = items.findIndex(item => typeOf(item) === 'page.write')
    const { title, lines } = (await bytesOfEvent(items, new Replay(items), position, 100))!
    expect(title).toMatch(/^\d+ bytes at offset \d+ of data\.btree$/)
    expect(lines.join('\n')).toMatch(/leaf at unit \d+: level 0, 1 entry, "oak" to "oak"/)
  })

  it('lines beyond the limit are not shown, but where they begin is said', async () => {
    const position = items.findIndex(item => typeOf(item) === 'table.block')
    const bytes = (await bytesOfEvent(items, new Replay(items), position, 3))!
    expect(bytes.lines).toHaveLength(3)
    expect(bytes.nextOffset).toBeGreaterThanOrEqual(0)
  })
})
