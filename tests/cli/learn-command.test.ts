import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exerciseFolder, exerciseNames, loadExercise } from '../../exercises/catalog.js'
import { Kvarium } from '../../src/index.js'
import { lsmEngine, type MakeMemtableIndex } from '../../src/lsm/index.js'
import { kvarium, kvariumProcess } from './support/command-line.js'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kvarium-learn-'))
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

const EXERCISE = 'skiplist'
const referenceText = readFileSync(join(exerciseFolder(EXERCISE), 'reference.ts'), 'utf8')

describe('kvarium learn', () => {
  it('lists every exercise with its title', async () => {
    const { stdout, status } = await kvarium(scratch, ['learn'])
    expect(status).toBe(0)
    for (const name of exerciseNames()) expect(stdout).toContain(`${name.padEnd(5)}`)
    for (const name of exerciseNames()) expect(stdout).toContain((await loadExercise(name)).title)
  })

  it('a mistyped name is answered with the one that was meant, and makes nothing', async () => {
    const { stderr, status } = await kvarium(scratch, ['learn', 'skip-list'])
    expect(stderr).toContain('Did you mean "skiplist"?')
    expect(status).toBe(2)
    expect(readdirSync(scratch)).toEqual([])
  })

  it('makes a folder of its own name with all that is needed', async () => {
    const { stdout, status } = await kvarium(scratch, ['learn', EXERCISE])
    expect(status).toBe(0)
    expect(stdout).toContain('npm run check')
    expect(readdirSync(join(scratch, EXERCISE)).sort()).toEqual(
      ['README.md', 'package.json', 'skiplist.ts', 'skiplist.units.ts', 'tsconfig.json'].sort(),
    )
    expect(readFileSync(join(scratch, EXERCISE, 'package.json'), 'utf8')).toContain('kvarium learn skiplist --check')
  })

  it('overwrites no file that the learner wrote', async () => {
    writeFileSync(join(scratch, 'skiplist.ts'), 'mine')
    const { stderr, status } = await kvarium(scratch, ['learn', EXERCISE, '.'])
    expect(status).toBe(2)
    expect(stderr).toContain('skiplist.ts already')
    expect(readdirSync(scratch)).toEqual(['skiplist.ts'])
    expect(readFileSync(join(scratch, 'skiplist.ts'), 'utf8')).toBe('mine')
  })

  it('keeps the package.json of a project that is there', async () => {
    writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }')
    expect((await kvarium(scratch, ['learn', EXERCISE, '.'])).status).toBe(0)
    expect(readFileSync(join(scratch, 'package.json'), 'utf8')).toBe('{ "type": "module" }')
  })

  it('checks only where there is something to check', async () => {
    const { stderr, status } = await kvarium(scratch, ['learn', EXERCISE, '--check'])
    expect(status).toBe(2)
    expect(stderr).toContain('has no skiplist.ts')
  })
})

describe('kvarium learn --check', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    expect((await kvarium(scratch, ['learn', EXERCISE, '.'])).status).toBe(0)
  })
  const write = (text: string): void => writeFileSync(join(scratch, 'skiplist.ts'), text)
  const check = (...flags: string[]): ReturnType<typeof kvarium> => kvarium(scratch, ['learn', EXERCISE, '.', '--check', ...flags])

  it('says of a new starter what is not written yet, from in its folder too', () => {
    const { stdout, status } = kvariumProcess(scratch, ['learn', EXERCISE, '--check'])
    expect(status).toBe(1)
    expect(stdout).toContain('Not written yet: ')
  })

  it('a solution passes, and then serves a real store on disk', async () => {
    write(referenceText)
    const { stdout, status } = await check()
    expect(stdout).toContain('All checks pass')
    expect(status).toBe(0)

    const { makeIndex } = (await import(pathToFileURL(join(scratch, 'skiplist.ts')).href)) as { readonly makeIndex: MakeMemtableIndex }
    let inserted = 0
    const counted: MakeMemtableIndex = context => {
      const index = makeIndex(context)
      const insert = index.insert.bind(index)
      index.insert = (...entry) => (inserted++, insert(...entry))
      return index
    }
    const location = join(scratch, 'store')
    const options = { engine: lsmEngine({ parts: { memtableIndex: counted } }), writeBufferSize: 16 * 1024 }
    const db = new Kvarium(location, options)
    for (let i = 0; i < 1000; i++) await db.put(`key ${i}`, `value ${i}`.padEnd(50))
    expect(db.getSync('key 999')?.trim()).toBe('value 999')
    expect(inserted).toBe(1000)
    await db.close()

    // The files are those of any LSM store: one without parts reads them.
    const stock = new Kvarium(location)
    for (let i = 0; i < 1000; i++) expect((await stock.get(`key ${i}`))?.trim()).toBe(`value ${i}`)
    expect(stock.shape().levels?.length).toBeGreaterThan(0)
    await stock.close()
  })

  it('a loop that never ends is ended, and the check is named', async () => {
    write(referenceText.replace('while (height < MAX_HEIGHT && this.#context.random() < GROW) height++', 'while (height > 0) height = 1'))
    const { stdout, status } = await check('--limit', '2')
    expect(status).toBe(1)
    expect(stdout).toMatch(/✗ what was inserted is found.*\n\n {4}This did not come to an end in 2 s/)
  })

  it('a solution that ends the process does not pass', async () => {
    write(`process.exit(0)\n${referenceText}`)
    const { stdout, status } = await check()
    expect(status).toBe(1)
    expect(stdout).toContain('The process ended in the middle of this')
  })

  it('a file that cannot be loaded is said to be one', async () => {
    write('export const makeIndex = (')
    const { stdout, status } = await check()
    expect(status).toBe(1)
    expect(stdout).toContain('✗ the file can be loaded')
  })

  it('a missing export is named', async () => {
    write('export const make = 1')
    expect((await check()).stdout).toContain('does not export "makeIndex"')
  })

  it('a unit check that the learner added is run', async () => {
    write(referenceText)
    const file = join(scratch, 'skiplist.units.ts')
    const own = `{ name: 'one of my own', check() { throw new Error('my own message') } },`
    writeFileSync(file, readFileSync(file, 'utf8').replace('export const units = [', `export const units = [\n${own}`))
    const { stdout, status } = await check()
    expect(status).toBe(1)
    expect(stdout).toMatch(/✗ one of my own\n\n {4}my own message/)
  })
})
