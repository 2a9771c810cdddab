import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/errors.js'
import { jsonLines, parseJsonLines } from '../../src/observe/json-lines.js'
import { anyEvents } from '../trace/support/any-event.js'
import { ENGINES, mixedLoad, openTraced, simulated } from '../trace/support/traced-runs.js'

const HEADER = '{"kvarium-trace":1}\n'

function reading(text: string): () => unknown {
  return () => parseJsonLines(text)
}

describe('a trace as JSON lines', () => {
  it('is read back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(anyEvents, events => {
        expect(parseJsonLines([...jsonLines(events)].join(''))).toStrictEqual(events)
      }),
    )
  })

  it.each(Object.entries(ENGINES))('is read back as %s emitted it', async (_name, options) => {
    const { db, events } = await openTraced({ environment: simulated(1), options })
    await mixedLoad(db, 1, 40)
    await db.close()
    expect(parseJsonLines([...jsonLines(events)].join(''))).toStrictEqual(events)
  })

  it('is read under an earlier name of a field', () => {
    const dropped = { shadowed: 0, covered: 0, tombstones: 0 }
    const fields = { sequence: 1, operation: 0, job: 1, atMs: 0, type: 'merge.end', entriesRead: 3, dropped, tables: [4] }
    const line = JSON.stringify({ ...fields, untold: 2 })
    expect(parseJsonLines(`${HEADER}${line}\n`)).toStrictEqual([{ ...fields, notRecorded: 2 }])
  })

  it('shows text as text and other bytes in hex', () => {
    const bytes = [new TextEncoder().encode('ädä'), new Uint8Array([0xff, 0])]
    const [, ...lines] = jsonLines(
      bytes.map(key => ({ type: 'operation.begin', kind: 'get', key, sequence: 1, operation: 1, job: 0, atMs: 0 })),
    )
    expect(lines.map(line => /"key":({.*?})/.exec(line)?.[1])).toEqual(['{"utf8":"ädä"}', '{"hex":"ff00"}'])
  })

  it.each([
    ['no header', '{"type":"file.sync"}', /Line 1 of a trace must be {"kvarium-trace":1}/],
    ['another version', '{"kvarium-trace":2}\n', /Line 1/],
    ['nothing at all', '', /not the end/],
    ['a line that is not JSON', `${HEADER}{"a":\n`, /Line 2 of the trace/],
    ['an unknown type', `${HEADER}{"type":"file.explode"}\n`, /Line 2.*no event of type "file.explode"/],
    ['a missing field', `${HEADER}{"sequence":1,"operation":0,"job":1,"atMs":0,"type":"file.sync"}\n`, /field "file" is missing/],
    ['a field too many', `${HEADER}{"sequence":1,"operation":0,"job":1,"atMs":0,"type":"file.sync","file":"a","x":1}\n`, /no field "x"/],
    [
      'a wrong kind',
      `${HEADER}{"sequence":1,"operation":0,"job":1,"atMs":0,"type":"file.sync","file":7}\n`,
      /"file" must be a string, not 7/,
    ],
    [
      'half a byte',
      `${HEADER}{"sequence":1,"operation":1,"job":0,"atMs":0,"type":"operation.begin","kind":"get","key":{"hex":"0"}}\n`,
      /"key" must be/,
    ],
    ['an empty line', `${HEADER}\n`, /Line 2/],
  ])('refuses %s and names the line', (_name, text, message) => {
    expect(reading(text)).toThrow(FormatError)
    expect(reading(text)).toThrow(message)
  })
})
