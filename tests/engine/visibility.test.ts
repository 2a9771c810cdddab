import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSeenBetween } from '../../src/engine/visibility.js'

describe('which versions a snapshot sees', () => {
  it('a snapshot keeps the version of its own sequence number, and none at or behind the newer one', () => {
    expect(isSeenBetween([], 1, 9)).toBe(false)
    expect(isSeenBetween([4], 4, 5)).toBe(true)
    expect(isSeenBetween([5], 4, 5)).toBe(false)
    expect(isSeenBetween([3], 4, 5)).toBe(false)
  })

  it('finds the snapshot among any number of others', () => {
    const number = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(fc.array(number), number, number, (numbers, older, newer) => {
        const snapshots = [...numbers].sort((a, b) => a - b)
        expect(isSeenBetween(snapshots, older, newer)).toBe(snapshots.some(snapshot => snapshot >= older && snapshot < newer))
      }),
    )
  })
})
