import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import type { LsmOptions } from '../../src/lsm/options.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { nodeDeflate } from '../../src/vfs/node.js'
import { DIRECTORY, emptyFileSystem, get, openLsm, put } from './support/opened-lsm.js'

const ENTRIES = 300

/** Nothing is merged but by `compact()`. */
const LARGE_LEVELS = { level0Tables: 20, level0StopTables: 40 }

type Compression = LsmOptions['compression']

/** Opens the same store with one choice after the other. */
function store(): (compression?: Compression) => Promise<Engine> {
  const environment = simulatedEnvironment({ seed: 1, fileSystem: emptyFileSystem(), deflate: nodeDeflate })
  let created = true
  return async compression => {
    const engine = await openLsm({
      environment,
      directory: DIRECTORY,
      created,
      options: { ...LARGE_LEVELS, ...(compression !== undefined && { compression }) },
    })
    created = false
    return engine
  }
}

async function fill(engine: Engine): Promise<void> {
  for (let i = 0; i < ENTRIES; i++) await put(engine, `key ${i}`, `value ${i}, `.repeat(10))
}

function expectEntries(engine: Engine): void {
  for (let i = 0; i < ENTRIES; i++) expect(get(engine, `key ${i}`)).toBe(`value ${i}, `.repeat(10))
}

describe('compression', () => {
  it('each level is compressed by its own codec', async () => {
    const engine = await store()({ level0: 'none', rest: 'lz4' })
    await fill(engine)
    await engine.flush()
    expect(engine.stats().ledger.saved).toEqual({ flush: 0, compaction: 0, page: 0 })
    const flushed = engine.stats().ledger.fileBytes
    await engine.compact()
    const { saved, fileBytes } = engine.stats().ledger
    expect(saved.flush).toBe(0)
    expect(saved.compaction).toBeGreaterThan(flushed / 3)
    expect(fileBytes).toBeLessThan(flushed)
    expectEntries(engine)
    await engine.close()
  })

  it('what is written and what is saved make up what is written without compression', async () => {
    const writes: number[] = []
    for (const compression of ['none', 'lz4', 'deflate'] as const) {
      const engine = await store()(compression)
      await fill(engine)
      await engine.flush()
      const { written, saved } = engine.stats().ledger
      expect(saved.flush > 0).toBe(compression !== 'none')
      writes.push(written.flush + saved.flush)
      await engine.close()
    }
    // An index entry of a compressed block has its size in addition.
    for (const bytes of writes) expect(Math.abs(bytes - writes[0])).toBeLessThan(100)
  })

  it('a store goes on with another codec, and with blocks of every one', async () => {
    const open = store()
    for (const compression of ['none', 'deflate', 'lz4', { level0: 'deflate' }, undefined] as const) {
      const engine = await open(compression)
      await fill(engine)
      await engine.flush()
      expectEntries(engine)
      await engine.close()
    }
    const engine = await open()
    await engine.compact()
    expectEntries(engine)
    await engine.close()
  })

  it.each(['zstd', { level2: 'zstd' }] as const)('a codec that the environment lacks is refused (%o)', async compression => {
    await expect(store()(compression)).rejects.toThrow("compression 'zstd' is not available in this environment: Node has it from 22.15 on")
  })
})
