/** Ingests between writes, snapshots, flushes and compactions; crashes and failures at every file operation of one. */
import { describe, expect, it } from 'vitest'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { SeededRandom, type MemoryFileSystem } from '../../src/vfs/index.js'
import { slice } from '../support/thoroughness.js'
import { batches, contentsAt, contentsOf, CrashImages, entriesOf, failedIngest, name } from '../engine/support/ingests.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import { batchOf, emptyFileSystem, leftovers, listed, openLsm, put, scan, violations, type Operation } from './support/opened-lsm.js'

const SMALL = { maxFileSize: 2 << 10, level1Size: 8 << 10 }

/** A store with tables, a memtable and a log: what an ingest meets. */
async function filled(fileSystem: MemoryFileSystem | HookedFileSystem): Promise<{ engine: Engine; model: Map<string, string> }> {
  const engine = await openLsm({ fileSystem, created: true, options: SMALL })
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
  await engine.settle()
  return { engine, model }
}

describe('an ingest', () => {
  it.each(slice(['leveled', 'lazy-leveled'], ['leveled', 'tiered', 'lazy-leveled']))(
    'between writes, snapshots, flushes, compactions and reopens leaves what a map has (%s)',
    async compaction => {
      for (let seed = 1; seed <= slice(1, 6); seed++) {
        const random = new SeededRandom(seed)
        const fileSystem = emptyFileSystem()
        const options = { ...SMALL, compaction }
        let engine = await openLsm({ fileSystem, created: true, options })
        const model = new Map<string, string>()
        let held: { snapshot: EngineSnapshot; contents: string[] }[] = []
        for (let step = 0; step < 80; step++) {
          const roll = random.uniform(20)
          const entries = entriesOf(random.uniform(400), 1 + random.uniform(120), step)
          if (roll < 6) {
            // A write and a snapshot meanwhile are older than the ingest.
            const ingest = engine.ingest!(batches(entries))
            const written = name(random.uniform(500))
            model.set(written, 'meanwhile')
            await put(engine, written, 'meanwhile', false)
            const snapshot = engine.snapshot()
            held.push({ snapshot, contents: contentsOf(model) })
            if (random.uniform(2) === 0) await engine.compact()
            await ingest
            for (const [key, value] of entries) model.set(key, value)
          } else if (roll < 14) {
            await engine.write(batchOf([...entries].map(([key, value]): Operation => ['put', key, value])), { sync: false })
            for (const [key, value] of entries) model.set(key, value)
          } else if (roll === 14) await engine.flush()
          else if (roll === 15) await engine.compact()
          else if (roll === 16) held.shift()?.snapshot.release()
          else if (roll === 17) {
            held = []
            await engine.close()
            engine = await openLsm({ fileSystem, options })
          }
          expect(scan(engine)).toEqual(listed(model))
          for (const { snapshot, contents } of held) expect(contentsAt(engine, snapshot)).toEqual(contents)
        }
        await engine.settle()
        expect(await violations(engine)).toEqual([])
        await engine.close()
      }
    },
  )

  it('is there as a whole or not at all after a crash at any file operation of it', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const { engine, model } = await filled(hooked)
    const ingested = entriesOf(40, 150, 7)
    const after = new Map([...model, ...ingested])
    const crashes = new CrashImages(hooked, fileSystem)
    await engine.ingest!(batches(ingested))
    crashes.isDone = true
    await put(engine, name(45), 'newer', true)
    hooked.before = () => {}
    await engine.close()
    expect(crashes.images.length).toBeGreaterThan(30)
    const newest = new Map([...after, [name(45), 'newer']])
    for (const { at, image, isDone: mustBeThere } of crashes.images) {
      const opened = await openLsm({ fileSystem: image, options: SMALL })
      const possible = mustBeThere ? [listed(after), listed(newest)] : [listed(model), listed(after)]
      expect(possible, at).toContainEqual(scan(opened))
      await opened.settle()
      expect(leftovers(opened, image), at).toEqual([])
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
      await engine.close().catch(() => undefined)
      const opened = await openLsm({ fileSystem, options: SMALL })
      const possible =
        failure === undefined ? [listed(new Map([...model, ...ingested]))] : [listed(model), listed(new Map([...model, ...ingested]))]
      expect(possible).toContainEqual(scan(opened))
      await opened.settle()
      expect(leftovers(opened, fileSystem)).toEqual([])
      expect(await violations(opened)).toEqual([])
      await opened.close()
    }
  })
})
