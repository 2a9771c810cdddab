/** The parts of clients without types, or with types that their exports do not lead to, that the tests use. */

declare module 'abstract-leveldown' {
  export type Callback<T> = (error?: Error | null, value?: T) => void

  export interface LeveldownIteratorOptions {
    readonly gt?: Buffer
    readonly gte?: Buffer
    readonly lt?: Buffer
    readonly lte?: Buffer
    readonly limit?: number
    readonly reverse?: boolean
    readonly keyAsBuffer: boolean
    readonly valueAsBuffer: boolean
  }

  export class AbstractIterator {
    constructor(db: AbstractLevelDOWN)
    _next(callback: Callback<Buffer | string>): void
    _seek(target: Buffer): void
    _end(callback: Callback<void>): void
  }

  export class AbstractLevelDOWN {
    constructor(manifest: Readonly<Record<string, boolean>>)
    _serializeKey(key: unknown): Buffer
    _serializeValue(value: unknown): Buffer
    _open(options: object, callback: Callback<void>): void
    _close(callback: Callback<void>): void
    _get(key: Buffer, options: object, callback: Callback<Buffer | string>): void
    _put(key: Buffer, value: Buffer, options: object, callback: Callback<void>): void
    _del(key: Buffer, options: object, callback: Callback<void>): void
    _batch(operations: readonly object[], options: object, callback: Callback<void>): void
    _iterator(options: LeveldownIteratorOptions): AbstractIterator
  }
}

declare module 'pouchdb-core' {
  export interface Doc {
    readonly _id: string
    readonly _rev?: string
    readonly [field: string]: unknown
  }

  export interface Row {
    readonly id: string
    readonly doc?: Doc
  }

  export interface Change {
    readonly id: string
    readonly seq: number
    readonly deleted?: boolean
  }

  class PouchDB {
    static adapter(name: string, adapter: object, addToPreferred?: boolean): void
    constructor(name: string, options: { readonly adapter: string; readonly auto_compaction?: boolean })
    put(doc: Doc): Promise<{ readonly id: string; readonly rev: string }>
    get(id: string, options?: object): Promise<Doc>
    remove(id: string, rev: string): Promise<unknown>
    bulkDocs(docs: readonly Doc[]): Promise<readonly ({ readonly rev: string } & { readonly error?: boolean })[]>
    allDocs(options: object): Promise<{ readonly total_rows: number; readonly rows: readonly Row[] }>
    changes(options: object): Promise<{ readonly results: readonly Change[]; readonly last_seq: number }>
    putAttachment(id: string, name: string, rev: string, data: Buffer, type: string): Promise<{ readonly rev: string }>
    getAttachment(id: string, name: string): Promise<Buffer>
    info(): Promise<{ readonly doc_count: number; readonly update_seq: number }>
    compact(): Promise<unknown>
    close(): Promise<void>
    destroy(): Promise<void>
  }
  export { PouchDB as default }
}

declare module 'pouchdb-adapter-leveldb-core' {
  const LevelPouch: (this: unknown, options: object, callback: (error?: Error | null) => void) => void
  export { LevelPouch as default }
}

declare module 'search-index' {
  import type { EventEmitter } from 'node:events'

  export interface SearchDoc {
    readonly _id: string | number
    readonly [field: string]: unknown
  }

  export interface Found {
    readonly _id: string | number
    readonly _score: number
    readonly _doc?: SearchDoc
  }

  export class SearchIndex {
    constructor(options: { readonly name: string; readonly Level: unknown })
    readonly EVENTS: EventEmitter
    readonly INDEX: { readonly STORE: { close(): Promise<void> } }
    PUT(docs: readonly SearchDoc[]): Promise<unknown>
    DELETE(...ids: readonly (string | number)[]): Promise<unknown>
    QUERY(query: unknown, options?: object): Promise<{ readonly RESULT: readonly Found[] }>
    ALL_DOCUMENTS(): Promise<readonly Found[]>
    DICTIONARY(token: unknown): Promise<{ readonly RESULT: readonly string[] }>
    DOCUMENT_COUNT(): Promise<number>
    EXPORT(): Promise<readonly { readonly key: readonly unknown[]; readonly value: unknown }[]>
    IMPORT(entries: readonly object[]): Promise<unknown>
    FLUSH(): Promise<unknown>
  }
}

declare module 'y-leveldb' {
  import type { Doc } from 'yjs'

  export class LeveldbPersistence {
    constructor(location: string, options: { readonly Level: unknown })
    storeUpdate(name: string, update: Uint8Array): Promise<number>
    flushDocument(name: string): Promise<void>
    clearDocument(name: string): Promise<void>
    clearAll(): Promise<void>
    getYDoc(name: string): Promise<Doc>
    getStateVector(name: string): Promise<Uint8Array>
    getDiff(name: string, stateVector: Uint8Array): Promise<Uint8Array>
    getAllDocNames(): Promise<string[]>
    getAllDocStateVectors(): Promise<{ readonly name: string; readonly sv: Uint8Array; readonly clock: number }[]>
    setMeta(name: string, key: string, value: unknown): Promise<void>
    getMeta(name: string, key: string): Promise<unknown>
    delMeta(name: string, key: string): Promise<void>
    getMetas(name: string): Promise<Map<string, unknown>>
    destroy(): Promise<void>
  }
}
