import { MSGPACK, msgpack, withMsgpack } from './msgpack.js'
import type { SublevelOptions } from './level-types.js'
import { ExpiringSublevel } from './sublevel.js'

/** A sublevel that knows `valueEncoding: 'msgpack'`, as do the sublevels in it. */
export class StoreSublevel<TDatabase, TFormat, K, V> extends ExpiringSublevel<TDatabase, TFormat, K, V> {
  constructor(db: TDatabase, name: string, options: SublevelOptions<K, V>) {
    super(db, name, withMsgpack(options))
    this.valueEncoding(msgpack)
    this.supports.encodings[MSGPACK] = true
  }

  override _sublevel(name: string, options: SublevelOptions<unknown, unknown>): unknown {
    return new StoreSublevel(this, name, options)
  }
}
