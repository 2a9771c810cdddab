/** Hazards: a state that depends on the way to it, and a jump or a step back that folds the whole run. */
import fc from 'fast-check'
import type { TraceEvent } from 'kvarium/trace'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Fold } from '../../packages/explorer/src/views/fold.js'
import { Track } from '../../packages/explorer/src/views/track.js'

const EVENTS = 9321
const lane = { events: Array.from({ length: EVENTS }, (_, index) => ({ sequence: index + 1 }) as TraceEvent), found: [] }
let folded = 0

/** Keeps the sum of the numbers of its events. */
class SumFold implements Fold<number> {
  #sum = 0

  apply({ sequence }: TraceEvent): void {
    folded++
    this.#sum += sequence
  }

  clone(): SumFold {
    const clone = new SumFold()
    clone.#sum = this.#sum
    return clone
  }

  picture(): number {
    return this.#sum
  }
}

const newTrack = (): Track => new Track(() => ({ sum: new SumFold() }), lane)
const sumAt = (track: Track, count: number): unknown => track.at(count).sum.picture()

describe('a track', () => {
  let track: Track
  beforeEach(() => {
    track = newTrack()
    track.foldAll()
    folded = 0
  })

  it('has the same at a place from wherever one comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(EVENTS), { minLength: 1, maxLength: 30 }), fc.boolean(), (places, isFolded) => {
        const walked = newTrack()
        if (isFolded) walked.foldAll()
        for (const count of places) expect(sumAt(walked, count)).toBe((count * (count + 1)) / 2)
      }),
      { seed: 16, numRuns: 50 },
    )
  })

  it('folds nothing for the end, and at most 2,000 events for a jump', () => {
    sumAt(track, EVENTS)
    expect(folded).toBe(0)
    for (let jump = 0; jump < 100; jump++) {
      folded = 0
      sumAt(track, (jump * 5779) % EVENTS)
      expect(folded).toBeLessThan(2000)
    }
  })

  it('folds one event for a step, and few for a step back', () => {
    sumAt(track, 5000)
    folded = 0
    for (let count = 5001; count <= 5500; count++) sumAt(track, count)
    expect(folded).toBe(500)
    folded = 0
    for (let count = 5499; count > 5000; count--) sumAt(track, count)
    expect(folded / 500).toBeLessThan(110)
  })
})
