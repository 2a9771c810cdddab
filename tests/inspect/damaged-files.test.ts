import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { inspectDirectory } from '../../src/inspect/index.js'
import { encodeIdentity, IDENTITY } from '../../src/store/identity.js'
import { DIRECTORY, fileSystemOf, smallStores } from '../damage/support/small-store.js'
import { SUBJECTS } from '../damage/support/subjects.js'
import { coverageFault, look, spansAt } from './support/covered.js'

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
    expect(damages).toBeGreaterThan(250)
  })

  it('never keep a look at the directory from ending, with the damage to what it reads reported', async () => {
    const store = (await smallStores(subject)).find(({ state }) => state === 'clean')!
    const files = new Map([...store.files, [IDENTITY, encodeIdentity(subject.factory.name, await loadHash32())]])
    const sound = await inspectDirectory(DIRECTORY, { fileSystem: fileSystemOf(files) })
    expect(sound.problems).toEqual([])
    expect(sound.files.map(({ state }) => state)).not.toContain('foreign')
    for (const [name, bytes] of files) {
      for (let offset = 0; offset < bytes.length; offset += 5 * stepFor(bytes.length)) {
        const damaged = bytes.slice()
        damaged[offset] ^= 0x10
        const fileSystem = fileSystemOf(new Map([...files, [name, damaged]]))
        const { problems } = await inspectDirectory(DIRECTORY, { fileSystem })
        const isRead = !/\.(sst|btree|data)$/.test(name)
        if (isRead) expect(problems.length, `${name} byte ${offset}`).toBeGreaterThan(0)
      }
      const gone = fileSystemOf(new Map([...files].filter(([other]) => other !== name)))
      const { problems } = await inspectDirectory(DIRECTORY, { fileSystem: gone })
      // Without a hint file its data file is read instead.
      const isNeeded = sound.files.find(file => file.name === name)?.state === 'current' && !name.endsWith('.hint')
      if (isNeeded) expect(problems.length, `${name} is gone`).toBeGreaterThan(0)
    }
  })

  it('are covered up to where they were cut off, and the cut is reported', async () => {
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
