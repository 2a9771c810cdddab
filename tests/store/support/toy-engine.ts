import type { EngineFactory, WriteOptions } from '../../../src/engine/contract.js'
import { BatchReader, WriteBatch } from '../../../src/engine/batch.js'
import { KIND_PUT } from '../../../src/codec/entry.js'
import { memoryEngine } from '../../../src/memory/factory.js'
import { CorruptionError } from '../../../src/errors.js'
import { joinPath } from '../../../src/vfs/file-system.js'

const LOG = '000001.log'

/**
 * The smallest durable engine: the memory engine, and one log that is replayed at open. Like any engine it starts over
 * when the store was being created, and takes a missing file of a finished store for damage.
 */
export function toyEngine(name: string): EngineFactory {
  return {
    name,
    durable: true,
    options: { toys: { type: 'integer', default: 3, min: 1, max: 9, unit: 'toys', about: 'Number of toys' } },
    files: { log: /^\d{6}\.log$/ },
    async open(context) {
      const { directory, created, environment } = context
      const { fileSystem } = environment
      const path = joinPath(directory, LOG)
      const there = fileSystem.stat(path) !== undefined
      if (created && there) fileSystem.remove(path)
      else if (!created && !there) throw new CorruptionError('The log is missing', { file: path })
      const log = created ? fileSystem.create(path) : fileSystem.openWrite(path)
      if (created) {
        await log.sync()
        await fileSystem.syncDirectory(directory)
      }
      const inner = await memoryEngine.open({ ...context, options: { arenaSize: 1 << 16 } })
      const length = new Uint8Array(1)
      let end = 0
      while (log.read(length, end) === 1) {
        const bytes = new Uint8Array(length[0])
        log.read(bytes, end + 1)
        const batch = new WriteBatch()
        for (const reader = new BatchReader().reset(bytes, 0, bytes.length); reader.next();) {
          if (reader.kind === KIND_PUT) batch.put(reader.key.copy(), reader.value.copy())
          else batch.del(reader.key.copy())
        }
        await inner.write(batch, { sync: false })
        end += 1 + bytes.length
      }
      return new Proxy(inner, {
        get(target, property) {
          if (property === 'write') {
            return (batch: WriteBatch, options: WriteOptions) => {
              options.precondition?.()
              batch.seal(0)
              log.write(Uint8Array.of(batch.byteLength), end)
              log.write(batch.bytes, end + 1, 0, batch.byteLength)
              end += 1 + batch.byteLength
              void target.write(batch, { sync: false, applied: options.applied })
              return options.sync ? log.sync() : undefined
            }
          }
          if (property === 'close') {
            return async () => {
              log.close()
              await target.close()
            }
          }
          const value: unknown = Reflect.get(target, property, target)
          return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(target) : value
        },
      })
    },
  }
}
