import { callbackify } from 'node:util'
import type { Kvarium, KvariumOpenOptions } from 'kvarium'

/** An iterator of the store with callbacks: what the many-level host uses. */
function callbackIterator(iterator: {
  nextv: (size: number) => Promise<unknown[]>
  seek: (target: Uint8Array, options: object) => void
  close: () => Promise<void>
}): object {
  return {
    nextv: callbackify((size: number) => iterator.nextv(size)),
    seek: (target: Uint8Array, options: object) => iterator.seek(target, options),
    close: callbackify(() => iterator.close()),
  }
}

/**
 * A database of abstract-level 3 with the callbacks of abstract-level 1, which the many-level host still calls with; a
 * missing key is an error there.
 */
export function callbackDatabase(db: Kvarium): object {
  return {
    supports: db.supports,
    open: callbackify((options: KvariumOpenOptions) => db.open(options)),
    get: callbackify(async (key: Uint8Array, options: object) => {
      const value: unknown = await db.get<Uint8Array, Uint8Array>(key, options)
      if (value === undefined) throw Object.assign(new Error('Entry not found'), { code: 'LEVEL_NOT_FOUND', status: 404 })
      return value
    }),
    getMany: callbackify((keys: Uint8Array[], options: object) => db.getMany<Uint8Array, Uint8Array>(keys, options)),
    put: callbackify((key: Uint8Array, value: Uint8Array, options: object) => db.put(key, value, options)),
    del: callbackify((key: Uint8Array, options: object) => db.del(key, options)),
    batch: callbackify((operations: [], options: object) => db.batch(operations, options)),
    clear: callbackify((options: object) => db.clear(options)),
    iterator: (options: object) => callbackIterator(db.iterator<Uint8Array, Uint8Array>(options)),
    keys: (options: object) => callbackIterator(db.keys<Uint8Array>(options)),
    values: (options: object) => callbackIterator(db.values<Uint8Array, Uint8Array>(options)),
  }
}
