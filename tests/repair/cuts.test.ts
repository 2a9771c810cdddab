import { describe, expect, it } from 'vitest'
import { repair, verify } from '../../src/index.js'
import { fileSystemOf, DIRECTORY, lastingStores } from '../damage/support/small-store.js'
import { SUBJECTS } from '../damage/support/subjects.js'
import { cutsOf, cutStores, judgeCut, SMALL, TARGET } from './support/cut-sweep.js'

/** A slice of what `npm run torture -- --only cut` does at every length. */
describe.each(['lsm', 'btree'])('repair of %s', engine => {
  it('saves the most that can be saved when any file is cut, emptied or deleted', async () => {
    for (const store of await cutStores(engine, 1)) {
      const cuts = new Map<string, number>()
      for (const cut of cutsOf(store, 641)) {
        const place = cuts.get(cut.file) ?? 0
        // Each file is deleted and emptied; of its other lengths the shortest is taken and every seventh after it.
        if (cut.length !== undefined && cut.length > 0) {
          cuts.set(cut.file, place + 1)
          if (place % 7 !== 0) continue
        }
        await judgeCut(cut)
      }
      for (const [name, bytes] of store.files) if (bytes.length > 1) expect(cuts.get(name), name).toBeGreaterThan(0)
    }
  }, 240_000)
})

describe('a cut manifest', () => {
  it('loses no table, is named by verify, and blames no log or table that is rightly gone', async () => {
    for (const store of await cutStores('lsm', 2)) {
      const manifest = [...store.files.keys()].find(name => name.startsWith('MANIFEST'))!
      const bytes = store.files.get(manifest)!
      for (let length = 0; length < bytes.length; length += 37) {
        await judgeCut({ store, file: manifest, length })
        const fileSystem = fileSystemOf(new Map(store.files).set(manifest, bytes.subarray(0, length)))
        const { findings, entries } = await verify(DIRECTORY, { fileSystem })
        expect(findings.map(({ file }) => file).filter(file => !file?.includes('MANIFEST'))).toEqual([])
        expect(entries).toBe(store.contents.length)
      }
    }
  }, 240_000)

  it('lets no deleted key come back from tables that a crash left over', async () => {
    const [subject] = SUBJECTS
    for (const { files, older, contents } of await lastingStores(subject, 3)) {
      const manifest = [...files.keys()].find(name => name.startsWith('MANIFEST'))!
      const leftOver = [...older]
        .filter(([name]) => name.endsWith('.sst') && !files.has(name))
        .map(([name, copies]) => [name, copies.at(-1)!] as const)
      expect(leftOver.length).toBeGreaterThan(1)
      const cut = files.get(manifest)!
      for (const kept of [leftOver, ...leftOver.map(each => [each])]) {
        for (const length of [cut.length, cut.length - 1, Math.floor(cut.length / 2), 0]) {
          const all = new Map([...files, ...kept]).set(manifest, cut.subarray(0, length))
          const fileSystem = fileSystemOf(all)
          const report = await repair(DIRECTORY, TARGET, { fileSystem, engine: 'lsm', engineOptions: SMALL })
          const what = `${kept.map(([name]) => name).join(' ')}, manifest cut at ${length}`
          expect([what, report.entries]).toEqual([what, contents.length])
        }
      }
    }
  }, 240_000)
})
