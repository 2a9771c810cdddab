/** Hazards: a key that turns a sentence around, hides in it, or commands a terminal; a name cut in the middle of a character. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wordText } from '../../packages/explorer/src/run/command.js'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { quotedText, shortText, shownBytes, visibleText } from '../../src/codec/shown-text.js'
import { describe as sentenceOf } from '../../src/observe/describe.js'
import { HOSTILE, RAW } from './support/hostile.js'
import { SETTINGS } from './support/settings.js'
import { slice } from '../support/thoroughness.js'

const HARMLESS = ['a', 'Z', '0', ' ', '"', '\\', '<script>', '&amp;', '${x}', '#', ';', '-', 'é', 'ש', '漢', '👍', 'sync', '100B']

const text = fc
  .array(fc.oneof({ arbitrary: fc.constantFrom(...HOSTILE), weight: 2 }, { arbitrary: fc.constantFrom(...HARMLESS), weight: 1 }), {
    minLength: 1,
    maxLength: 12,
  })
  .map(parts => parts.join(''))
const key = fc.oneof({ arbitrary: text, weight: 4 }, { arbitrary: text.map(part => part.repeat(60)), weight: 1 })

/** All texts in a plain value, with where they are. */
function* textsOf(value: unknown, path = ''): Generator<readonly [path: string, text: string]> {
  if (typeof value === 'string') yield [path, value]
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
    for (const [name, part] of Object.entries(value)) yield* textsOf(part, `${path}.${name}`)
}

function expectVisible(what: string, value: unknown): void {
  for (const [path, shown] of textsOf(value)) {
    // Receipts are several lines.
    for (const line of what === 'receipt' ? shown.split('\n') : [shown])
      if (RAW.test(line)) expect.fail(`${what}${path}: ${JSON.stringify(line)}`)
  }
}

describe('what is shown of hostile texts', () => {
  it('has no character that cannot be seen, and gives the text again', () => {
    fc.assert(
      fc.property(key, given => {
        expect(quotedText(given)).not.toMatch(RAW)
        expect(wordText(given)).not.toMatch(RAW)
        expect(visibleText(JSON.stringify({ given }))).not.toMatch(RAW)
        expect(JSON.parse(quotedText(given))).toBe(given)
        expect(JSON.parse(visibleText(JSON.stringify({ given })))).toEqual({ given })
        expect(shownBytes(new TextEncoder().encode(given))).not.toMatch(RAW)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('is never half a character where it is cut', () => {
    for (let most = 5; most < 12; most++) expect(shortText('👍'.repeat(8), most)).toMatch(/^(👍)+\.\.\.$/u)
    expect(shortText('abc', 3)).toBe('abc')
    expect(shortText('abcdef', 5)).toBe('ab...')
  })

  it('has none in the sentences of events, whatever files and errors are called', () => {
    fc.assert(
      fc.property(key, name => {
        const base = { seq: 1, atMs: 0, operation: 0, job: 1 }
        expect(sentenceOf({ ...base, type: 'file.create', file: name } as never)).not.toMatch(RAW)
        expect(
          sentenceOf({ ...base, type: 'job.end', kind: 'flush', status: 'failed', bytesRead: 0, bytesWritten: 0, error: name } as never),
        ).not.toMatch(RAW)
      }),
      { seed: 2, numRuns: 100 },
    )
  })

  it('has none in sentences, lists, histories, bytes, receipts, comparisons and crashes of a run', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 3, maxLength: 4 }), text, text, async (keys, value, name) => {
        const session = new Session()
        await session.begin(SETTINGS)
        const operations: readonly Operation[] = [
          ...keys.map((each): Operation => ({ type: 'put', key: each, value })),
          { type: 'snapshot', name },
          { type: 'get', key: keys[0], snapshot: name },
          { type: 'snapshot', name },
          { type: 'batch', operations: keys.map(each => ({ type: 'put' as const, key: each, value: each })) },
          { type: 'flush' },
          { type: 'del', key: keys[1] },
          { type: 'get', key: keys[2] },
          { type: 'range', from: keys[0] },
          { type: 'clear', from: keys[0], to: `${keys[0]}x` },
          { type: 'release', name },
          { type: 'get', key: keys[0], snapshot: name },
        ]
        const { moments } = await session.add(operations.map(operation => ({ operation })))
        for (let position = 4; position <= moments; position += 8)
          expectVisible('look', (await session.look({ position, pictures: [] })).around)
        const rows = await session.operations(0, operations.length)
        expectVisible(
          'rows',
          rows.map(({ text: shown }) => shown),
        )
        for (const lane of [0, 1]) {
          for (const each of keys) {
            expectVisible('history', await session.history({ lane, kind: 'key', key: each }, moments))
            const { key: _, ...places } = (await session.keyPlaces(lane, each, moments))!
            expectVisible('places', places)
          }
          expectVisible('history', await session.history({ lane, kind: 'snapshot', name }, moments))
          const { files } = (await session.look({ position: moments, pictures: ['files'] })).lanes[lane].pictures.files!
          for (const { name: file } of files) expectVisible('hex', await session.hex({ lane, position: moments, file, rows: 60 }))
          expectVisible('receipt', await session.receipt(lane, 0))
        }
        expectVisible('crash', await session.crash(0, rows[1].start))
        expectVisible('compare', await session.compare([0, 1], moments))
        expectVisible('script', await session.script(moments))
        await expect(session.begin({ ...SETTINGS, lanes: [{ ...SETTINGS.lanes[0], name: `lsm\u202e${name}` }] })).rejects.toThrow(
          /no name of a lane/,
        )
      }),
      { seed: 3, numRuns: slice(2, 60) },
    )
  })
})
