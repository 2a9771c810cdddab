import type { AbstractIterator as LevelIterator } from 'abstract-level'
import type { Callback, LeveldownIteratorOptions } from 'abstract-leveldown'
import { AbstractIterator, AbstractLevelDOWN } from 'abstract-leveldown'
import type { Kvarium } from 'kvarium'

type Binary = Kvarium<Buffer, Buffer>
type Settings = Readonly<Record<string, unknown>>

interface Operation {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value?: Buffer
}

const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const RANGE_OPTIONS = ['gt', 'gte', 'lt', 'lte', 'limit', 'reverse'] as const

/** The result or error of a promise, in a turn of its own, so that what the callback throws is not the promise's. */
function settle<T>(promise: Promise<T>, callback: Callback<T>): void {
  promise.then(
    value => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error as Error),
  )
}

class Iterator extends AbstractIterator {
  readonly #iterator: LevelIterator<Binary, Buffer, Buffer>
  readonly #options: LeveldownIteratorOptions

  constructor(db: CallbackLeveldown, options: LeveldownIteratorOptions) {
    super(db)
    this.#options = options
    const range = Object.fromEntries(RANGE_OPTIONS.filter(name => options[name] !== undefined).map(name => [name, options[name]]))
    this.#iterator = db.level.iterator({ ...range, ...ENCODINGS })
  }

  override _next(callback: (error?: Error | null, key?: Buffer | string, value?: Buffer | string) => void): void {
    const { keyAsBuffer, valueAsBuffer } = this.#options
    this.#iterator.next().then(
      entry => {
        if (entry === undefined) return process.nextTick(callback)
        const [key, value] = entry
        process.nextTick(callback, null, keyAsBuffer ? key : key.toString(), valueAsBuffer ? value : value.toString())
      },
      (error: unknown) => process.nextTick(callback, error as Error),
    )
  }

  override _seek(target: Buffer): void {
    this.#iterator.seek(target)
  }

  override _end(callback: Callback<void>): void {
    settle(this.#iterator.close(), callback)
  }
}

/** A store as abstract-leveldown 6 has it, for clients of that generation: callbacks, bytes, "NotFound". */
export class CallbackLeveldown extends AbstractLevelDOWN {
  readonly level: Binary

  constructor(level: Binary) {
    super({ bufferKeys: true, snapshots: true, permanence: true, seek: true, clear: true })
    this.level = level
  }

  override _serializeKey(key: unknown): Buffer {
    return Buffer.isBuffer(key) ? key : Buffer.from(String(key))
  }

  override _serializeValue(value: unknown): Buffer {
    return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
  }

  override _open(_options: Settings, callback: Callback<void>): void {
    settle(this.level.open(), callback)
  }

  override _close(callback: Callback<void>): void {
    settle(this.level.close(), callback)
  }

  override _get(key: Buffer, { asBuffer }: Settings, callback: Callback<Buffer | string>): void {
    const reading = this.level.get(key, ENCODINGS).then(value => {
      if (value === undefined) throw new Error('NotFound')
      return asBuffer === true ? value : value.toString()
    })
    settle(reading, callback)
  }

  override _put(key: Buffer, value: Buffer, { sync }: Settings, callback: Callback<void>): void {
    settle(this.level.put(key, value, { ...ENCODINGS, sync: sync === true }), callback)
  }

  override _del(key: Buffer, { sync }: Settings, callback: Callback<void>): void {
    settle(this.level.del(key, { ...ENCODINGS, sync: sync === true }), callback)
  }

  override _batch(operations: readonly Operation[], { sync }: Settings, callback: Callback<void>): void {
    // Levelup's operations have options of their own generation; what counts here are their types, keys and values.
    const own = operations.map(({ type, key, value }) => (type === 'put' ? { type, key, value: value! } : { type, key }))
    settle(this.level.batch(own, { ...ENCODINGS, sync: sync === true }), callback)
  }

  override _iterator(options: LeveldownIteratorOptions): Iterator {
    return new Iterator(this, options)
  }
}
