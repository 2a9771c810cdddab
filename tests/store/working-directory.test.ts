/** A program, or any library in it, may change the working directory at any time: no path that the project keeps may follow. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import type { EngineFactory } from '../../src/engine/contract.js'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { inspectDirectory, inspectFile } from '../../src/inspect/index.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { FaultyFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment, NodeFileSystem } from '../../src/vfs/node.js'
import { fillOptions } from '../contract/support/opened-engine.js'

const home = process.cwd()
/** Two places, each to have a store `db`. */
let here: string
let there: string

beforeEach(() => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'kvarium-chdir-')))
  here = join(base, 'here')
  there = join(base, 'there')
  mkdirSync(here)
  mkdirSync(there)
  process.chdir(here)
})

afterEach(() => {
  process.chdir(home)
  rmSync(join(here, '..'), { recursive: true, force: true })
})

function key(number: number): string {
  return String(number).padStart(6, '0')
}

async function fill(db: Kvarium, from: number, to: number, mark: string): Promise<void> {
  for (let i = from; i < to; i++) await db.put(key(i), mark.repeat(100), { sync: i % 500 === 0 })
}

async function valuesOf(location: string, engine: string): Promise<Set<string> & { count?: number }> {
  const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), createIfMissing: false })
  await db.open()
  const values = await db.values().all()
  await db.close()
  return Object.assign(new Set(values.map(value => value[0])), { count: values.length })
}

describe.each(['lsm', 'btree'])('a relative location of %s', engine => {
  it('does not follow a change of the working directory after the opening, background work included', async () => {
    process.chdir(there)
    const other = new Kvarium('./db', { engine: builtInEngines.resolve(engine) })
    await fill(other, 0, 300, 'B')
    await other.close()
    process.chdir(here)
    const db = new Kvarium('./db', { engine: builtInEngines.resolve(engine), writeBufferSize: 65536 })
    await fill(db, 0, 500, 'A')
    await db.flush()
    process.chdir(there)
    await fill(db, 500, 4000, 'A')
    await db.compactRange()
    await db.settle()
    await db.close()
    for (const [place, value, count] of [
      [here, 'A', 4000],
      [there, 'B', 300],
    ] as const) {
      const found = await valuesOf(join(place, 'db'), engine)
      expect([...found], place).toEqual([value])
      expect(found.count, place).toBe(count)
      expect((await verify(join(place, 'db'))).findings, place).toEqual([])
    }
  })

  it('is that of the constructor, not of the opening or of a reopening', async () => {
    const db = new Kvarium('db', { engine: builtInEngines.resolve(engine) })
    process.chdir(there)
    await db.put('a', '1')
    await db.close()
    process.chdir('/')
    await db.open({ createIfMissing: false })
    expect(await db.get('a')).toBe('1')
    await db.close()
    expect([existsSync(join(here, 'db')), existsSync(join(there, 'db'))]).toEqual([true, false])
    expect(db.location).toBe('db')
  })

  it('of destroy, verify and repair does not follow while these wait', async () => {
    for (const [place, count] of [
      [here, 300],
      [there, 5],
    ] as const) {
      process.chdir(place)
      const db = new Kvarium('./db', { engine: builtInEngines.resolve(engine) })
      await fill(db, 0, count, 'x')
      await db.close()
    }
    process.chdir(here)
    const moved = <T>(work: Promise<T>): Promise<T> => {
      process.chdir(there)
      return work.finally(() => process.chdir(here))
    }
    const report = await moved(verify('./db'))
    expect(report).toMatchObject({ directory: './db', entries: 300, findings: [] })
    expect(await moved(repair('./db', './saved'))).toMatchObject({ directory: './db', target: './saved', entries: 300, losses: [] })
    expect(readdirSync(there)).toEqual(['db'])
    expect((await valuesOf('saved', engine)).count).toBe(300)
    await moved(Kvarium.destroy('./db'))
    expect(readdirSync(here)).toEqual(['saved'])
    expect((await valuesOf(join(there, 'db'), engine)).count).toBe(5)
  })

  it('of a look at its files does not follow while that waits', async () => {
    const db = new Kvarium('./db', { engine: builtInEngines.resolve(engine) })
    await fill(db, 0, 100, 'x')
    await db.close()
    const looking = inspectDirectory('./db', nodeEnvironment())
    process.chdir(there)
    const { files, problems } = await looking
    expect(problems).toEqual([])
    process.chdir(here)
    const opening = inspectFile(`./db/${files.find(file => file.state === 'current' && file.name !== 'KVARIUM')!.name}`, nodeEnvironment())
    process.chdir(there)
    const file = await opening
    expect(file.problems).toEqual([])
    file.close()
  })

  it('holds through a file system that wraps another, and for an engine that is opened by itself', async () => {
    const fileSystem = new FaultyFileSystem(new NodeFileSystem())
    const db = new Kvarium('./db', { engine: builtInEngines.resolve(engine), fileSystem, writeBufferSize: 65536 })
    await db.open()
    process.chdir(there)
    await fill(db, 0, 1500, 'A')
    await db.close()
    expect((await valuesOf(join(here, 'db'), engine)).count).toBe(1500)
    process.chdir(here)
    mkdirSync('alone')
    const factory: EngineFactory = engine === 'lsm' ? lsmEngine() : btreeEngine()
    const opening = factory.open({ environment: nodeEnvironment(), directory: 'alone', created: true, options: fillOptions(factory) })
    process.chdir(there)
    const alone = await opening
    await alone.close()
    expect(readdirSync(join(here, 'alone'))).not.toEqual([])
    expect(readdirSync(there)).toEqual([])
  })
})
