import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { CorruptionError, IoError, KvariumError } from '../../src/errors.js'
import { inlineExecutor, type ExecutorFactory } from '../../src/lsm/compaction/executor.js'
import { JobCancelled } from '../../src/lsm/compaction/job-cancelled.js'
import { workerExecutor } from '../../src/lsm/compaction/worker/worker-executor.js'
import { describeFailure, restoreFailure } from '../../src/lsm/compaction/worker/worker-protocol.js'
import { FileSystemError, SeededRandom } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { typedError } from '../../src/vfs/vfs-error.js'
import { rangeOf } from '../contract/support/opened-engine.js'
import { slice } from '../support/thoroughness.js'
import { batchOf, filler, leftovers, listed, openLsm, put, scan, violations, type Operation } from './support/opened-lsm.js'

const started = vi.hoisted(() => [] as { terminate(): Promise<number> }[])
/** The fate of the next thread. */
const fate = vi.hoisted((): { next: 'lives' | 'refused' | 'broken' } => ({ next: 'lives' }))

vi.mock('node:worker_threads', async importOriginal => {
  const original = await importOriginal<{ Worker: typeof Worker }>()
  class Recorded extends original.Worker {
    constructor(...parameters: ConstructorParameters<typeof Worker>) {
      if (fate.next === 'refused') throw new Error('threads are not permitted')
      if (fate.next === 'broken') super(`throw new Error('a part is missing')`, { eval: true })
      else super(...parameters)
      started.push(this)
    }
  }
  return { ...original, Worker: Recorded }
})

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-worker-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function open(
  settings: { executor?: ExecutorFactory; created?: boolean; at?: string; options?: Readonly<Record<string, unknown>> } = {},
): Promise<Engine> {
  const { executor = workerExecutor, created = true, at = directory, options = {} } = settings
  return openLsm({ environment: nodeEnvironment({ random: new SeededRandom(1) }), directory: at, executor, created, options })
}

async function fill(engine: Engine, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) await put(engine, `k${String((i * 7919) % 10_007).padStart(5, '0')}`, filler(400, i))
}

describe('the worker', () => {
  it('makes the same tree as the inline executor', async () => {
    const shapes = []
    for (const executor of [workerExecutor, inlineExecutor]) {
      const at = mkdtempSync(join(directory, 'store-'))
      const engine = await open({ executor, at })
      const random = new SeededRandom(5)
      for (let round = 0; round < 12; round++) {
        const operations = Array.from({ length: 40 }, (_, i): Operation => {
          const key = `k${random.uniform(300)}`
          return i % 6 === 0 ? ['del', key] : ['put', key, filler(random.uniform(200), i)]
        })
        await engine.write(batchOf(operations), { sync: false })
        if (round % 5 === 3) await engine.clear(rangeOf({ gte: 'k1', lt: 'k2' }), { sync: false })
        // Alone in the background, so that file numbers do not depend on timing.
        await engine.flush()
        await engine.settle()
      }
      expect(await violations(engine)).toEqual([])
      shapes.push({ ...engine.shape(), contents: scan(engine) })
      await engine.close()
    }
    expect(shapes[0]).toEqual(shapes[1])
  })

  it('that dies fails its job with an error that says so, and the next job starts another one', async () => {
    // Large enough that the thread is gone before the job is done.
    const options = { writeBufferSize: 8 << 20, maxFileSize: 4 << 20, compression: 'deflate' }
    const engine = await open({ options })
    await fill(engine, 0, 50)
    await engine.flush()
    await fill(engine, 50, 2000)
    const flushed = engine.flush()
    await started.at(-1)!.terminate()
    await expect(flushed).rejects.toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
    const before = started.length
    expect(scan(engine)).toHaveLength(2050)
    await new Promise(resolve => setTimeout(resolve, 1100))
    await engine.flush()
    expect(started.length).toBe(before + 1)
    expect(scan(engine)).toHaveLength(2050)
    expect(await violations(engine)).toEqual([])
    await engine.close()
    const again = await open({ created: false, options })
    expect(scan(again)).toHaveLength(2050)
    await again.close()
  })

  it('that dies again and again while it moves values that are apart loses none of them, and leaves no file behind', async () => {
    const options = { valueThreshold: 100, writeBufferSize: 1 << 20, maxFileSize: 64 << 10, compression: 'deflate' }
    const random = new SeededRandom(3)
    let deaths = 0
    const model = new Map<string, string>()
    let engine = await open({ options })
    for (let round = 0; round < slice(1, 20); round++) {
      for (let i = 0; i < 150; i++) {
        const key = `k${random.uniform(200)}`
        model.set(key, filler(50 + random.uniform(2000), i))
        await put(engine, key, model.get(key)!)
      }
      // The thread has begun once its first job is done.
      await engine.flush()
      for (const key of model.keys()) {
        model.set(key, filler(50 + random.uniform(2000), round))
        await put(engine, key, model.get(key)!)
      }
      const work = [engine.flush(), engine.compact()].map(job => job.catch((error: unknown) => error))
      await new Promise(resolve => setTimeout(resolve, random.uniform(12)))
      await started.at(-1)?.terminate()
      for (const failure of await Promise.all(work)) {
        if (failure === undefined) continue
        expect(failure).toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
        deaths++
      }
      expect(scan(engine)).toEqual(listed(model))
      await engine.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'LEVEL_WORKER_FAILED' }))
      engine = await open({ created: false, options })
      expect(scan(engine)).toEqual(listed(model))
      await engine.settle()
      expect(await violations(engine)).toEqual([])
      expect(leftovers(engine, nodeEnvironment().fileSystem, directory)).toEqual([])
    }
    // One round may be over before its thread ends.
    expect(deaths).toBeGreaterThan(slice(-1, 3))
    await engine.close()
  })

  it.each(['refused', 'broken'] as const)('that cannot be started (%s) is done without: jobs run inline', async how => {
    await started.at(-1)?.terminate()
    fate.next = how
    try {
      const engine = await open()
      await fill(engine, 0, 300)
      await engine.flush()
      await engine.compact()
      await fill(engine, 300, 50)
      await engine.flush()
      expect(scan(engine)).toHaveLength(350)
      expect(await violations(engine)).toEqual([])
      await engine.close()
    } finally {
      fate.next = 'lives'
    }
    const again = await open({ created: false })
    expect(scan(again)).toHaveLength(350)
    await again.close()
  })

  it('is found from source in whatever directory the process runs', () => {
    const program = `
      const { Kvarium, Trace } = await import(process.env.KVARIUM_SOURCE)
      const remote = []
      const trace = new Trace({ level: 'job', listener: e => e.type === 'job.begin' && e.kind === 'flush' && remote.push(e.remote) })
      const db = new Kvarium('store', { engine: 'lsm', trace })
      for (const key of ['a', 'b']) {
        await db.put(key, key)
        await db.flush()
      }
      await db.close()
      console.log(JSON.stringify(remote))`
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const ran = spawnSync(process.execPath, ['--import', tsx, '--input-type=module', '-e', program], {
      cwd: directory,
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, KVARIUM_SOURCE: new URL('../../src/index.ts', import.meta.url).href },
    })
    expect(ran.stderr).toBe('')
    // It would be inline the second time if the first had not found its thread.
    expect(ran.stdout).toBe('[true,true]\n')
  })

  it('gives up a large compaction when the store closes', async () => {
    const engine = await open({
      options: {
        writeBufferSize: 4 << 20,
        maxFileSize: 2 << 20,
        level0Tables: 4,
        level0StopTables: 60,
        blockSize: 4096,
        compression: 'deflate',
      },
    })
    const value = String.fromCharCode(...Array.from({ length: 1000 }, (_, i) => 32 + ((i * i) % 90)))
    for (let i = 0; i < 20_000; i++) await put(engine, `k${(i * 7919) % 30_011}`, value)
    await engine.flush()
    await new Promise(resolve => setTimeout(resolve, 20))
    const since = performance.now()
    await engine.close()
    expect(performance.now() - since).toBeLessThan(1000)
  })

  it('serves a flush while a compaction of another store goes on', async () => {
    const [one, two] = [mkdtempSync(join(directory, 'one-')), mkdtempSync(join(directory, 'two-'))]
    const large = await open({
      at: one,
      options: {
        writeBufferSize: 4 << 20,
        maxFileSize: 2 << 20,
        level0Tables: 50,
        level0StopTables: 60,
        blockSize: 4096,
        compression: 'deflate',
      },
    })
    const small = await open({ at: two })
    const value = String.fromCharCode(...Array.from({ length: 1000 }, (_, i) => 32 + ((i * i) % 90)))
    for (let i = 0; i < 12_000; i++) await put(large, `k${(i * 7919) % 20_011}`, value)
    await large.flush()
    let isCompacting = true
    const compacted = large.compact().then(() => (isCompacting = false))
    await put(small, 'a', '1')
    await small.flush()
    expect(isCompacting).toBe(true)
    await compacted
    await Promise.all([large.close(), small.close()])
  })
})

describe('an error that crosses threads', () => {
  it('keeps its class, code, place and message', () => {
    const place = { file: '/store/000007.sst', offset: 42 }
    const errors = [
      new CorruptionError('a block is damaged', place),
      new CorruptionError('without a place'),
      new IoError('the disk is full', place),
      new KvariumError('LEVEL_INTERNAL', 'a bug', place),
      new JobCancelled('closed'),
    ]
    for (const error of errors) {
      const restored = restoreFailure(structuredClone(describeFailure(error)))
      expect(restored.message).toBe(error.message)
      expect(restored).toBeInstanceOf(error instanceof IoError ? KvariumError : error.constructor)
      if (error instanceof KvariumError) expect(restored).toMatchObject({ code: error.code, ...(error.file !== undefined && place) })
    }
  })

  it('of the system stays one, and becomes an IoError that names the file', () => {
    const error = new FileSystemError('ENOSPC', { operation: 'write', path: '/store/000009.sst' })
    const restored = restoreFailure(structuredClone(describeFailure(error)))
    expect(restored).toEqual(error)
    expect(typedError(restored)).toMatchObject({
      code: 'LEVEL_IO_ERROR',
      message: expect.stringMatching(/ENOSPC.*000009\.sst/) as string,
    })
  })
})
