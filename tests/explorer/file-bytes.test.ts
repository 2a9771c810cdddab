/** Hazards: bytes that are not those of the position, or that a crash has taken; bytes without a meaning; marks beside what was written; a page that loses rows. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import type { HexPage } from '../../packages/explorer/src/session/hex-page.js'
import type { Summary } from '../../packages/explorer/src/session/protocol.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { SETTINGS } from './support/settings.js'

const LSM = 0

describe('the bytes of a file', () => {
  let session: Session
  let summary: Summary
  beforeAll(async () => {
    session = new Session()
    await session.begin(SETTINGS)
    summary = await session.add([{ generator: { kind: 'random', count: 300, seed: 3, valueBytes: 100, keys: 200 } }])
  })

  const filesAt = async (position: number, lane = LSM): Promise<readonly { readonly name: string; readonly bytes: number }[]> =>
    (await session.look({ position, pictures: ['files'] })).lanes[lane].pictures.files!.files

  /** All pages of a file. */
  async function pagesOf(file: string, position: number, lane = LSM): Promise<HexPage[]> {
    const pages: HexPage[] = []
    let offset: number | undefined = 0
    while (offset !== undefined) {
      const page: HexPage = (await session.hex({ lane, position, file, offset, rows: 300 }))!
      pages.push(page)
      offset = page.nextOffset
    }
    return pages
  }

  it('are all there, once and in order, in every file of both engines, with nothing damaged', async () => {
    for (const lane of [0, 1]) {
      for (const { name, bytes } of await filesAt(summary.moments, lane)) {
        const pages = await pagesOf(name, summary.moments, lane)
        const rows = pages.flatMap(page => page.lines).filter(line => line.bytes !== '' && line.decompressed === undefined)
        const ends = rows.map(row => row.offset + (row.bytes.length + 1) / 3)
        expect([name, ...rows.map(row => row.offset), bytes]).toEqual([name, 0, ...ends])
        expect([name, pages.flatMap(page => page.problems)]).toEqual([name, []])
      }
    }
  })

  it('have their meaning even while a table is being written, and no byte from later', async () => {
    const begun = (await session.seek({ from: 0, direction: 1, at: { type: 'table.block' } }))!
    const position = (await session.seek({ from: begun, direction: 1, at: { text: 'counted as flush' } }))!
    const name = (await session.look({ position, pictures: ['files'] })).lanes[LSM].pictures.files!.touched!
    const { bytes } = (await filesAt(position)).find(file => file.name === name)!
    const page = (await session.hex({ lane: LSM, position, file: name, offset: 0, rows: 1000 }))!
    expect(bytes).toBeGreaterThan(0)
    expect(page.size).toBe(bytes)
    expect(page.problems).toEqual([])
    expect(page.lines.some(line => line.meaning.includes('key'))).toBe(true)
    expect(Math.max(...page.lines.filter(line => line.decompressed === undefined).map(line => line.offset))).toBeLessThan(bytes)
  })

  it('are marked where the present event writes, exactly', async () => {
    const writes: number[] = []
    for (let at: number | undefined = 0; at !== undefined;) {
      at = await session.seek({ from: at, direction: 1, at: { type: 'file.write' }, lane: LSM })
      if (at !== undefined) writes.push(at)
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writes), async position => {
        const { files } = (await session.look({ position, pictures: ['files'] })).lanes[LSM].pictures
        const page = (await session.hex({ lane: LSM, position, file: files!.touched!, rows: 5000 }))!
        const marked = page.lines.reduce((sum, { written }) => sum + (written === undefined ? 0 : written[1] - written[0]), 0)
        expect(page.offset).toBe(Math.min(page.written!.offset, page.size - 1))
        expect(marked).toBe(page.written!.length)
      }),
      { seed: 1, numRuns: 20 },
    )
  })

  it('are not there where the file is not', async () => {
    expect(await session.hex({ lane: LSM, position: 0, file: 'CURRENT', rows: 10 })).toBeUndefined()
  })
})

describe('the files of a lane that has crashed', () => {
  it.each(['lsm', 'btree'])('are those that the crash left, also after another crash of the same lane: %s', async engine => {
    const session = new Session()
    await session.begin({ ...SETTINGS, lanes: SETTINGS.lanes.filter(lane => lane.engine === engine) })
    const shown = async (position: number): Promise<string> => {
      const { lanes } = await session.look({ position, pictures: ['files', 'ledger'] })
      const { files, ledger } = lanes[0].pictures
      const texts = await Promise.all(
        files!.files.map(async ({ name, bytes }) => {
          const page = (await session.hex({ lane: 0, position, file: name, offset: 0, rows: 3000 }))!
          expect([name, page.size]).toEqual([name, bytes])
          return page.lines.map(({ text }) => text).join('')
        }),
      )
      expect(ledger!.now.fileBytes).toBe(files!.files.reduce((sum, { bytes }) => sum + bytes, 0))
      return texts.join('')
    }
    const crash = async (): Promise<{ readonly before: number; readonly after: number }> => {
      const { moments: before } = await session.add([parse('put lost1234 gone5678') as Line])
      const { lanes } = await session.look({ position: before, pictures: [] })
      const { moments: after } = await session.add([parse(`crash ${engine} event ${lanes[0].events} none`) as Line])
      return { before, after }
    }
    await session.add([parse('put kept1234 here sync') as Line])
    for (let time = 1; time <= 2; time++) {
      const { before, after } = await crash()
      expect(await shown(before)).toContain('gone5678')
      expect(await shown(after)).not.toContain('gone5678')
      expect(await shown(after)).toContain('here')
      expect(await shown(before)).toContain('gone5678')
    }
  })
})
