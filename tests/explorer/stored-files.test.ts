/** Hazards: a store of the reader that is changed, or shown as another; a recording that is shown otherwise than it was; files that are no store; a run on files that pretends to be a link. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { MOST_BYTES, type StoredFile } from '../../packages/explorer/src/run/stored-files.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { Kvarium } from '../../src/index.js'
import { parseJsonLines } from '../../src/observe/index.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-stored-files-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const ENTRIES = 300

async function written(engine: 'lsm' | 'btree', options: object = {}): Promise<readonly StoredFile[]> {
  const store = new Kvarium<string, string>(directory, { engine, ...options })
  for (let i = 0; i < ENTRIES; i++) await store.put(`key${i}`, `value ${i}`)
  await store.flush()
  await store.put('last', 'in the log')
  await store.close()
  return readdirSync(directory).map(name => ({ name, contents: new Blob([readFileSync(join(directory, name))]) }))
}

const filesNow = (): readonly (readonly [string, string])[] =>
  readdirSync(directory).map(name => [name, readFileSync(join(directory, name), 'hex')])

const PICTURES = ['levels', 'pages', 'files'] as const

describe.each(['lsm', 'btree'] as const)('a session on the files of a store of %s that Node wrote', engine => {
  it('has its entries, begins with what lies on disk, and changes nothing there', async () => {
    const files = await written(engine)
    const before = filesNow()
    const session = new Session()
    const { moments, settings } = await session.openFiles(files)
    expect(settings.lanes.map(lane => lane.engine)).toEqual([engine])
    const { moment, lanes } = await session.look({ position: moments, pictures: PICTURES })
    expect(moment?.sentence).toContain('is open')
    const [{ pictures }] = lanes
    if (engine === 'lsm') expect(JSON.stringify(pictures.levels)).toContain(`"entries":${ENTRIES}`)
    else expect(pictures.pages?.shape).toMatchObject({ height: 2, entries: ENTRIES + 1 })

    await session.add(['get key7', 'get last', 'put key7 new', 'range'].map(line => parse(line) as Line))
    const outcomes = (await session.operations(0, 4)).map(row => row.outcomes[0])
    expect(outcomes.map(outcome => outcome?.text)).toEqual(['value 7', 'in the log', '', `${ENTRIES + 1} entries`])
    expect(filesNow()).toEqual(before)
  })

  it('shows the files as they are before the first event, byte for byte', async () => {
    const files = await written(engine)
    const session = new Session()
    await session.openFiles(files)
    const { lanes } = await session.look({ position: 1, pictures: PICTURES })
    const shown = new Map(lanes[0].pictures.files!.files.map(({ name, bytes }) => [name, bytes]))
    for (const { name, contents } of files) if (!name.startsWith('LOCK')) expect(shown.get(name), name).toBe(contents.size)
    const hex = await session.hex({ lane: 0, position: 1, file: 'KVARIUM', rows: 4 })
    expect(hex).toMatchObject({ isWhole: true, problems: [] })
    expect(hex?.lines.map(({ text }) => text).join('')).toContain('kvarium')
  })

  it('does the same again where one goes back and adds another operation', async () => {
    const session = new Session()
    const { moments, isOfFiles } = await session.openFiles(await written(engine))
    expect(isOfFiles).toBe(true)
    const other = { name: 'other', engine: engine === 'lsm' ? 'btree' : 'lsm', options: {} }
    expect([(await session.checkLane(other)).length, await session.checkLane(other, true)]).toEqual([1, []])
    await session.add([parse('del key7') as Line])
    await session.add([parse('get key7') as Line], moments)
    expect((await session.operations(0, 1))[0].outcomes[0]?.text).toBe('value 7')
    await expect(session.program()).rejects.toThrow('its files would not be in it')
  })
})

describe('options that files fix', () => {
  it('have the values that the files say, not those of the lane', async () => {
    const session = new Session()
    const { fixed } = await session.openFiles(await written('btree', { pageSize: 1024, compression: 'lz4' }))
    expect(fixed).toEqual({ pageSize: 1024, compression: 'lz4' })
    const lane = { name: 'btree', engine: 'btree', options: { pageSize: 8192 } }
    expect((await session.replay({ seed: 1, lanes: [lane] })).fixed).toEqual(fixed)
    expect((await session.begin({ seed: 1, lanes: [lane] })).fixed).toBeUndefined()
  })

  it('are none of an LSM tree', async () => {
    expect((await new Session().openFiles(await written('lsm'))).fixed).toEqual({})
  })
})

describe('files that are no store', () => {
  it('are refused with what to do, and the run before goes on', async () => {
    const session = new Session()
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
    await expect(session.openFiles([{ name: 'notes.txt', contents: new Blob(['hello']) }])).rejects.toThrow(
      /^notes\.txt is not .*KVARIUM among them/,
    )
    const large = Object.defineProperty(new Blob(['large']), 'size', { value: MOST_BYTES + 1 })
    await expect(session.openFiles([{ name: 'KVARIUM', contents: large }])).rejects.toThrow('kvarium inspect')
    const { isOfFiles, settings } = await session.add([parse('put a 1') as Line])
    expect([isOfFiles, settings.lanes[0].name]).toEqual([undefined, 'lsm'])
  })
})

describe('a recording', () => {
  const recorded = async (): Promise<{ readonly text: string; readonly live: Session }> => {
    const live = new Session()
    await live.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
    await live.add(['put a 1', 'get a', 'flush'].map(line => parse(line) as Line))
    return { text: await live.trace(0), live }
  }
  const fileOf = (text: string): readonly StoredFile[] => [{ name: 'trace.jsonl', contents: new Blob([text]) }]

  it('gives the same drawings as the run that it is of, event by event', async () => {
    const { text, live } = await recorded()
    const session = new Session()
    const { moments, settings, isRecorded } = await session.openFiles(fileOf(text))
    expect([settings.lanes[0].engine, isRecorded, moments]).toEqual(['lsm', true, text.split('\n').length - 2])
    expect(parseJsonLines(await session.trace(0))).toEqual(parseJsonLines(text))
    const end = (await live.add([])).moments
    const [shown, wanted] = [
      await session.look({ position: moments, pictures: PICTURES }),
      await live.look({ position: end, pictures: PICTURES }),
    ]
    expect(shown.lanes[0].pictures).toEqual(wanted.lanes[0].pictures)
  })

  it('takes no operations, is no program and cannot crash, and says so', async () => {
    const session = new Session()
    const { moments } = await session.openFiles(fileOf((await recorded()).text))
    await expect(session.add([parse('put b 2') as Line])).rejects.toThrow('This is a recording')
    await expect(session.program()).rejects.toThrow('A recording is no program')
    await expect(session.crash(0, moments)).rejects.toThrow('This is a recording')
    await expect(session.replay({ seed: 1, lanes: [] })).rejects.toThrow('cannot be done again')
    expect((await session.look({ position: moments, pictures: [] })).position).toBe(moments)
  })

  it('that a page has no memory for is refused before it is read; what the refusal says to do works, and the run before goes on', async () => {
    const { text, live } = await recorded()
    const contents = Object.defineProperties(new Blob([text]), {
      size: { value: 300 * 2 ** 20 },
      text: {
        value: () => {
          throw new Error('It is read')
        },
      },
    })
    const refusal =
      /^trace\.jsonl has 300 MiB, and a page takes at most 32: keep its first line, .* and of the others the first or the last ones$/
    await expect(live.openFiles([{ name: 'trace.jsonl', contents }])).rejects.toThrow(refusal)
    expect((await live.add([])).operations).toBe(3)
    const [first, ...others] = text.trimEnd().split('\n')
    for (const kept of [others.slice(0, 20), others.slice(-20)]) {
      const session = new Session()
      expect(await session.openFiles(fileOf([first, ...kept].join('\n')))).toMatchObject({ moments: 20 })
      expect((await session.look({ position: 20, around: 0 })).moment?.kind).toBe('event')
    }
  })

  it('that is damaged names the line, and the run before goes on', async () => {
    const { text, live } = await recorded()
    await expect(live.openFiles(fileOf(text.replace('"type"', '"typo"')))).rejects.toThrow('trace.jsonl is damaged. Line 2 of the trace')
    expect((await live.add([])).operations).toBe(3)
  })
})
