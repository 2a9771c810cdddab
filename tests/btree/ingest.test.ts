/** Ingests between writes, snapshots, checkpoints and compactions; crashes and failures at every file operation of one. */
import { describe, expect, it } from 'vitest'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { PageFile } from '../../src/btree/pages/page-file.js'
import { Ledger } from '../../src/trace/ledger.js'
import { SeededRandom, type MemoryFileSystem } from '../../src/vfs/index.js'
import { batches, contentsAt, contentsOf, CrashImages, entriesOf, failedIngest, name } from '../engine/support/ingests.js'
import { HookedFileSystem } from '../lsm/support/hooked-file-system.js'
import { slice } from '../support/thoroughness.js'
import {
  batchOf,
  emptyFileSystem,
  filler,
  listed,
  openBtree,
  put,
  scan,
  shapeOf,
  violations,
  type Operation,
} from './support/opened-btree.js'

async function ingest(engine: Engine, model: Map<string, string>, entries: ReadonlyMap<string, string>): Promise<void> {
  await engine.ingest!(batches(entries))
  for (const [key, value] of entries) model.set(key, value)
}

/** A store with a tree of some levels and changes that are in the log alone: what an ingest meets. */
async function filled(fileSystem: MemoryFileSystem | HookedFileSystem): Promise<{ engine: Engine; model: Map<string, string> }> {
  const engine = await openBtree({ fileSystem, created: true })
  const model = new Map<string, string>()
  for (const [from, mark] of [
    [0, 1],
    [100, 2],
    [50, 3],
  ]) {
    for (const [key, value] of entriesOf(from, 60, mark)) {
      await put(engine, key, value, true)
      model.set(key, value)
    }
    if (mark < 3) await engine.flush()
  }
  return { engine, model }
}

describe('an ingest', () => {
  it('between writes, snapshots, checkpoints, compactions and reopens leaves what a map has', async () => {
    for (let seed = 1; seed <= slice(1, 20); seed++) {
      const random = new SeededRandom(seed)
      const fileSystem = emptyFileSystem()
      let engine = await openBtree({ fileSystem, created: true })
      const model = new Map<string, string>()
      let held: { snapshot: EngineSnapshot; contents: string[] }[] = []
      for (let step = 0; step < 40; step++) {
        const roll = random.uniform(20)
        const length = random.uniform(8) === 0 ? 700 : 20
        const entries = entriesOf(random.uniform(400), 1 + random.uniform(120), step, 1 + random.uniform(4), length)
        if (roll < 6) {
          // A write and a snapshot meanwhile are older than the ingest.
          const ingested = engine.ingest!(batches(entries))
          const written = name(random.uniform(500))
          model.set(written, 'meanwhile')
          await put(engine, written, 'meanwhile', false)
          held.push({ snapshot: engine.snapshot(), contents: contentsOf(model) })
          if (random.uniform(2) === 0) await engine.compact()
          if (random.uniform(4) === 0) expect(await violations(engine)).toEqual([])
          await ingested
          for (const [key, value] of entries) model.set(key, value)
          if (random.uniform(2) === 0) expect(await violations(engine)).toEqual([])
        } else if (roll < 14) {
          await engine.write(batchOf([...entries].map(([key, value]): Operation => ['put', key, value])), { sync: false })
          for (const [key, value] of entries) model.set(key, value)
        } else if (roll === 14) await engine.flush()
        else if (roll === 15) await engine.compact()
        else if (roll === 16) held.shift()?.snapshot.release()
        else if (roll === 17) {
          held = []
          await engine.close()
          engine = await openBtree({ fileSystem })
        } else if (roll === 18) {
          for (const key of entries.keys()) model.delete(key)
          await engine.write(batchOf([...entries].map(([key]): Operation => ['del', key])), { sync: false })
        }
        expect(scan(engine)).toEqual(listed(model))
        for (const { snapshot, contents } of held) expect(contentsAt(engine, snapshot)).toEqual(contents)
      }
      await engine.settle()
      expect(await violations(engine)).toEqual([])
      await engine.close()
    }
  })

  it.each([
    ['into an empty tree', 0, 0, 1],
    ['behind all keys', 2000, 5000, 1],
    ['before all keys', 2000, 5000, 0],
    ['between two keys', 2000, 5000, 0.5],
    ['with every key', 2000, 0, 0],
  ])('%s is found whole, in full pages', async (_where, before, count, place) => {
    const engine = await openBtree({ fileSystem: emptyFileSystem(), created: true })
    const model = new Map<string, string>()
    for (let i = 0; i < before; i++) {
      await put(engine, `k${String(i).padStart(6, '0')}`, filler(20, i), false)
      model.set(`k${String(i).padStart(6, '0')}`, filler(20, i))
    }
    const stem = `k${String(Math.floor(before * place)).padStart(6, '0')}`
    const entries =
      count > 0
        ? new Map(Array.from({ length: count }, (_, i) => [`${place === 0 ? 'a' : stem}-${String(i).padStart(6, '0')}`, filler(20, i)]))
        : new Map(Array.from({ length: 2000 }, (_, i) => [`k${String(i).padStart(6, '0')}`, filler(30, i)]))
    await ingest(engine, model, entries)
    expect(scan(engine)).toEqual(listed(model))
    expect(await violations(engine)).toEqual([])
    const { tree } = shapeOf(engine)
    expect(tree.at(-1)!.fill).toBeGreaterThan(before === 0 || place === 0 ? 0.7 : 0.5)
    await engine.close()
  })

  it('leaves alone the pages that its keys do not come to', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openBtree({ fileSystem, created: true })
    const model = new Map<string, string>()
    await ingest(engine, model, entriesOf(0, 8000, 1))
    const before = engine.stats().ledger.written.page
    await ingest(engine, model, new Map([[name(1234), 'one']]))
    const pages = (engine.stats().ledger.written.page - before) / 512
    expect(pages).toBeLessThan(20)
    expect(scan(engine)).toEqual(listed(model))
    await engine.close()
  })

  it('is there as a whole or not at all after a crash at any file operation of it', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const { engine, model } = await filled(hooked)
    const ingested = entriesOf(40, 150, 7)
    const after = new Map([...model, ...ingested])
    const crashes = new CrashImages(hooked, fileSystem)
    const running = engine.ingest!(batches(ingested))
    // A checkpoint meanwhile has what is written so far as free space.
    await engine.flush()
    await running
    crashes.isDone = true
    await put(engine, name(45), 'newer', true)
    hooked.before = () => {}
    await engine.close()
    expect(crashes.images.length).toBeGreaterThan(20)
    const newest = new Map([...after, [name(45), 'newer']])
    for (const { at, image, isDone: mustBeThere } of crashes.images) {
      const opened = await openBtree({ fileSystem: image })
      const possible = mustBeThere ? [listed(after), listed(newest)] : [listed(model), listed(after)]
      expect(possible, at).toContainEqual(scan(opened))
      await opened.settle()
      expect(await violations(opened), at).toEqual([])
      await put(opened, 'z', 'after the crash', true)
      await opened.close()
    }
  })

  it.each(['EIO', 'ENOSPC'])('that meets %s at any file operation changes nothing, or stops the writes and is whole', async code => {
    for (let failing = 1, isOver = false; !isOver; failing++) {
      const fileSystem = emptyFileSystem()
      const hooked = new HookedFileSystem(fileSystem)
      const { engine, model } = await filled(hooked)
      const ingested = entriesOf(40, 150, 7)
      const { failure, hasMet } = await failedIngest(engine, hooked, ingested, failing, code)
      isOver = !hasMet
      if (failure !== undefined) expect(scan(engine)).toEqual(listed(model))
      // Where the meta page could not be written, either tree may be in force: no place is given back.
      const refused = await (async () => put(engine, 'z', 'after the failure', true))().catch((error: unknown) => error)
      if (refused === undefined) {
        model.set('z', 'after the failure')
        expect(await violations(engine)).toEqual([])
      }
      await engine.close().catch(() => undefined)
      const opened = await openBtree({ fileSystem })
      const possible =
        failure === undefined ? [listed(new Map([...model, ...ingested]))] : [listed(model), listed(new Map([...model, ...ingested]))]
      expect(possible).toContainEqual(scan(opened))
      await opened.settle()
      expect(await violations(opened)).toEqual([])
      await opened.close()
    }
  })

  it('into a store that takes no more writes does not overwrite the tree that may be in force', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const { engine: first, model } = await filled(hooked)
    await first.close()
    const engine = await openBtree({ fileSystem: hooked })
    await put(engine, name(70), 'newer', true)
    model.set(name(70), 'newer')
    let syncs = 0
    hooked.before = ({ kind, path }) => {
      // The first one is of the pages, the second one of the meta page.
      if (kind === 'sync' && path.endsWith('.btree') && ++syncs === 2)
        throw Object.assign(new Error('EIO: the disk failed'), { code: 'EIO' })
    }
    await expect(engine.flush()).rejects.toThrow('EIO')
    hooked.before = () => {}
    // They copy the pages on the way before they are refused: the former places are free then, in memory alone.
    for (let i = 0; i < 160; i += 5) expect(() => put(engine, name(i), 'refused')).toThrow('takes no more writes')
    await expect(engine.ingest!(batches(entriesOf(40, 500, 7)))).rejects.toMatchObject({ code: 'LEVEL_WRITES_STOPPED' })
    await engine.close().catch(() => undefined)
    const opened = await openBtree({ fileSystem })
    expect(scan(opened)).toEqual(listed(model))
    expect(await violations(opened)).toEqual([])
    await opened.close()
  })

  it('and a checkpoint beside it both fail with a sync that failed for one of them', async () => {
    const hooked = new HookedFileSystem(emptyFileSystem())
    hooked.create('/data').write(new Uint8Array(1 << 14), 0)
    const ledger = new Ledger()
    const file = new PageFile({ file: hooked.openWrite('/data'), unitBytes: 512, identity: 1, hash32: () => 0, ledger })
    const before = file.failedSyncs
    hooked.before = ({ kind }) => {
      if (kind === 'sync') throw Object.assign(new Error('EIO: the disk failed'), { code: 'EIO' })
    }
    await expect(file.sync()).rejects.toThrow('EIO')
    hooked.before = () => {}
    await expect(file.sync(before)).rejects.toThrow('EIO')
    await file.sync()
    file.close()
  })
})
