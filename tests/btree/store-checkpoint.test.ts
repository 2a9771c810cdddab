import { describe, expect, it } from 'vitest'
import { readMeta } from '../../src/btree/pages/meta-page.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem } from '../lsm/support/hooked-file-system.js'
import { slice } from '../support/thoroughness.js'
import {
  batchOf,
  DIRECTORY,
  emptyFileSystem,
  filler,
  get,
  listed,
  openBtree,
  put,
  scan,
  shapeOf,
  violations,
} from './support/opened-btree.js'

const COPY = '/copy'
const LARGE_BYTES = 300 * 1024

function fileSystemWithCopy(): ReturnType<typeof emptyFileSystem> {
  const fileSystem = emptyFileSystem()
  fileSystem.makeDirectory(COPY)
  return fileSystem.processCrashClone()
}

async function checkpoint(engine: Engine, signal?: AbortSignal): Promise<void> {
  const held = engine.checkpoint!()
  try {
    await held.write(COPY, signal)
  } finally {
    held.release()
  }
}

/** Opens the copy: it has `expected` and nothing else, is sound, has sequence numbers that go on, and takes writes. */
async function verifyCopy(fileSystem: ReturnType<typeof emptyFileSystem>, expected: readonly string[], sequence: number): Promise<void> {
  const copy = await openBtree({ fileSystem, directory: COPY })
  expect(await violations(copy)).toEqual([])
  expect(scan(copy)).toEqual(expected)
  expect(copy.snapshot().sequence).toBe(sequence)
  await put(copy, 'key 0', 'written to the copy')
  await copy.flush()
  expect(get(copy, 'key 0')).toBe('written to the copy')
  expect(await violations(copy)).toEqual([])
  await copy.close()
}

describe('a checkpoint of the store', () => {
  it('has the tree of the call, whatever is written, removed, flushed and compacted meanwhile', async () => {
    for (let seed = 1; seed <= slice(3, 60); seed++) {
      const random = new SeededRandom(seed)
      const below = (limit: number): number => random.uint32() % limit
      const fileSystem = fileSystemWithCopy()
      const environment = simulatedEnvironment({ seed, fileSystem })
      let now = 0
      let onTurn: () => void = () => {}
      const turn = async (): Promise<void> => {
        onTurn()
        await environment.scheduler.turn()
      }
      const engine = await openBtree({
        fileSystem,
        created: true,
        // A slice ends whenever the time is looked at.
        environment: {
          ...environment,
          clock: { now: () => (now += 2) },
          scheduler: { turn, sleep: ms => environment.scheduler.sleep(ms) },
        },
      })
      const model = new Map<string, string>()
      const write = async (): Promise<void> => {
        const key = `key ${below(400)}`
        if (below(4) === 0) {
          model.delete(key)
          await engine.write(batchOf([['del', key]]), { sync: false })
          return
        }
        const value = filler(below(60) === 0 ? LARGE_BYTES : below(8) === 0 ? 2000 : 60, below(26))
        model.set(key, value)
        await put(engine, key, value)
      }
      for (let i = 0; i < 300; i++) await write()
      if (seed % 2 === 0) await engine.flush()
      for (let i = 0; i < seed % 5; i++) await write()
      const work: Promise<unknown>[] = []
      let turns = 0
      onTurn = () => {
        if (++turns > 60) return
        for (let i = 0; i < 8; i++) work.push(write())
        if (turns % 7 === 0) work.push(engine.flush())
        if (turns === 20) work.push(engine.compact({}))
      }
      const [expected, { sequence }] = [listed(model), engine.snapshot()]
      await checkpoint(engine)
      onTurn = () => {}
      await Promise.all(work)
      expect(turns).toBeGreaterThan(15)
      expect(scan(engine)).toEqual(listed(model))
      expect(await violations(engine)).toEqual([])
      await engine.close()
      await verifyCopy(fileSystem, expected, sequence!)
    }
  })

  it('of an empty tree is an empty tree', async () => {
    const fileSystem = fileSystemWithCopy()
    const engine = await openBtree({ fileSystem, created: true })
    await put(engine, 'a', '1')
    await engine.write(batchOf([['del', 'a']]), { sync: false })
    await checkpoint(engine)
    await engine.close()
    await verifyCopy(fileSystem, [], 2)
  })

  it('has expiries, and the version of the format that says so, before the store has written either to its own file', async () => {
    const fileSystem = fileSystemWithCopy()
    const engine = await openBtree({ fileSystem, created: true })
    const batch = new WriteBatch()
    batch.put(keyOf('a'), keyOf('1'), 4_000_000_000_000)
    await engine.write(batch, { sync: false })
    await checkpoint(engine)
    await engine.close()
    const file = fileSystem.openRead(`${COPY}/data.btree`)
    expect(readMeta(file, await loadHash32()).hasExpiries).toBe(true)
    file.close()
    const copy = await openBtree({ fileSystem, directory: COPY })
    expect(copy.expiresAt!(keyOf('a'))).toBe(4_000_000_000_000)
    await copy.close()
  })

  it('has what a kill left in the log, also while the rest of a long replay goes on', async () => {
    const fileSystem = fileSystemWithCopy()
    const options = { writeBufferSize: 16 << 20 }
    const engine = await openBtree({ fileSystem, created: true, options })
    for (let i = 0; i < 40; i++) await put(engine, `key ${i}`, filler(40_000, i))
    const crashed = fileSystem.processCrashClone()
    const expected = scan(engine)
    await engine.close()
    const killed = await openBtree({ fileSystem: crashed, options })
    await checkpoint(killed)
    expect(scan(killed)).toEqual(expected)
    await killed.close()
    await verifyCopy(crashed, expected, 40)
  })

  it('is durable when it resolves', async () => {
    const fileSystem = fileSystemWithCopy()
    const engine = await openBtree({ fileSystem, created: true })
    for (let i = 0; i < 200; i++) await put(engine, `key ${i}`, filler(50, i))
    await checkpoint(engine)
    const expected = scan(engine)
    const afterPowerLoss = fileSystem.crashClone('none')
    await engine.close()
    await verifyCopy(afterPowerLoss, expected, 200)
  })

  it('that is aborted, fails or meets damage rejects, and leaves the source as it was', async () => {
    const signal = AbortSignal.abort()
    const fileSystem = fileSystemWithCopy()
    const hooked = new HookedFileSystem(fileSystem)
    const engine = await openBtree({ fileSystem: hooked, created: true })
    for (let i = 0; i < 300; i++) await put(engine, `key ${i}`, filler(50, i))
    const expected = scan(engine)
    const { heldRoots } = shapeOf(engine)
    await expect(checkpoint(engine, signal)).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
    for (let cut = 1; ; cut++) {
      for (const name of fileSystem.list(COPY)) fileSystem.remove(`${COPY}/${name}`)
      let operations = 0
      hooked.before = ({ path }) => {
        if (path.startsWith(COPY) && ++operations === cut) throw new Error('no write today')
      }
      const outcome = await checkpoint(engine).catch((error: unknown) => error as Error)
      hooked.before = () => {}
      if (outcome === undefined) break
      expect(outcome.message).toBe('no write today')
      expect(scan(engine)).toEqual(expected)
      expect(shapeOf(engine).heldRoots).toBe(heldRoots)
    }
    expect(await violations(engine)).toEqual([])
    await engine.close()
    await verifyCopy(fileSystem, expected, 300)
    await damaged(fileSystem)
  })
})

async function damaged(fileSystem: ReturnType<typeof emptyFileSystem>): Promise<void> {
  for (const name of fileSystem.list(COPY)) fileSystem.remove(`${COPY}/${name}`)
  const file = fileSystem.openWrite(`${DIRECTORY}/data.btree`)
  const byte = new Uint8Array(1)
  const at = 8192 + 512 + 100
  file.read(byte, at)
  file.write(Uint8Array.of(byte[0] ^ 1), at)
  file.close()
  const engine: Engine = await openBtree({ fileSystem })
  await expect(checkpoint(engine)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await engine.close()
}
