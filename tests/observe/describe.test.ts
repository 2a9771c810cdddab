import fc from 'fast-check'
import { describe as suite, expect, it } from 'vitest'
import type { EventBody } from '../../src/trace/events.js'
import { describe } from '../../src/observe/describe.js'
import { anyEvent, EVENT_TYPES } from '../trace/support/any-event.js'

function said(body: EventBody): string {
  return describe({ ...body, sequence: 1, operation: 1, job: 0, atMs: 0 })
}

suite('the sentence of an event', () => {
  it.each(EVENT_TYPES)('is one, whatever is in a %s', type => {
    fc.assert(
      fc.property(anyEvent(type), event => {
        const sentence = describe(event)
        expect(sentence).toMatch(/^[^a-z].*\.$/s)
        expect(sentence).not.toMatch(/undefined|\[object|NaN bytes|function/)
      }),
    )
  })

  it('names keys as text where they are text, in hex where not, and cut where they are long', () => {
    const get = (key: Uint8Array): string => said({ type: 'operation.begin', kind: 'get', key })
    expect(get(new TextEncoder().encode('ada'))).toBe('A get starts, for "ada".')
    expect(get(new Uint8Array([255, 1]))).toBe('A get starts, for 0xff01.')
    expect(get(new Uint8Array(100).fill(97)).length).toBeLessThan(70)
  })

  it('knows one from many', () => {
    const append = { type: 'log.append', log: 3, firstSequence: 9, offset: 16, length: 1, userBytes: 2 } as const
    expect(said({ ...append, entries: 1 })).toBe('1 operation, starting at sequence number 9, is appended to log 3: 1 byte at offset 16.')
    expect(said({ ...append, entries: 2, length: 4000 })).toMatch(/^2 operations, .* are .* 4,000 bytes/)
  })

  it('names no log 0, which is none', () => {
    expect(said({ type: 'memtable.freeze', log: 0, entries: 1, bytes: 120 })).toBe(
      'The memtable becomes immutable with 1 version in 120 bytes.',
    )
    expect(said({ type: 'memtable.drop', log: 3, entries: 1 })).toMatch(/^The immutable memtable of log 3 with 1 version/)
    expect(said({ type: 'memtable.new', log: 0, bytesUsed: 84, capacityBytes: 96 })).toMatch(/of 96 bytes takes over\.$/)
  })

  it('does not say that a filter was probed at no bits', () => {
    expect(said({ type: 'bloom.probe', file: 4, positions: [], mayContain: true })).toBe(
      'The filter of table 4 is probed: the key may be there.',
    )
    expect(said({ type: 'bloom.probe', file: 4, positions: [7], mayContain: false })).toMatch(/probed at 1 bit: the key is not there/)
  })

  it('says who waits, and why', () => {
    expect(said({ type: 'stall.begin', reason: 'level 0 is full' })).toBe('The writer waits: level 0 is full.')
    expect(said({ type: 'stall.end', waitedMs: 1.23456 })).toBe('The writer waited 1.235 ms and continues.')
  })
})
