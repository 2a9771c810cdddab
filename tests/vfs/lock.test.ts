import { spawnSync } from 'node:child_process'
import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
import { isHeldBySocket } from '../../src/vfs/node/node-socket-lock.js'
import { bundledText } from '../support/bundled-program.js'
import { Contender, race, storm } from './support/lock-race.js'

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
  }, 240_000)

  it('is never held by two while all take and release it at once', async () => {
    const taken = await storm(directory, 4, 1000)
    expect(taken.reduce((sum, count) => sum + count)).toBeGreaterThan(4)
  }, 240_000)

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
  }, 120_000)

  it('is held by a process that is stopped', async () => {
    const holder = new Contender()
    try {
      expect(await holder.ask(`open ${directory}`)).toBe('won')
      process.kill(holder.pid!, 'SIGSTOP')
      for (let i = 0; i < 5; i++) await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    } finally {
      await holder.kill()
    }
  }, 120_000)

  it('does not keep its process alive', () => {
    const program = bundledText(
      `import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
      await new NodeFileSystem().lock(process.argv[2])
      process.stdout.write('locked')`,
      import.meta.dirname,
    )
    const result = spawnSync(process.execPath, [program, directory], { timeout: 20_000, encoding: 'utf8' })
    expect(result).toMatchObject({ status: 0, stdout: 'locked' })
  }, 120_000)

  it('works in a directory whose path is longer than a socket name may be', async () => {
    const deep = join(directory, 'x'.repeat(120), 'y'.repeat(120))
    mkdirSync(deep, { recursive: true })
    const lock = await fileSystem.lock(deep)
    await expect(fileSystem.lock(deep)).rejects.toMatchObject(locked)
    await lock.release()
  })
})

describe('the lock of readers', () => {
  const shared = (): Promise<{ release(): Promise<void> }> => fileSystem.lock(directory, 'shared')

  it('is shared by readers of any process, and keeps writers out until the last is released or killed', async () => {
    const [one, two] = [new Contender(), new Contender()]
    try {
      expect(await one.ask(`read ${directory}`)).toBe('won')
      expect(await two.ask(`read ${directory}`)).toBe('won')
      const mine = [await shared(), await shared()]
      await expect(fileSystem.lock(directory)).rejects.toThrow('close its readers')
      await Promise.all(mine.map(lock => lock.release()))
      await one.kill()
      await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
      await two.kill()
      await (await fileSystem.lock(directory)).release()
    } finally {
      await Promise.all([one.kill(), two.kill()])
    }
  }, 120_000)

  it('is refused while a writer of another process has the lock, and free at once when that is killed', async () => {
    const writer = new Contender()
    try {
      expect(await writer.ask(`open ${directory}`)).toBe('won')
      await expect(shared()).rejects.toMatchObject(locked)
    } finally {
      await writer.kill()
    }
    await (await shared()).release()
  }, 120_000)

  it('is never had beside a writer, whichever comes first, and one always gets in', async () => {
    const contenders = Array.from({ length: 6 }, () => new Contender())
    try {
      for (let round = 0; round < 12; round++) {
        const asked = contenders.map((_, i) => ((i + round) % 3 === 0 ? 'open' : 'read'))
        const answers = await Promise.all(contenders.map((contender, i) => contender.ask(`${asked[i]} ${directory}`)))
        const won = asked.filter((_, i) => answers[i] === 'won')
        expect(answers.every(answer => answer === 'won' || answer === 'locked')).toBe(true)
        expect(won.length).toBeGreaterThan(0)
        if (won.includes('open')) expect(won).toEqual(['open'])
        await Promise.all(contenders.map(contender => contender.ask('release')))
      }
    } finally {
      await Promise.all(contenders.map(contender => contender.kill()))
    }
  }, 240_000)

  it('is found although readers with lower numbers have gone', async () => {
    const locks = await Promise.all(Array.from({ length: 12 }, shared))
    await Promise.all(locks.slice(0, 11).map(lock => lock.release()))
    // The numbers are not in the order of the calls: this leaves one somewhere.
    await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    await locks[11].release()
    await (await fileSystem.lock(directory)).release()
  })
})

describe.runIf(process.platform === 'linux')('the lock on Linux', () => {
  it('leaves no file and no descriptor, taken or refused', async () => {
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 20; i++) await (await fileSystem.lock(directory)).release()
    expect(readdirSync('/proc/self/fd').length).toBe(before)
    const lock = await fileSystem.lock(directory)
    for (let i = 0; i < 20; i++) await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    for (let i = 0; i < 3; i++) await expect(fileSystem.lock(directory, 'shared')).rejects.toMatchObject(locked)
    expect(readdirSync(directory)).toEqual([])
    await lock.release()
    const reader = await fileSystem.lock(directory, 'shared')
    await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    await reader.release()
    await lock.release()
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it('is that of the directory, by whatever name, and goes with it when it is renamed', async () => {
    const [old, link, fresh] = ['old', 'link', 'fresh'].map(name => join(directory, name))
    mkdirSync(old)
    symlinkSync(old, link)
    const lock = await fileSystem.lock(old)
    await expect(fileSystem.lock(link)).rejects.toMatchObject(locked)
    renameSync(old, fresh)
    await expect(fileSystem.lock(fresh)).rejects.toMatchObject(locked)
    mkdirSync(old)
    await (await fileSystem.lock(old)).release()
    await lock.release()
    await (await fileSystem.lock(fresh)).release()
  })

  it('is not that of a copy, nor of a directory that takes the place of a removed one', async () => {
    const place = join(directory, 'store')
    mkdirSync(place)
    const lock = await fileSystem.lock(place)
    cpSync(place, join(directory, 'copy'), { recursive: true })
    await (await fileSystem.lock(join(directory, 'copy'))).release()
    rmSync(place, { recursive: true })
    mkdirSync(place)
    const another = await fileSystem.lock(place)
    await lock.release()
    await another.release()
  })

  it('is free where a killed store of an earlier version has left its sockets, and taken while one is alive', async () => {
    await deadSockets(['LOCK.2', 'LOCK.3', 'LOCK.new-1-abc'])
    writeFileSync(join(directory, 'LOCK.generation'), 'what?')
    writeFileSync(join(directory, 'LOCK.1'), 'mine')
    await (await fileSystem.lock(directory)).release()
    const earlier = createServer().listen(join(directory, 'LOCK.7'))
    await expect(fileSystem.lock(directory)).rejects.toMatchObject(locked)
    await new Promise(resolve => earlier.close(resolve))
    await (await fileSystem.lock(directory)).release()
  })

  it('can be taken in a directory that cannot be written', async () => {
    await (await fileSystem.lock('/sys')).release()
  })

  it('shows to one who looks without taking it', async () => {
    expect(await isHeldBySocket(directory)).toBe(false)
    const lock = await fileSystem.lock(directory)
    expect(await isHeldBySocket(directory)).toBe(true)
    await lock.release()
    expect(await isHeldBySocket(directory)).toBe(false)
  })
})

/** Names of sockets whose listener is gone. */
async function deadSockets(names: string[]): Promise<void> {
  for (const name of names) {
    const path = join(directory, name)
    const server = createServer()
    await new Promise<void>(resolve => server.listen(`${path}~`, resolve))
    linkSync(`${path}~`, path)
    await new Promise(resolve => server.close(resolve))
  }
}
