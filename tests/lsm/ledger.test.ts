import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { inlineExecutor } from '../../src/lsm/compaction/executor.js'
import { workerExecutor } from '../../src/lsm/compaction/worker/worker-executor.js'
import type { Environment } from '../../src/vfs/environment.js'
import type { FileSystem } from '../../src/vfs/file-system.js'
import { MeteredFileSystem, SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'
import { nodeDeflate, nodeEnvironment } from '../../src/vfs/node.js'
import { keyOf, rangeOf } from '../contract/support/opened-engine.js'
import {
  batchOf,
  DIRECTORY,
  emptyFileSystem,
  filler,
  get,
  openLsm,
  put,
  scan,
  sizeOf,
  violations,
  type Operation,
} from './support/opened-lsm.js'

interface Place {
  readonly environment: Environment
  readonly directory: string
  readonly meter: MeteredFileSystem
  dispose(): void
}

function inMemory(): Place {
  const meter = new MeteredFileSystem(emptyFileSystem())
  return {
    environment: simulatedEnvironment({ seed: 3, fileSystem: meter, deflate: nodeDeflate }),
    directory: DIRECTORY,
    meter,
    dispose: () => {},
  }
}

function onDisk(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-ledger-'))
  const environment = nodeEnvironment({ random: new SeededRandom(3) })
  const meter = new MeteredFileSystem(environment.fileSystem)
  return { environment: { ...environment, fileSystem: meter }, directory, meter, dispose: () => rmSync(directory, { recursive: true }) }
}

/** Puts, deletes, clears, gets that find and miss, scans both ways, snapshots, sizes, checks, flushes and compactions. */
async function mixedWork(engine: Engine, random: SeededRandom, steps: number): Promise<void> {
  const key = (): string => `k${String(random.uniform(400)).padStart(4, '0')}`
  for (let step = 0; step < steps; step++) {
    const roll = random.uniform(100)
    if (roll < 70) {
      const operations: Operation[] = []
      for (let left = 1 + random.uniform(8); left > 0; left--) {
        if (random.uniform(5) === 0) operations.push(['del', key()])
        else operations.push(['put', key(), filler(random.uniform(400), step)])
      }
      await engine.write(batchOf(operations), { sync: random.uniform(20) === 0 })
    } else if (roll < 90) engine.get(keyOf(key()))
    else if (roll < 92) scan(engine)
    else if (roll < 94) await engine.clear(rangeOf({ gte: key() }), { sync: false })
    else if (roll < 96) engine.approximateSize(rangeOf({ gte: key() }))
    else if (roll < 97) await engine.flush()
    else if (roll < 98) await engine.compact()
    else if (roll < 99) expect(await violations(engine)).toEqual([])
  }
}

/** Parts against the meter, which has seen everything since the engine was opened. */
function expectCounted(engine: Engine, { meter, directory }: Place, before: ReturnType<MeteredFileSystem['counts']>): void {
  const { ledger } = engine.stats()
  const seen = meter.counts()
  const sum = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((all, part) => all + part, 0)
  const since = (field: 'bytesWritten' | 'bytesRead' | 'syncs'): number => seen.total[field] - before.total[field]
  expect({ written: sum(ledger.written), read: sum(ledger.read), syncs: ledger.syncs }).toEqual({
    written: since('bytesWritten'),
    read: since('bytesRead'),
    syncs: since('syncs') + seen.directorySyncs - before.directorySyncs,
  })
  expect(ledger.fileBytes).toBe(sizeOf(meter as FileSystem, directory))
  expect(ledger.peakFileBytes).toBeGreaterThanOrEqual(ledger.fileBytes)
}

describe.each([
  ['in memory, inline', inMemory, inlineExecutor],
  ['on disk, inline', onDisk, inlineExecutor],
  ['on disk, in the worker', onDisk, workerExecutor],
] as const)('the ledger %s', (_name, place, executor) => {
  it.each([
    { compaction: 'leveled', compression: 'none' },
    { compaction: 'tiered', compression: 'deflate' },
  ] as const)('books every byte that went through the file system, and the size of every file (%o)', async options => {
    const here = place()
    try {
      const random = new SeededRandom(7)
      const open = (created: boolean): Promise<Engine> =>
        openLsm({ ...here, created, executor, manifestBytes: 2000, options: { ...options, cacheSize: 4096 } })
      for (let session = 0; session < 3; session++) {
        const before = here.meter.counts()
        const engine = await open(session === 0)
        for (let round = 0; round < 2; round++) {
          await mixedWork(engine, random, 150)
          await engine.settle()
          expectCounted(engine, here, before)
        }
        await engine.close()
        expectCounted(engine, here, before)
      }
    } finally {
      here.dispose()
    }
  })
})

it('a check counts as reading, but not as a get or scan', async () => {
  const here = inMemory()
  const before = here.meter.counts()
  const engine = await openLsm({ ...here, created: true, options: { cacheSize: 0 } })
  for (let i = 0; i < 500; i++) await put(engine, `k${i}`, filler(100, i))
  await engine.compact()
  const { found, missing, scan: scanned } = engine.stats().ledger
  expect(await violations(engine)).toEqual([])
  expectCounted(engine, here, before)
  expect(get(engine, 'absent')).toBeUndefined()
  const { ledger } = engine.stats()
  expect([ledger.found, ledger.scan]).toEqual([found, scanned])
  expect(ledger.missing.blocksFromDisk).toBe(missing.blocksFromDisk)
  await engine.close()
})
