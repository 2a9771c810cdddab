/** Hazards: a store of the reader that is changed, or shown as another; files that are no store; a run on files that pretends to be a link. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from '../../packages/explorer/src/run/command.js'
import type { Line } from '../../packages/explorer/src/run/line.js'
import { MOST_BYTES, type StoredFile } from '../../packages/explorer/src/run/stored-files.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { Kvarium } from '../../src/index.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-stored-files-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const ENTRIES = 300

async function written(engine: 'lsm' | 'btree'): Promise<readonly StoredFile[]> {
  const store = new Kvarium<string, string>(directory, { engine })
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
    const { moments, settings } = await session.openStore(files)
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
    await session.openStore(files)
    const { lanes } = await session.look({ position: 1, pictures: PICTURES })
    const shown = new Map(lanes[0].pictures.files!.files.map(({ name, bytes }) => [name, bytes]))
    for (const { name, contents } of files) if (!name.startsWith('LOCK')) expect(shown.get(name), name).toBe(contents.size)
    const hex = await session.hex({ lane: 0, position: 1, file: 'KVARIUM', rows: 4 })
    expect(hex).toMatchObject({ isWhole: true, problems: [] })
    expect(hex?.lines.map(({ text }) => text).join('')).toContain('kvarium')
  })

  it('does the same again where one goes back and adds another operation', async () => {
    const session = new Session()
    const { moments, isOfFiles } = await session.openStore(await written(engine))
    expect(isOfFiles).toBe(true)
    await session.add([parse('del key7') as Line])
    await session.add([parse('get key7') as Line], moments)
    expect((await session.operations(0, 1))[0].outcomes[0]?.text).toBe('value 7')
    await expect(session.program()).rejects.toThrow('its files would not be in it')
  })
})

describe('files that are no store', () => {
  it('are refused with what to do, and the run before goes on', async () => {
    const session = new Session()
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
    await expect(session.openStore([{ name: 'notes.txt', contents: new Blob(['hello']) }])).rejects.toThrow('KVARIUM among them')
    const large = { size: MOST_BYTES + 1 } as Blob
    await expect(session.openStore([{ name: 'KVARIUM', contents: large }])).rejects.toThrow('kvarium inspect')
    const { isOfFiles, settings } = await session.add([parse('put a 1') as Line])
    expect([isOfFiles, settings.lanes[0].name]).toEqual([undefined, 'lsm'])
  })
})
