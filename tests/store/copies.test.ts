/** A store's directory is plain files: it can be copied by whatever copies files, also while it is open or after its process was killed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, verify } from '../../src/index.js'
import { buildWriter, inspectStore, runWriter } from '../processes/support/child.js'

let base: string
let location: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'kvarium-copies-'))
  location = join(base, 'store')
})

afterEach(() => rmSync(base, { recursive: true, force: true }))

async function filled(engine: string, location: string): Promise<Kvarium> {
  const db = new Kvarium(location, { engine: builtInEngines.resolve(engine) })
  for (let i = 0; i < 500; i++) await db.put(`key ${i}`, `value ${i}`)
  return db
}

const COPIES: readonly (readonly [string, (from: string, to: string) => Promise<void> | void])[] = [
  ['fs.cp', (from, to) => cp(from, to, { recursive: true })],
  ['cp -r', (from, to) => void execFileSync('cp', ['-r', from, to])],
  [
    'tar',
    (from, to) => {
      mkdirSync(to)
      execFileSync('tar', ['-cf', `${to}.tar`, '-C', from, '.'])
      execFileSync('tar', ['-xf', `${to}.tar`, '-C', to])
    },
  ],
]

describe.each(['lsm', 'btree'])('a store of %s', engine => {
  it.each(COPIES)('that is open and at rest can be copied by %s, and its copy opened beside it', async (_name, copy) => {
    const db = await filled(engine, location)
    const to = join(base, 'copy')
    await copy(location, to)
    const other = new Kvarium(to, { engine: builtInEngines.resolve(engine), createIfMissing: false })
    expect(await other.keys().all()).toHaveLength(500)
    await other.put('only here', '1')
    expect(await db.get('only here')).toBeUndefined()
    await other.close()
    await db.close()
    expect((await verify(to)).findings).toEqual([])
  })

  it('that was killed can be copied, and the copy has every batch that was acknowledged', async () => {
    const program = await buildWriter()
    try {
      const run = await runWriter(program, location, engine, {
        inFlight: 4,
        onOutput: (kill, output) => (output.includes('\n200\n') ? kill() : undefined),
      })
      expect(run.signal).toBe('SIGKILL')
      const to = join(base, 'copy')
      await cp(location, to, { recursive: true })
      expect(await inspectStore(to, engine)).toBeGreaterThanOrEqual(run.acknowledged)
      expect(await inspectStore(location, engine)).toBe(await inspectStore(to, engine))
    } finally {
      rmSync(program, { force: true })
    }
  })

  it('that is copied while it is written has a copy that opens, or says what is wrong', async () => {
    const db = await filled(engine, location)
    for (let round = 0; round < 5; round++) {
      const to = join(base, `copy-${round}`)
      const copying = cp(location, to, { recursive: true }).then(
        () => true,
        // A file that went away under the copy is the copier's error.
        (error: unknown) => (error as { code?: string }).code !== 'ENOENT' && Promise.reject(error as Error),
      )
      for (let i = 0; i < 300; i++) await db.put(`key ${i}`, `round ${round} ${'x'.repeat(500)}`)
      await db.flush()
      if (!(await copying)) continue
      const copied = new Kvarium(to, { engine: builtInEngines.resolve(engine), createIfMissing: false })
      const failure = await copied.open().then(
        () => undefined,
        (error: unknown) => (error as { cause?: { code?: string } }).cause?.code,
      )
      expect([undefined, 'LEVEL_CORRUPTION']).toContain(failure)
      if (failure === undefined) expect((await copied.keys().all()).length).toBeGreaterThan(0)
      await copied.close()
    }
    await db.close()
    expect((await verify(location)).findings).toEqual([])
  })

  it.runIf(process.platform === 'linux')('of an earlier version that was killed opens, and can be copied from then on', async () => {
    await (await filled(engine, location)).close()
    // The name of a socket stays when its process is killed.
    const script = `require('net').createServer().listen('${location}/LOCK.3', () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    writeFileSync(join(location, 'LOCK.generation'), '3\n')
    expect(readdirSync(location)).toContain('LOCK.3')
    const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), createIfMissing: false })
    expect(await db.keys().all()).toHaveLength(500)
    expect(readdirSync(location).filter(name => name.startsWith('LOCK'))).toEqual([])
    await cp(location, join(base, 'copy'), { recursive: true })
    await db.close()
    const earlier = createServer().listen(join(location, 'LOCK.4'))
    await expect(db.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    await new Promise(resolve => earlier.close(resolve))
  })

  it('that is destroyed takes all of its own with it, leaves what is not, and cannot be destroyed twice by mistake', async () => {
    await (await filled(engine, location)).close()
    for (const name of ['notes.txt', 'LOCK.md']) writeFileSync(join(location, name), 'mine')
    for (const name of ['LOCK.generation', 'LOCK.new-1-abc', engine === 'lsm' ? 'CURRENT.tmp' : '000098.log', 'KVARIUM.tmp', '000099.log'])
      writeFileSync(join(location, name), '')
    await Kvarium.destroy(location)
    expect(readdirSync(location)).toEqual(['LOCK.md', 'notes.txt'])
    await expect(Kvarium.destroy(location)).rejects.toMatchObject({ code: 'LEVEL_UNSUPPORTED_FORMAT' })
    expect(readdirSync(location)).toEqual(['LOCK.md', 'notes.txt'])
    for (const name of ['LOCK.md', 'notes.txt']) rmSync(join(location, name))
    writeFileSync(join(location, 'LOCK.generation'), '3\n')
    await Kvarium.destroy(location)
    await Kvarium.destroy(location)
    expect(readdirSync(base)).toEqual([])
  })
})

describe('what only reads', () => {
  it('leaves nothing in a directory that is missing, empty or foreign', async () => {
    const [missing, empty, foreign] = ['missing', 'empty', 'foreign'].map(name => join(base, name))
    for (const path of [empty, foreign]) mkdirSync(path)
    writeFileSync(join(foreign, 'notes.txt'), 'mine')
    for (const path of [missing, empty, foreign]) {
      await expect(verify(path)).rejects.toMatchObject({ code: expect.stringMatching(/^LEVEL_/) as string })
      for (const engine of ['lsm', 'btree']) {
        await expect(new Kvarium(path, { engine: builtInEngines.resolve(engine), createIfMissing: false }).open()).rejects.toThrow()
      }
    }
    expect([readdirSync(base), readdirSync(empty), readdirSync(foreign)]).toEqual([['empty', 'foreign'], [], ['notes.txt']])
  })
})
