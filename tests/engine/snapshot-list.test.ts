import { describe, expect, it } from 'vitest'
import { ExpiryClock } from '../../src/engine/expiry-clock.js'
import { SnapshotList } from '../../src/engine/snapshot-list.js'

const clock = new ExpiryClock({ now: () => 0, wallTime: () => 0 })

describe('the snapshot list', () => {
  it('names each live moment once, ascending', () => {
    const list = new SnapshotList(clock, () => {})
    const [one] = [list.take(3), list.take(3), list.take(7)]
    expect([list.sequences(), list.count]).toEqual([[3, 7], 3])
    one.release()
    expect([list.sequences(), list.count]).toEqual([[3, 7], 2])
  })

  it('reports when the oldest is released, and only then', () => {
    let released = 0
    const list = new SnapshotList(clock, () => released++)
    const [oldest, middle, newest] = [1, 2, 3].map(sequence => list.take(sequence))
    middle.release()
    newest.release()
    expect(released).toBe(0)
    oldest.release()
    oldest.release()
    expect([released, list.count]).toEqual([1, 0])
  })

  it('refuses a snapshot that was released, or that another engine made', () => {
    const list = new SnapshotList(clock, () => {})
    const snapshot = list.take(5)
    expect([list.resolve(snapshot, 9), list.resolve(undefined, 9)]).toEqual([5, 9])
    snapshot.release()
    expect(() => list.resolve(snapshot, 9)).toThrow('has been released')
    expect(() => list.resolve({ release: () => {} }, 9)).toThrow('not from this engine')
  })

  it('refuses a snapshot of another store of the same kind', () => {
    const [here, there] = [new SnapshotList(clock, () => {}), new SnapshotList(clock, () => {})]
    expect(() => here.resolve(there.take(1), 9)).toThrow('not from this engine')
  })
})
