import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
import { Contender, race, storm } from './lock-race.js'

const fileSystem = new NodeFileSystem()
const locked = { code: 'LEVEL_LOCKED' }
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-lock-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

describe('the lock of a directory', () => {
  it('has one winner in every race of processes, also after the winner was killed', async () => {
    await race({ directory, rounds: 15, contenders: 8, killEvery: 5 })
  }, 60_000)

  it('is never held by two while all take and release it at once', async () => {
    const taken = await storm(directory, 4, 1000)
    expect(taken.reduce((sum, count) => sum + count)).toBeGreaterThan(4)
  }, 60_000)

  it('keeps other processes out, and is free at once when its holder is killed', async () => {
    const holder = new Contender()
    try {
      expect(await holder.ask(`open ${directory}`)).toBe('won')
      await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    } finally {
      await holder.kill()
    }
    const lock = await fileSystem.lock(directory)
    await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    await lock.release()
  }, 30_000)

  it('is held by a process that is stopped', async () => {
    const holder = new Contender()
    try {
      expect(await holder.ask(`open ${directory}`)).toBe('won')
      process.kill(holder.pid!, 'SIGSTOP')
      for (let i = 0; i < 5; i++) await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    } finally {
      await holder.kill()
    }
  }, 30_000)

  it('does not keep its process alive', () => {
    const script = `import { NodeFileSystem } from ${JSON.stringify(new URL('../../src/vfs/node/node-file-system.ts', import.meta.url).href)}
      await new NodeFileSystem().lock(${JSON.stringify(directory)})
      process.stdout.write('locked')`
    const path = join(directory, 'script.mts')
    writeFileSync(path, script)
    const result = spawnSync(process.execPath, ['--import', 'tsx', path], { timeout: 20_000, encoding: 'utf8' })
    expect(result).toMatchObject({ status: 0, stdout: 'locked' })
  }, 30_000)

  it('works in a directory whose path is longer than a socket name may be', async () => {
    const deep = join(directory, 'x'.repeat(120), 'y'.repeat(120))
    mkdirSync(deep, { recursive: true })
    const lock = await fileSystem.lock(deep)
    await expect(fileSystem.lock(deep)).rejects.toMatchObject(locked)
    await lock.release()
  })
})

describe.runIf(process.platform === 'linux')('the lock on Linux', () => {
  it('leaves one small plain file behind, and no descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 20; i++) await (await fileSystem.lock(directory)).release()
    expect(readdirSync(directory)).toEqual(['LOCK.generation'])
    expect(readFileSync(join(directory, 'LOCK.generation'), 'utf8')).toBe('20\n')
    expect(readdirSync('/proc/self/fd').length).toBe(before)
    const lock = await fileSystem.lock(directory)
    for (let i = 0; i < 20; i++) await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    await lock.release()
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it('is taken over whichever of its files a power loss has left', async () => {
    const dead = await deadSockets(['LOCK.2', 'LOCK.3', 'LOCK.5', 'LOCK.new-1-abc'])
    for (const generation of [undefined, '', '\0\0', '1\n', '2\n', '3\n', '4\n', '9\n']) {
      for (const path of dead) if (!existsSync(path)) await deadSockets([path.slice(directory.length + 1)])
      if (generation === undefined) rmSync(join(directory, 'LOCK.generation'), { force: true })
      else writeFileSync(join(directory, 'LOCK.generation'), generation)
      const lock = await fileSystem.lock(directory)
      await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
      expect(readdirSync(directory).filter(name => name.startsWith('LOCK.new-'))).toEqual([])
      await lock.release()
    }
  })

  it('gives way when generations passed by between its look and its link, although the name is free', async () => {
    // The look at the generation is synchronous, the rest of the call is not: in between, owners up to the seventh come and go.
    const late = fileSystem.lock(directory)
    writeFileSync(join(directory, 'LOCK.generation'), '7\n')
    const lock = await late
    expect(readdirSync(directory)).toEqual(['LOCK.8', 'LOCK.generation'])
    expect(readFileSync(join(directory, 'LOCK.generation'), 'utf8')).toBe('8\n')
    await lock.release()
  })

  it('gives way to an owner that came between its look and its link', async () => {
    const late = fileSystem.lock(directory)
    writeFileSync(join(directory, 'LOCK.generation'), '7\n')
    const owner = createServer().listen(join(directory, 'LOCK.7'))
    await expect(late).rejects.toMatchObject(locked)
    expect(readdirSync(directory)).toEqual(['LOCK.7', 'LOCK.generation'])
    await new Promise(resolve => owner.close(resolve))
  })

  it('refuses a plain file in its place, and touches it not', async () => {
    writeFileSync(join(directory, 'LOCK.1'), 'mine')
    await expect(fileSystem.lock(directory)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', file: join(directory, 'LOCK.1') })
    expect(readFileSync(join(directory, 'LOCK.1'), 'utf8')).toBe('mine')
    expect(readdirSync(directory)).toEqual(['LOCK.1'])
  })

  it('refuses a generation that is none', async () => {
    writeFileSync(join(directory, 'LOCK.generation'), 'what?')
    await expect(fileSystem.lock(directory)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', file: join(directory, 'LOCK.generation') })
  })

  it('says why where no socket can be made', async () => {
    const refusal = /put the store on a local Linux file system|permission denied|read-only/
    await expect(fileSystem.lock('/sys')).rejects.toThrow(refusal)
    await expect(fileSystem.lock('/proc/self')).rejects.toThrow(refusal)
  })
})

/** Names of sockets whose listener is gone. */
async function deadSockets(names: string[]): Promise<string[]> {
  return Promise.all(
    names.map(async name => {
      const path = join(directory, name)
      const server = createServer()
      await new Promise<void>(resolve => server.listen(`${path}~`, resolve))
      linkSync(`${path}~`, path)
      await new Promise(resolve => server.close(resolve))
      return path
    }),
  )
}
