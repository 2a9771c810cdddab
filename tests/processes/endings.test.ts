/** A program ends in more ways than by closing its store: each leaves an exit code of its own, and what was acknowledged. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium } from '../../src/index.js'

const ROOT = join(import.meta.dirname, '../..')
const ACKNOWLEDGED = 3000

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-endings-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

interface Ending {
  readonly code: unknown
  readonly signal: unknown
  readonly stderr: string
}

/** Runs a program in which a store is open, `ACKNOWLEDGED` puts are acknowledged, and many more calls are under way. */
function run(engine: string, ending: string): Promise<Ending> {
  const program = `
    import { Kvarium } from 'kvarium'
    const db = new Kvarium(${JSON.stringify(join(directory, 'db'))}, { engine: '${engine}', writeBufferSize: 65536 })
    const key = i => String(i).padStart(6, '0')
    for (let i = 0; i < ${ACKNOWLEDGED}; i++) await db.put(key(i), 'v'.repeat(100))
    const iterator = db.iterator()
    await iterator.next()
    const unawaited = () => [db.put('later', '1'), db.get(key(1)), db.clear({ gt: 'x' }), db.flush(), db.compactRange('0', '9'), iterator.all()]
    ${ending}`
  return new Promise(resolve => {
    execFile(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, timeout: 25_000 }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, signal: error?.signal ?? null, stderr })
    })
  })
}

describe.each(['lsm', 'btree'])('a program with an open store of %s', engine => {
  it.each([
    ['runs off its end with nothing under way', '', 0],
    ['runs off its end with calls under way', 'unawaited()', 0],
    ['calls process.exit with calls under way', 'unawaited(); process.exit(7)', 7],
    ['calls process.exit while the store closes', 'unawaited().forEach(call => call.catch(() => {})); db.close(); process.exit(7)', 7],
    ['dies of an error that it does not catch', `unawaited(); throw new Error('its own')`, 1],
  ])('that %s ends by itself, without a crash, and loses nothing that was acknowledged', async (_how, ending, expected) => {
    const { code, signal, stderr } = await run(engine, ending)
    expect({ code, signal }).toEqual({ code: expected, signal: null })
    if (expected === 1) expect(stderr).toContain('its own')
    else expect(stderr).toBe('')
    const db = new Kvarium(join(directory, 'db'), { engine: builtInEngines.resolve(engine), createIfMissing: false })
    const keys = await db.keys({ lt: 'later' }).all()
    expect(keys).toHaveLength(ACKNOWLEDGED)
    expect(keys.at(-1)).toBe('002999')
    await db.close()
  })
})
