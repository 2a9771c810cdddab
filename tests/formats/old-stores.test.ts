import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { inspectFile } from '../../src/inspect/inspect-file.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'

/** One folder per released format, one store per folder, and beside each store its entries as JSON. */
const FIXTURES = join(import.meta.dirname, 'fixtures')

interface Expected {
  readonly options: Readonly<Record<string, unknown>> & { readonly engine: string }
  readonly entries: [string, string][]
  /** When entries expire, by key; none of those in `entries` has. */
  readonly expiries?: Readonly<Record<string, number>>
}

const stores = readdirSync(FIXTURES).flatMap(format =>
  readdirSync(join(FIXTURES, format))
    .filter(name => !name.endsWith('.json'))
    .map(name => [`${format}/${name}`] as const),
)

function expectedOf(store: string): Expected {
  return JSON.parse(readFileSync(join(FIXTURES, `${store}.json`), 'utf8')) as Expected
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-old-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function copyOf(store: string): string {
  const location = join(directory, 'store')
  cpSync(join(FIXTURES, store), location, { recursive: true })
  return location
}

describe.each(stores)('the store %s, written by an earlier version', store => {
  const { options, entries, expiries = {} } = expectedOf(store)

  async function expectExpiries(db: Kvarium<string, string>): Promise<void> {
    for (const [key] of entries) expect(await db.expiresAt(key)).toBe(expiries[key])
  }

  it('opens with default options and holds what was written, both ways', async () => {
    const db = new Kvarium<string, string>(copyOf(store), { engine: builtInEngines.resolve(options.engine) })
    expect(await db.iterator().all()).toEqual(entries)
    expect(await db.iterator({ reverse: true }).all()).toEqual(entries.toReversed())
    for (const [key, value] of entries) expect(await db.get(key)).toBe(value)
    await expectExpiries(db)
    const violations = []
    for await (const violation of db.check()) violations.push(violation)
    expect(violations).toEqual([])
    await db.close()
  })

  it('takes writes with the options it was made with, compacts, and opens again', async () => {
    const location = copyOf(store)
    const model = new Map(entries)
    let db = new Kvarium<string, string>(location, { ...options, engine: builtInEngines.resolve(options.engine) })
    for (let i = 0; i < 300; i++) {
      const key = `key:${String(i * 3).padStart(5, '0')}`
      await db.put(key, `new ${i}`)
      model.set(key, `new ${i}`)
    }
    await db.clear({ gte: 'key:00100', lt: 'key:00150' })
    for (const key of [...model.keys()]) if (key >= 'key:00100' && key < 'key:00150') model.delete(key)
    await db.compactRange('', '\uffff')
    await db.close()
    db = new Kvarium<string, string>(location, { ...options, engine: builtInEngines.resolve(options.engine) })
    expect(await db.iterator().all()).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)))
    await db.close()
  })

  it('is sound to verify, but for a torn tail that was never durable, and repair finds every entry', async () => {
    const location = copyOf(store)
    const report = await verify(location)
    expect(report).toMatchObject({ engine: options.engine, opens: true, entries: entries.length, findings: [] })
    const target = join(directory, 'repaired')
    await repair(location, target)
    const db = new Kvarium<string, string>(target, { engine: builtInEngines.resolve(options.engine) })
    expect(await db.iterator().all()).toEqual(entries)
    await expectExpiries(db)
    await db.close()
  })

  it('is inspected to the last byte of every file', async () => {
    const location = copyOf(store)
    for (const name of readdirSync(location)) {
      const file = await inspectFile(join(location, name), nodeEnvironment())
      let end = 0
      for (const { offset, length } of file.parts()) {
        expect(offset).toBe(end)
        end += length
      }
      expect(end).toBe(file.bytes)
      file.close()
      const problems = file.problems.map(({ message }) => message)
      if (store.endsWith('torn-log') && name.endsWith('.log')) expect(problems).toEqual([expect.stringContaining('a record is cut off')])
      else expect(problems).toEqual([])
    }
  })
})
