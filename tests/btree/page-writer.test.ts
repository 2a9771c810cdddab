import { expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { FreeSpace } from '../../src/btree/pages/free-space.js'
import { LiveVersions } from '../../src/btree/pages/live-versions.js'
import { PageFile } from '../../src/btree/pages/page-file.js'
import { PageStore } from '../../src/btree/pages/page-store.js'
import { PageWriter } from '../../src/btree/pages/page-writer.js'
import { Tree } from '../../src/btree/tree/tree.js'
import { newReadCounts, Ledger } from '../../src/trace/ledger.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { keyOf } from '../contract/support/opened-engine.js'

it('a page of megabytes takes a turn of the event loop for every MiB that is hashed and written, and matches its reference', async () => {
  const hash32 = await loadHash32()
  let hashed = 0
  const most: number[] = []
  const counting = (bytes: Uint8Array, seed: number): number => {
    hashed += bytes.length
    return hash32(bytes, seed)
  }
  const { clock } = simulatedEnvironment({ seed: 1 })
  const turn = (): Promise<void> => {
    most.push(hashed)
    hashed = 0
    return Promise.resolve()
  }
  const opened = new MemoryFileSystem().create('/data.btree')
  const file = new PageFile({ file: opened, unitBytes: 4096, identity: 1, hash32: counting, ledger: new Ledger() })
  const store = new PageStore(file, new Cache(1 << 20), newReadCounts())
  const versions = new LiveVersions(page => store.discard(page))
  const tree = new Tree(store, versions)
  const value = new Uint8Array(5 << 20).fill(7)
  for (const name of ['a', 'large', 'z']) {
    const content = name === 'large' ? value : value.subarray(0, 100)
    tree.put(keyOf(name), 0, name.length, content, 0, content.length)
  }
  const free = new FreeSpace(file.firstUnit, file.firstUnit)
  const writer = new PageWriter({ file, store, free, versions, clock, scheduler: { turn, sleep: turn } })
  await writer.write(versions.hold(tree.root, false), null)
  expect(most.length).toBeGreaterThanOrEqual(5)
  expect(Math.max(...most)).toBeLessThanOrEqual((1 << 20) + 4096)
  const large = tree.root.children!.find(child => child!.units > 1000)!
  expect(() => file.read(large, new Uint8Array(large.units * 4096))).not.toThrow()
})
