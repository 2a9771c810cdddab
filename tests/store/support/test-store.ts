import type { EngineFactory } from '../../../src/engine/contract.js'
import { memoryEngine } from '../../../src/memory/factory.js'
import { EngineRegistry } from '../../../src/engine/registry.js'
import { KvariumStore } from '../../../src/store/kvarium.js'
import { destroyStore } from '../../../src/store/platform.js'
import type { UntypedOptions } from '../../../src/store/store-options.js'
import type { FileSystem } from '../../../src/vfs/file-system.js'
import { nodeEnvironment } from '../../../src/vfs/node/node-environment.js'
import { toyEngine } from './toy-engine.js'

export const registry = new EngineRegistry([memoryEngine, toyEngine('toy'), toyEngine('other')])

/** The store with engines of the tests, on any file system. */
export class TestStore<K = string, V = string> extends KvariumStore<K, V> {
  constructor(location: string, options: UntypedOptions<K, V> = {}) {
    const environment = nodeEnvironment()
    const { fileSystem = environment.fileSystem } = options
    super(location, { engine: 'toy', ...options }, { environment: { ...environment, fileSystem }, registry })
  }
}

export function destroy(location: string, fileSystem: FileSystem): Promise<void> {
  return destroyStore(location, { environment: { ...nodeEnvironment(), fileSystem }, registry })
}

/** A store in memory, open. */
export async function openMemory<K = string, V = string>(options: UntypedOptions<K, V> = {}): Promise<TestStore<K, V>> {
  const store = new TestStore<K, V>('memory', { ...options, engine: options.engine ?? 'memory' })
  await store.open()
  return store
}

interface Coded {
  readonly code?: string
  readonly message: string
  readonly cause?: Coded
}

/** The reason why opening fails: the cause of abstract-level's error. */
export async function reasonOf(opening: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason as Coded,
  )
  if (error === undefined) throw new Error('it did not fail')
  const reason = error.code === 'LEVEL_DATABASE_NOT_OPEN' && error.cause !== undefined ? error.cause : error
  return { code: reason.code ?? 'no code', message: reason.message }
}

/** An engine without `getView`, as a custom one may be. */
export const plainEngine: EngineFactory = {
  ...memoryEngine,
  name: 'plain',
  async open(context) {
    const engine = await memoryEngine.open(context)
    return new Proxy(engine, {
      get(target, property) {
        if (property === 'getView') return undefined
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(target) : value
      },
    })
  },
}

/** An engine whose every value is one Buffer that it keeps. */
export const bufferEngine: EngineFactory = {
  ...memoryEngine,
  name: 'buffers',
  async open(context) {
    const engine = await memoryEngine.open(context)
    let kept: Buffer | undefined
    const get = (key: Uint8Array): Uint8Array | undefined => (kept ??= Buffer.from(engine.get(key) ?? []))
    return new Proxy(engine, {
      get(target, property) {
        if (property === 'getView') return undefined
        if (property === 'get') return get
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(target) : value
      },
    })
  },
}
