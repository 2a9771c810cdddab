import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { smallStores } from '../damage/small-store.js'
import { SUBJECTS } from '../damage/subjects.js'
import { coverageFault, look, spansAt } from './covered.js'

describe.each(SUBJECTS)('files of $name', subject => {
  it('have every byte in exactly one span, and nothing wrong while they are sound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1 << 20 }), async seed => {
        for (const { state, files } of await smallStores(subject, seed)) {
          for (const [name, bytes] of files) {
            const { parts, problems } = await look(name, bytes)
            expect(coverageFault(parts, 0, bytes.length), `${state} ${name}`).toBeUndefined()
            expect(problems, `${state} ${name}`).toEqual([])
          }
        }
      }),
      { numRuns: 8 },
    )
  })

  it('never show a damaged byte as good, and are covered all the same', async () => {
    let damages = 0
    for (const { state, files } of await smallStores(subject)) {
      for (const [name, bytes] of files) {
        for (let offset = 0; offset < bytes.length; offset += stepFor(bytes.length)) {
          const damaged = bytes.slice()
          damaged[offset] ^= 1 << (offset % 8)
          const { parts, problems } = await look(name, damaged)
          const where = `${state} ${name} byte ${offset}`
          expect(coverageFault(parts, 0, bytes.length), where).toBeUndefined()
          const spans = spansAt(parts, offset)
          damages++
          // Bytes that nothing reads are under no check, and have no value to be wrong.
          if (spans.at(-1)!.unused === true && spans.every(span => span.unverified !== true)) {
            damages--
            continue
          }
          expect(
            spans.some(span => span.problem !== undefined || span.unverified === true),
            `${where}: ${JSON.stringify(spans)}`,
          ).toBe(true)
          expect(
            problems.some(problem => covers(problem, offset)),
            `${where}: ${JSON.stringify(problems)}`,
          ).toBe(true)
        }
      }
    }
    expect(damages).toBeGreaterThan(300)
  })

  it('are covered up to where they were cut off, and the cut is told', async () => {
    for (const { state, files } of await smallStores(subject)) {
      for (const [name, bytes] of files) {
        for (let length = 0; length < bytes.length; length += 3 * stepFor(bytes.length)) {
          const { parts } = await look(name, bytes.slice(0, length))
          expect(coverageFault(parts, 0, length), `${state} ${name} of ${length} bytes`).toBeUndefined()
        }
      }
    }
  })
})

function stepFor(length: number): number {
  return length <= 4096 ? 7 : 61
}

function covers({ offset, length }: { readonly offset?: number; readonly length?: number }, byte: number): boolean {
  return offset !== undefined && offset <= byte && byte < offset + (length ?? 1)
}
