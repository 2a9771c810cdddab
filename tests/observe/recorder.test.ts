import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TraceEvent } from '../../src/trace/events.js'
import { Recorder } from '../../src/observe/recorder.js'
import { Rewind } from '../../src/observe/rewind.js'
import { Trace } from '../../src/trace/span.js'

function emitTo(recorder: Recorder, count: number, name = 'a'): void {
  const trace = new Trace({ listener: recorder.listener })
  for (let i = 0; i < count; i++) trace.emit({ type: 'file.sync', file: name })
}

function sequences(events: readonly TraceEvent[]): number[] {
  return events.map(event => event.sequence)
}

describe('a recorder', () => {
  it('drops the oldest events when it is full, and says how many', () => {
    const recorder = new Recorder({ maxEvents: 3 })
    emitTo(recorder, 5000)
    expect([sequences(recorder.events), recorder.length, recorder.dropped]).toEqual([[4998, 4999, 5000], 3, 4997])
  })

  it('stops for good when it is full, if that is wanted', () => {
    const recorder = new Recorder({ maxEvents: 3, whenFull: 'stop' })
    emitTo(recorder, 10)
    expect([sequences(recorder.events), recorder.dropped]).toEqual([[1, 2, 3], 7])
  })

  it('never holds more bytes than it may, however large events are', () => {
    for (const whenFull of ['drop-oldest', 'stop'] as const) {
      const recorder = new Recorder({ maxBytes: 10_000, whenFull })
      emitTo(recorder, 50, 'x'.repeat(1000))
      expect(recorder.bytes).toBeLessThanOrEqual(10_000)
      expect(recorder.length).toBeGreaterThan(5)
      expect(recorder.length + recorder.dropped).toBe(50)
    }
  })

  it('after stopping for a large event takes no small one: a gap would go unnoticed', () => {
    const recorder = new Recorder({ maxBytes: 2000, whenFull: 'stop' })
    const trace = new Trace({ listener: recorder.listener })
    for (const length of [1, 5000, 1]) trace.emit({ type: 'file.sync', file: 'x'.repeat(length) })
    expect([recorder.length, recorder.dropped]).toEqual([1, 2])
  })

  it('gives out ranges of what it has', () => {
    const recorder = new Recorder({ maxEvents: 10 })
    emitTo(recorder, 25)
    expect(sequences(recorder.range(18, 20))).toEqual([18, 19, 20])
    expect(sequences(recorder.range(1, 17))).toEqual([16, 17])
    expect(sequences(recorder.range(24))).toEqual([24, 25])
    recorder.clear()
    expect([recorder.length, recorder.bytes]).toEqual([0, 0])
  })

  it.each([{ maxEvents: 0 }, { maxBytes: Number.NaN }])('refuses %o', options => {
    expect(() => new Recorder(options)).toThrow(TypeError)
  })
})

describe('stepping back', () => {
  const folding = {
    initial: (): number[] => [],
    apply: (state: number[], event: TraceEvent): number[] => (state.push(event.sequence), state),
    copy: (state: number[]): number[] => [...state],
  }
  const upTo = (sequence: number): number[] => Array.from({ length: sequence }, (_, i) => i + 1)

  it('finds the state as of any event, in any order, also where older events were dropped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 20 }),
        (maxEvents, every, wanted) => {
          const recorder = new Recorder({ maxEvents })
          const rewind = new Rewind(recorder, folding, every)
          emitTo(recorder, 60)
          for (const sequence of wanted) expect(rewind.stateAt(sequence)).toEqual(upTo(Math.max(sequence, 60 - maxEvents)))
        },
      ),
    )
  })

  it('goes on when more was emitted, and gives out copies', () => {
    const recorder = new Recorder({ maxEvents: 20 })
    const rewind = new Rewind(recorder, folding, 4)
    const trace = new Trace({ listener: recorder.listener })
    for (let sequence = 1; sequence <= 100; sequence++) {
      trace.emit({ type: 'file.sync', file: 'a' })
      rewind.stateAt(sequence).length = 0
      expect(rewind.stateAt(sequence)).toEqual(upTo(sequence))
    }
  })

  it('refuses to begin where events are gone already', () => {
    const recorder = new Recorder({ maxEvents: 1 })
    emitTo(recorder, 2)
    expect(() => new Rewind(recorder, folding)).toThrow(/dropped/)
  })
})
