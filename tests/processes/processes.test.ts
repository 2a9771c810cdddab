import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Kvarium, verify } from '../../src/index.js'
import { SeededRandom } from '../../src/vfs/index.js'
import { slice } from '../support/thoroughness.js'
import { buildWriter, inspectStore, killOnce, runWriter } from './support/child.js'
import { ENGINES, factoryOf } from './support/engines.js'

const KILLS = slice(3, 6)
const LONG = 240_000

let program: string
let directory: string
const mounted: string[] = []

beforeAll(async () => {
  program = await buildWriter()
})

afterAll(() => rmSync(program, { force: true }))

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-processes-'))
})

afterEach(() => {
  for (const path of mounted.splice(0)) spawnSync('umount', [path])
  rmSync(directory, { recursive: true, force: true })
})

/** A small file system of its own, where this is allowed. */
function mountSmall(megabytes: number): string | undefined {
  const path = join(directory, 'mounted')
  mkdirSync(path)
  const result = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  if (result.status !== 0) return undefined
  mounted.push(path)
  return path
}

/** Leaves this many bytes of the file system free. */
function fillUp(path: string, freeBytes: number): void {
  const { bavail, bsize } = statfsSync(path)
  writeFileSync(join(path, 'ballast'), new Uint8Array(bavail * bsize - freeBytes))
}

function hasStraceInject(): boolean {
  const inject = ['-f', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO:when=1', 'true']
  return process.platform === 'linux' && spawnSync('strace', inject).status === 0
}

async function reasonOf(opening: Promise<void>): Promise<unknown> {
  return opening.then(
    () => undefined,
    (error: unknown) => (error as Error).cause,
  )
}

describe.each(ENGINES)('processes with %s', engine => {
  it(
    'a process that is killed at any moment loses nothing that it acknowledged, leaves whole batches and no lock',
    async () => {
      const random = new SeededRandom(7)
      const location = join(directory, 'store')
      let acknowledged = 0
      for (let kill = 0; kill < KILLS; kill++) {
        const run = await killOnce(program, location, engine, random.uniform(120), kill % 2 === 0 ? 1 : 8)
        expect(run.signal).toBe('SIGKILL')
        acknowledged = Math.max(acknowledged, run.acknowledged)
      }
      expect(acknowledged).toBeGreaterThan(KILLS)
    },
    LONG,
  )

  it(
    'a process that changes its working directory all the time loses nothing, and writes nothing elsewhere',
    async () => {
      const location = join(directory, 'store')
      const elsewhere = join(directory, 'elsewhere')
      mkdirSync(elsewhere)
      const other = new Kvarium<string, string>(join(elsewhere, 'store'), { engine: factoryOf(engine) })
      await other.put('mine', 'untouched')
      await other.close()
      const before = readdirSync(join(elsewhere, 'store'))
      const directories = [elsewhere, directory, '/']
      const run = await runWriter(program, location, engine, { most: 400, inFlight: 4, directories })
      expect(run.said.at(-1)).toBe('closed')
      await killOnce(program, location, engine, 40, 4, { directories })
      expect(await inspectStore(location, engine)).toBeGreaterThanOrEqual(400)
      expect(readdirSync(join(elsewhere, 'store'))).toEqual(before)
    },
    LONG,
  )

  it(
    'a second process fails because the store is in use, and the first is not disturbed',
    async () => {
      const location = join(directory, 'store')
      const db = new Kvarium(location, { engine: factoryOf(engine) })
      await db.put('a', '1')
      const second = await runWriter(program, location, engine)
      expect(second.said).toEqual(['refused LEVEL_LOCKED'])
      await db.put('b', '2')
      await db.close()
      const third = await runWriter(program, location, engine, { most: 3 })
      expect(third.said).toEqual(['ready', '1', '2', '3', 'closed'])
    },
    LONG,
  )

  it(
    'a full disk fails the write, keeps what was acknowledged, and works again when there is space',
    async context => {
      const small = mountSmall(3)
      if (small === undefined) return context.skip('no small file system can be mounted here')
      const location = join(small, 'store')
      await runWriter(program, location, engine, { most: 20 })
      fillUp(small, 150_000)
      const run = await runWriter(program, location, engine, { most: 20_000 })
      expect(run.said.find(line => line.startsWith('failed'))).toMatch(/^failed LEVEL_(IO_ERROR|WRITES_STOPPED)$/)
      expect(run.said).toContainEqual(expect.stringMatching(/^reads \d+$/))
      // A flush that failed leaves room in the log perhaps; a log that failed takes nothing more.
      expect(run.said.find(line => line.startsWith('then'))).toMatch(/^then (written|LEVEL_WRITES_STOPPED)$/)
      rmSync(join(small, 'ballast'))
      expect(await inspectStore(location, engine)).toBeGreaterThanOrEqual(run.acknowledged)
      const after = await runWriter(program, location, engine, { most: 5 })
      expect(after.said.at(-1)).toBe('closed')
    },
    LONG,
  )

  it('a read-only file system is refused with its name, and can be verified', async context => {
    const small = mountSmall(8)
    if (small === undefined) return context.skip('no small file system can be mounted here')
    const location = join(small, 'store')
    const db = new Kvarium(location, { engine: factoryOf(engine) })
    await db.put('a', '1')
    await db.close()
    const files = (): string[] => readdirSync(location).map(name => `${name} ${readFileSync(join(location, name)).toString('hex')}`)
    const before = files()
    execFileSync('mount', ['-o', 'remount,ro', small])
    const reason = await reasonOf(new Kvarium(location, { engine: factoryOf(engine) }).open())
    expect(reason).toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect((reason as Error).message).toMatch(/read-only/)
    expect(await reasonOf(new Kvarium(join(small, 'new'), { engine: factoryOf(engine) }).open())).toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(await verify(location, { engine: factoryOf(engine) })).toMatchObject({ opens: true, entries: 1, findings: [] })
    expect(files()).toEqual(before)
  })

  it(
    'a directory without rights is refused with what to do, and stays as it is',
    async context => {
      const asOther = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
      const mayChangeUser = spawnSync(asOther[0], [...asOther.slice(1), process.execPath, '--check', program]).status === 0
      if (!mayChangeUser) return context.skip('no process can be given fewer rights here')
      chmodSync(directory, 0o755)
      const location = join(directory, 'store')
      const db = new Kvarium(location, { engine: factoryOf(engine) })
      await db.put('a', '1')
      await db.close()
      const before = readdirSync(location)
      expect((await runWriter(program, location, engine, { prefix: asOther })).said).toEqual(['refused LEVEL_IO_ERROR'])
      expect((await runWriter(program, join(directory, 'new'), engine, { prefix: asOther })).said).toEqual(['refused LEVEL_IO_ERROR'])
      expect(readdirSync(location)).toEqual(before)
      expect(readdirSync(directory)).toEqual(['store'])
    },
    LONG,
  )

  it(
    'a file that may not grow any more ends the writer, and loses nothing that it acknowledged',
    async context => {
      if (process.platform === 'win32') return context.skip('there is no ulimit here')
      const location = join(directory, 'store')
      const limited = ['bash', '-c', 'ulimit -f 20; exec "$@"', 'limited']
      const run = await runWriter(program, location, engine, { prefix: limited, most: 5000 })
      expect(run.signal ?? run.said.find(line => line.startsWith('failed'))).toMatch(/^SIGXFSZ$|^failed LEVEL_/)
      expect(await inspectStore(location, engine)).toBeGreaterThanOrEqual(run.acknowledged)
    },
    LONG,
  )

  describe.runIf(hasStraceInject())('under strace, which fails system calls', () => {
    it.each(['fdatasync:error=EIO:when=12+', 'fdatasync:error=EIO:when=9', 'pwrite64:error=ENOSPC:when=40+', 'pwrite64:error=EIO:when=40'])(
      '%s stops the writes, and loses nothing that was acknowledged',
      async fault => {
        const location = join(directory, 'store')
        const call = fault.slice(0, fault.indexOf(':'))
        const prefix = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`]
        const run = await runWriter(program, location, engine, { prefix, most: 400 })
        expect(run.said[0]).toBe('ready')
        expect(run.said.find(line => line.startsWith('failed'))).toMatch(/^failed LEVEL_(IO_ERROR|WRITES_STOPPED)$/)
        // Which call is hit is up to the machine: one of the log stops all writes, one of a flush only need not.
        const then = run.said.includes('flush failed') ? /^then (written|LEVEL_\w+)$/ : /^then LEVEL_WRITES_STOPPED$/
        expect(run.said.find(line => line.startsWith('then'))).toMatch(then)
        expect(await inspectStore(location, engine)).toBeGreaterThanOrEqual(run.acknowledged)
      },
      LONG,
    )
  })
})
