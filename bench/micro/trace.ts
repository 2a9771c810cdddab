import { memoryEngine } from '../../src/memory/factory.js'
import { EngineRegistry } from '../../src/engine/registry.js'
import { btreeEngine } from '../../src/btree/factory.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { KvariumStore } from '../../src/store/kvarium.js'
import type { TraceLevel } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { portableEnvironment } from '../../src/vfs/portable-environment.js'
import type { Case, Micro } from './suite.js'

const KEYS = 10_000
const OPERATIONS = 1000
/** Entries beside the keys: the B+tree lets its log grow with its data, and here no checkpoint gets a turn. */
const OTHERS = 300_000
const LEVELS: readonly (TraceLevel | 'none')[] = ['none', 'job', 'io', 'step']

export const trace: Micro = { about: '16 + 100 bytes, files in memory, logs nowhere; a listener that does nothing', cases }

/** Logs discard their contents: otherwise they would grow during the measurement. */
class LoglessFileSystem extends MemoryFileSystem {
  override create(path: string): FileHandle {
    const handle = super.create(path)
    if (!path.endsWith('.log')) return handle
    return {
      path,
      size: () => 0,
      read: () => 0,
      write: () => undefined,
      truncate: () => undefined,
      sync: async () => undefined,
      close: () => undefined,
    }
  }
}

async function cases(): Promise<Case[]> {
  const all: Case[] = []
  for (const engine of ['lsm', 'btree']) for (const level of LEVELS) all.push(...(await casesOf(engine, level)))
  return all
}

let heard = 0

async function casesOf(engine: string, level: TraceLevel | 'none'): Promise<Case[]> {
  const registry = new EngineRegistry([lsmEngine(), btreeEngine(), memoryEngine])
  const environment = portableEnvironment({ fileSystem: new LoglessFileSystem() })
  const listener = (): void => {
    heard++
  }
  const options = level === 'none' ? {} : { trace: new Trace({ level, listener }) }
  // Nothing is flushed during the measurement: the event loop gets no turn.
  const store = new KvariumStore('db', { engine, writeBufferSize: 1 << 29, ...options }, { environment, registry })
  await store.open()
  const keys = Array.from({ length: KEYS }, (_, i) => `user${String((i * 7919) % KEYS).padStart(12, '0')}`)
  const value = 'v'.repeat(100)
  await store.batch(keys.map(key => ({ type: 'put', key, value })))
  await store.batch(Array.from({ length: OTHERS }, (_, i) => ({ type: 'put', key: `other${i}`, value })))
  await store.flush()
  let at = 0
  const get = (): number => {
    let found = 0
    for (let i = 0; i < OPERATIONS; i++) found += store.getSync(keys[at++ % KEYS]) === undefined ? 0 : 1
    return found + heard
  }
  const put = (): number => {
    for (let i = 0; i < OPERATIONS; i++) void store._put(keys[at++ % KEYS], value, {})
    if (store.stats().stalls.count > 0) throw new Error('Writers had to wait: measure for fewer seconds')
    return heard
  }
  return [
    { name: `get, ${engine}, trace ${level}`, operations: OPERATIONS, run: get },
    { name: `put, ${engine}, trace ${level}`, operations: OPERATIONS, run: put },
  ]
}
