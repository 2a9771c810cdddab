import { AbstractSublevel, type AbstractSublevelOptions } from 'abstract-level'
import { MSGPACK, msgpack, withMsgpack } from './msgpack.js'

/** A sublevel that knows `valueEncoding: 'msgpack'`, as do the sublevels in it. */
export class StoreSublevel<TDatabase, TFormat, K, V> extends AbstractSublevel<TDatabase, TFormat, K, V> {
  constructor(db: TDatabase, name: string, options: AbstractSublevelOptions<K, V>) {
    super(db, name, withMsgpack(options))
    this.valueEncoding(msgpack)
    this.supports.encodings[MSGPACK] = true
  }

  _sublevel(name: string, options: AbstractSublevelOptions<unknown, unknown>): unknown {
    return new StoreSublevel(this, name, options)
  }
}
