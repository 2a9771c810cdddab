import { BEFORE_EVERY_EXPIRY, EXPIRY_BYTES, writeExpiry } from '../../../src/codec/expiry.js'
import { describe, expect, it } from 'vitest'
import { ByteView, KIND_DELETE, KIND_PUT, KIND_PUT_EXPIRING, type EntryKind } from '../../../src/codec/entry.js'
import { Retention } from '../../../src/lsm/compaction/retention.js'
import { RangeTombstones, type RangeTombstone } from '../../../src/lsm/read/range-tombstones.js'
import { SavedKey } from '../../../src/lsm/read/saved-key.js'
import type { KeyBounds } from '../../../src/lsm/versions/table-file.js'
import { keyOf } from '../../contract/support/opened-engine.js'

type Entry = readonly [key: string, sequence: number, kind?: EntryKind]

const bounds = (smallest: string, largest: string): KeyBounds => ({ smallest: keyOf(smallest), largest: keyOf(largest) })
const range = (first: string, last: string, sequence: number): RangeTombstone => ({ first: keyOf(first), last: keyOf(last), sequence })

/** What of the entries, in internal order, goes on into the output, and the reasons of the others. */
function merge(
  entries: readonly Entry[],
  { snapshots = [], older = [], ranges = [] }: { snapshots?: number[]; older?: KeyBounds[]; ranges?: RangeTombstone[] } = {},
): { kept: string[]; reasons: string[]; dropped: Retention['dropped'] } {
  const retention = new Retention(snapshots, BEFORE_EVERY_EXPIRY, older, RangeTombstones.of(ranges, snapshots))
  const saved = new SavedKey()
  const kept: string[] = []
  const reasons: string[] = []
  for (const [text, sequence, kind = KIND_PUT] of entries) {
    const view = new ByteView()
    view.set(keyOf(text), 0, keyOf(text).length)
    const first = !saved.equals(view)
    saved.save(view)
    if (retention.keeps(view, saved, first, sequence, kind, new ByteView())) kept.push(`${text}@${sequence}`)
    else reasons.push(`${text}@${sequence} ${retention.dropReason}`)
  }
  return { kept, reasons, dropped: retention.dropped }
}

describe('versions of a key', () => {
  it('under a newer one go, if no snapshot lies between them', () => {
    expect(
      merge([
        ['a', 9],
        ['a', 5],
        ['a', 1],
        ['b', 2],
      ]).kept,
    ).toEqual(['a@9', 'b@2'])
  })

  it('stay for the snapshots that see them: one at or after it, and before the next newer one', () => {
    const versions: Entry[] = [
      ['a', 9],
      ['a', 5],
      ['a', 1],
    ]
    expect(merge(versions, { snapshots: [5] }).kept).toEqual(['a@9', 'a@5'])
    expect(merge(versions, { snapshots: [4] }).kept).toEqual(['a@9', 'a@1'])
    expect(merge(versions, { snapshots: [1, 8] }).kept).toEqual(['a@9', 'a@5', 'a@1'])
    expect(merge(versions, { snapshots: [9] }).kept).toEqual(['a@9'])
  })

  it('are hidden by versions that were dropped themselves', () => {
    const { kept, reasons } = merge([
      ['a', 9, KIND_DELETE],
      ['a', 5],
      ['a', 1],
    ])
    expect(kept).toEqual([])
    expect(reasons).toEqual(['a@9 tombstone-dropped', 'a@5 shadowed', 'a@1 shadowed'])
  })

  it('under a range tombstone go, unless a snapshot from before it sees them', () => {
    const ranges = [range('a', 'c', 6)]
    const entries: Entry[] = [
      ['a', 9],
      ['a', 5],
      ['b', 4],
      ['d', 3],
    ]
    const { kept, dropped } = merge(entries, { ranges })
    expect(kept).toEqual(['a@9', 'd@3'])
    expect(dropped).toEqual({ shadowed: 1, covered: 1, tombstones: 0, expired: 0 })
    expect(merge(entries, { ranges, snapshots: [4] }).kept).toEqual(['a@9', 'b@4', 'd@3'])
  })
})

describe('a tombstone', () => {
  it('stays while a table that is older than the output may hold its key', () => {
    const entries: Entry[] = [
      ['a', 9, KIND_DELETE],
      ['c', 9, KIND_DELETE],
      ['e', 9, KIND_DELETE],
      ['g', 9, KIND_DELETE],
    ]
    expect(merge(entries, { older: [bounds('b', 'c'), bounds('g', 'h')] }).kept).toEqual(['c@9', 'g@9'])
  })

  it('stays while a snapshot is older than it', () => {
    const entries: Entry[] = [
      ['a', 9, KIND_DELETE],
      ['a', 2],
    ]
    expect(merge(entries, { snapshots: [3] }).kept).toEqual(['a@9', 'a@2'])
    expect(merge(entries, { snapshots: [9] }).kept).toEqual([])
  })

  it('over a range goes on into the output by the same rule', () => {
    const keeps = (snapshots: number[], older: KeyBounds[]): boolean =>
      new Retention(snapshots, BEFORE_EVERY_EXPIRY, older, undefined).keepsRange(range('c', 'e', 7))
    expect(keeps([], [])).toBe(false)
    expect(keeps([6], [])).toBe(true)
    expect(keeps([7], [])).toBe(false)
    for (const [smallest, largest, isUnder] of [
      ['a', 'b', false],
      ['a', 'c', true],
      ['d', 'd', true],
      ['e', 'z', true],
      ['f', 'z', false],
    ] as const) {
      expect(keeps([], [bounds(smallest, largest)]), `${smallest} to ${largest}`).toBe(isUnder)
    }
  })
})

describe('an expired version', () => {
  const expiring = (expiry: number): ByteView => {
    const stored = new Uint8Array(EXPIRY_BYTES + 2)
    writeExpiry(stored, 0, expiry)
    const view = new ByteView()
    view.set(stored, 0, stored.length)
    return view
  }
  /** Whether a version with sequence number 5 that is due at 100 goes on, and as what. */
  const fateOf = (horizon: number, snapshots: number[] = [], older: KeyBounds[] = []): string => {
    const retention = new Retention(snapshots, horizon, older, undefined)
    const key = new ByteView()
    key.set(keyOf('b'), 0, 1)
    const saved = new SavedKey()
    saved.save(key)
    const isKept = retention.keeps(key, saved, true, 5, KIND_PUT_EXPIRING, expiring(100))
    return isKept ? (retention.isTombstone ? 'tombstone' : 'value') : retention.dropReason
  }

  it('goes once it is due for the oldest reader, not before', () => {
    expect([fateOf(99), fateOf(100)]).toEqual(['value', 'expired'])
  })

  it('leaves a tombstone while it may hide something older, in a table or from a snapshot', () => {
    expect(fateOf(100, [], [bounds('a', 'c')])).toBe('tombstone')
    expect(fateOf(100, [], [bounds('c', 'd')])).toBe('expired')
    expect([fateOf(100, [4]), fateOf(100, [5])]).toEqual(['tombstone', 'expired'])
  })
})
