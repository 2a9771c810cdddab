import { AbstractSublevel, type AbstractSublevelOptions } from 'abstract-level'
import { explainingFailedOpen, type FailedOpen } from './failed-open.js'
import { MSGPACK, msgpack, withMsgpack } from './msgpack.js'

interface Openable {
  _open(options: object): Promise<void>
}

type SublevelConstructor = new <TDatabase, TFormat, K, V>(
  db: TDatabase,
  name: string,
  options: AbstractSublevelOptions<K, V>,
) => AbstractSublevel<TDatabase, TFormat, K, V> & FailedOpen & Openable

const BaseSublevel = explainingFailedOpen(AbstractSublevel) as unknown as SublevelConstructor

/** A sublevel that knows `valueEncoding: 'msgpack'`, as do the sublevels in it. */
export class StoreSublevel<TDatabase, TFormat, K, V> extends BaseSublevel<TDatabase, TFormat, K, V> {
  constructor(db: TDatabase, name: string, options: AbstractSublevelOptions<K, V>) {
    super(db, name, withMsgpack(options))
    this.valueEncoding(msgpack)
    this.supports.encodings[MSGPACK] = true
  }

  override _open(options: object): Promise<void> {
    return this.remembering(async () => {
      try {
        await super._open(options)
      } catch (error) {
        throw (this.parent as unknown as FailedOpen).explained(error)
      }
    })
  }

  _sublevel(name: string, options: AbstractSublevelOptions<unknown, unknown>): unknown {
    return new StoreSublevel(this, name, options)
  }
}
