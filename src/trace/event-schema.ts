/**
 * What events look like at run time: for each type its level, what it says, and the fields it has. From this the reader of JSON lines
 * checks what it reads, and `docs/tracing.md` has its table. The types in events.ts hold this file complete.
 */
import type { EventBodies, EventType, TraceLevel } from './events.js'

/** The shape of a value. `optional` may be left out, `maybe` is there but may be `undefined`. */
export type Field =
  | 'integer'
  | 'number'
  | 'string'
  | 'boolean'
  | 'bytes'
  | 'json'
  | { readonly oneOf: readonly (string | number)[] }
  | { readonly list: Field }
  | { readonly fields: Fields }
  | { readonly by: string; readonly variants: Readonly<Record<string, Fields>> }
  | { readonly optional: Field }
  | { readonly maybe: Field }

export type Fields = Readonly<Record<string, Field>>

export interface EventSchema {
  readonly level: TraceLevel
  readonly about: string
  readonly fields: Fields
}

type Schemas = {
  readonly [Type in EventType]: {
    readonly level: TraceLevel
    readonly about: string
    readonly fields: { readonly [Name in keyof EventBodies[Type]]-?: Field }
  }
}

const OPERATION: Field = {
  oneOf: [
    'get',
    'write',
    'clear',
    'cursor',
    'seek',
    'next',
    'snapshot',
    'flush',
    'compact',
    'settle',
    'check',
    'estimate',
    'share',
    'ingest',
    'changes',
    'backup',
    'transaction',
  ],
}
const JOB: Field = { oneOf: ['open', 'close', 'commit', 'rotate', 'replay', 'flush', 'compaction', 'checkpoint', 'free'] }
const ENTRY_KIND: Field = { oneOf: [0, 1, 2, 3] }
const INTEGERS: Field = { list: 'integer' }
const SOURCE: Field = {
  by: 'in',
  variants: {
    memtable: {},
    frozen: { index: 'integer' },
    table: { level: 'integer', file: 'integer' },
    run: { level: 'integer', run: 'integer' },
  },
}
const TABLE = {
  number: 'integer',
  level: 'integer',
  run: 'integer',
  entries: 'integer',
  tombstones: 'integer',
  rangeTombstones: 'integer',
  fileBytes: 'integer',
  rawBytes: 'integer',
  minSequence: 'integer',
  maxSequence: 'integer',
  smallest: 'bytes',
  largest: 'bytes',
  halfExpiredAt: { optional: 'integer' },
  blobs: { optional: { list: { list: 'integer' } } },
} as const
const DATA_FILE = {
  file: 'integer',
  from: 'integer',
  to: 'integer',
  log: 'boolean',
  obsolete: 'boolean',
  bytes: 'integer',
  puts: 'integer',
  live: 'integer',
  putBytes: 'integer',
  liveBytes: 'integer',
  pins: 'integer',
} as const satisfies Fields
const BLOBS: Field = { optional: { list: { fields: { number: 'integer', fileBytes: 'integer', valueBytes: 'integer' } } } }
const TABLES: Field = { list: { fields: TABLE } }
const TOUCHED: Fields = {
  operations: 'integer',
  blocksFromCache: 'integer',
  blocksFromDisk: 'integer',
  bytesFromDisk: 'integer',
  filterProbes: 'integer',
  filterNegatives: 'integer',
  filterFalsePositives: 'integer',
}
const STEP: Fields = { level: 'integer', key: { maybe: 'bytes' }, forward: 'integer', comparisons: 'integer' }
const CACHED = { file: 'integer', id: 'integer', bytes: 'integer' } as const

export const EVENT_SCHEMAS: Schemas = {
  'engine.open': {
    level: 'job',
    about: 'The engine is open, and begins after this sequence number',
    fields: { engine: 'string', entrySequence: 'integer', options: 'json' },
  },
  'snapshot.take': { level: 'job', about: 'A snapshot is taken', fields: { entrySequence: 'integer', live: 'integer' } },
  'snapshot.release': { level: 'job', about: 'A snapshot is released', fields: { entrySequence: 'integer', live: 'integer' } },

  'operation.begin': {
    level: 'io',
    about: 'A call of the engine begins',
    fields: {
      kind: OPERATION,
      key: { optional: 'bytes' },
      entries: { optional: 'integer' },
      userBytes: { optional: 'integer' },
      sync: { optional: 'boolean' },
    },
  },
  'operation.end': {
    level: 'io',
    about: 'The answer, or the acknowledgement',
    fields: {
      kind: OPERATION,
      status: { oneOf: ['ok', 'found', 'missing', 'failed'] },
      valueBytes: { optional: 'integer' },
      error: { optional: 'string' },
      touched: { optional: { fields: TOUCHED } },
    },
  },

  'transaction.conflict': {
    level: 'job',
    about: 'What a transaction has read was changed by another write',
    fields: { attempt: 'integer', key: { optional: 'bytes' } },
  },
  'transaction.commit': {
    level: 'job',
    about: 'A transaction has committed',
    fields: { attempt: 'integer', entries: 'integer', keysRead: 'integer' },
  },

  'file.create': { level: 'io', about: 'A file is created', fields: { file: 'string' } },
  'file.open': { level: 'io', about: 'A file is opened', fields: { file: 'string', writable: 'boolean' } },
  'file.read': {
    level: 'io',
    about: 'Bytes are read, which the ledger counts under `part`',
    fields: {
      file: 'string',
      offset: 'integer',
      length: 'integer',
      part: { oneOf: ['open', 'get', 'scan', 'compaction', 'changes', 'backup'] },
    },
  },
  'file.write': {
    level: 'io',
    about: 'Bytes are written, which the ledger counts under `part`',
    fields: {
      file: 'string',
      offset: 'integer',
      length: 'integer',
      part: { oneOf: ['log', 'flush', 'compaction', 'page', 'meta'] },
      bytes: { optional: 'bytes' },
    },
  },
  'file.truncate': { level: 'io', about: 'A file is cut to a size', fields: { file: 'string', size: 'integer' } },
  'file.sync': { level: 'io', about: 'What was written to a file is durable', fields: { file: 'string' } },
  'file.close': { level: 'io', about: 'A file is closed', fields: { file: 'string' } },
  'file.link': { level: 'io', about: 'A file gets a second name', fields: { file: 'string', name: 'string' } },
  'file.rename': { level: 'io', about: 'A file gets another name', fields: { from: 'string', to: 'string' } },
  'file.remove': { level: 'io', about: 'A file is removed', fields: { file: 'string' } },
  'directory.sync': { level: 'io', about: 'The names in a directory are durable', fields: { directory: 'string' } },

  'log.append': {
    level: 'io',
    about: 'A batch is in the log: it survives the death of the process',
    fields: {
      log: 'integer',
      firstSequence: 'integer',
      entries: 'integer',
      offset: 'integer',
      length: 'integer',
      userBytes: 'integer',
    },
  },
  'log.rotate': { level: 'job', about: 'Writing goes on in a new log', fields: { from: 'integer', to: 'integer' } },
  'log.replay': {
    level: 'job',
    about: 'A log of an earlier session is read back',
    fields: { log: 'integer', records: 'integer', entries: 'integer', bytes: 'integer', outcome: 'string' },
  },
  'changes.log': {
    level: 'io',
    about: 'A feed reads the batches of a log that come after a sequence number',
    fields: { log: 'integer', after: 'integer' },
  },
  'log.release': { level: 'job', about: 'A log is removed: all that is in it is elsewhere', fields: { log: 'integer', bytes: 'integer' } },
  'log.commit': {
    level: 'job',
    about: 'One sync, and the operations that shared it',
    fields: { log: 'integer', operations: INTEGERS, upTo: 'integer' },
  },

  'memtable.search': {
    level: 'step',
    about: 'The way down a skiplist',
    fields: { source: SOURCE, path: { list: { fields: STEP } }, found: 'boolean' },
  },
  'memtable.insert': {
    level: 'step',
    about: 'A version enters the memtable',
    fields: {
      key: 'bytes',
      kind: ENTRY_KIND,
      entrySequence: 'integer',
      valueBytes: 'integer',
      height: 'integer',
      bytesUsed: 'integer',
    },
  },
  'memtable.new': {
    level: 'job',
    about: 'A fresh memtable takes the place of the one before',
    fields: { log: 'integer', bytesUsed: 'integer', capacityBytes: 'integer' },
  },
  'memtable.freeze': {
    level: 'job',
    about: 'The memtable takes no more and waits for its flush',
    fields: { log: 'integer', entries: 'integer', bytes: 'integer', capacityBytes: { optional: 'integer' } },
  },
  'memtable.drop': { level: 'job', about: 'The oldest frozen memtable is in tables', fields: { log: 'integer', entries: 'integer' } },
  'tombstone.add': {
    level: 'step',
    about: 'A range of keys is deleted by one tombstone',
    fields: { from: 'bytes', to: 'bytes', entrySequence: 'integer' },
  },

  'job.begin': {
    level: 'job',
    about: 'A job begins, set off by the operation it names, if any',
    fields: { kind: JOB, reason: { optional: 'string' }, remote: { optional: 'boolean' } },
  },
  'job.end': {
    level: 'job',
    about: 'A job ends, with the bytes it moved',
    fields: {
      kind: JOB,
      status: { oneOf: ['ok', 'failed', 'cancelled'] },
      bytesRead: 'integer',
      bytesWritten: 'integer',
      error: { optional: 'string' },
    },
  },

  'table.block': {
    level: 'step',
    about: 'A block of a new table is written',
    fields: {
      file: 'integer',
      kind: { oneOf: ['data', 'index', 'filter', 'properties', 'ranges', 'footer'] },
      offset: 'integer',
      length: 'integer',
      entries: 'integer',
    },
  },
  'table.filter': {
    level: 'step',
    about: 'The bloom filter of a new table is built',
    fields: { file: 'integer', bits: 'integer', hashes: 'integer', keys: 'integer' },
  },
  'table.built': { level: 'job', about: 'A new table is complete', fields: { ...TABLE, blocks: 'integer' } },

  'compaction.pick': {
    level: 'job',
    about: 'What is to be compacted, and why',
    fields: {
      reason: 'string',
      scores: { list: 'number' },
      inputs: { list: INTEGERS },
      outputLevel: 'integer',
      outcome: { oneOf: ['merge', 'move', 'drop'] },
      overlapBytes: 'integer',
      inputBytes: 'integer',
    },
  },
  'compaction.key': {
    level: 'step',
    about: 'A version met by a merge, and its fate',
    fields: {
      key: 'bytes',
      entrySequence: 'integer',
      kind: ENTRY_KIND,
      fate: { oneOf: ['kept', 'expired', 'shadowed', 'covered', 'tombstone-dropped'] },
      valueBytes: 'integer',
    },
  },
  'merge.end': {
    level: 'job',
    about: 'A flush or compaction has merged its inputs',
    fields: {
      entriesRead: 'integer',
      dropped: { fields: { shadowed: 'integer', covered: 'integer', tombstones: 'integer', expired: { optional: 'integer' } } },
      tables: INTEGERS,
      notRecorded: 'integer',
    },
  },

  'entries.expire': {
    level: 'job',
    about: 'Expired entries are dropped, with their bytes',
    fields: { entries: 'integer', bytes: 'integer' },
  },

  'directory.search': {
    level: 'step',
    about: 'Where the directory of a hash engine has the value of a key',
    fields: {
      key: 'bytes',
      outcome: { oneOf: ['hit', 'expired', 'miss'] },
      file: { optional: 'integer' },
      offset: { optional: 'integer' },
      length: { optional: 'integer' },
    },
  },
  'directory.place': {
    level: 'step',
    about: 'The newest value of a key of a hash engine is there now, put or copied',
    fields: {
      key: 'bytes',
      hash: 'integer',
      record: 'integer',
      file: 'integer',
      offset: 'integer',
      length: 'integer',
      entrySequence: 'integer',
      from: { optional: 'integer' },
    },
  },
  'directory.remove': {
    level: 'step',
    about: 'A key of a hash engine, or a range of keys, has no value any more',
    fields: { key: 'bytes', last: { optional: 'bytes' } },
  },
  'directory.change': {
    level: 'io',
    about: 'The directory of a hash engine now, with the files that are new or different',
    fields: {
      entries: 'integer',
      liveBytes: 'integer',
      entrySequence: 'integer',
      records: 'integer',
      bytes: 'integer',
      orderBytes: 'integer',
      olderVersions: 'integer',
      held: 'integer',
      files: { list: { fields: DATA_FILE } },
      gone: INTEGERS,
    },
  },
  'directory.sort': {
    level: 'job',
    about: 'The keys of a hash engine were put in order, for a cursor or a clear',
    fields: { records: 'integer', sorted: 'integer' },
  },
  'data.read': {
    level: 'job',
    about: 'Opening has read a data file of a hash engine, or only its hint file',
    fields: { file: 'integer', from: 'integer', to: 'integer', puts: 'integer', bytes: 'integer', hint: 'boolean' },
  },
  'data.add': {
    level: 'job',
    about: 'A log became a data file, or data files were merged into one',
    fields: { file: 'integer', from: 'integer', to: 'integer', puts: 'integer', bytes: 'integer', replaces: INTEGERS },
  },
  'data.drop': {
    level: 'job',
    about: 'A data file that was merged into another one was removed',
    fields: { file: 'integer', bytes: 'integer' },
  },
  'manifest.read': {
    level: 'job',
    about: 'The manifest in force says which files make up the store that is opened',
    fields: { manifest: 'integer', tables: TABLES, blobs: BLOBS },
  },
  'manifest.edit': {
    level: 'job',
    about: 'A change of which files make up the store is durable and in force',
    fields: {
      manifest: 'integer',
      whole: 'boolean',
      added: TABLES,
      deleted: INTEGERS,
      blobs: BLOBS,
      flushedLogs: INTEGERS,
      newLog: { optional: 'integer' },
      offset: 'integer',
      length: 'integer',
    },
  },

  'stall.begin': { level: 'job', about: 'A writer begins to wait', fields: { reason: 'string' } },
  'stall.end': { level: 'job', about: 'It has waited', fields: { waitedMs: 'number' } },

  'bloom.probe': {
    level: 'step',
    about: 'A filter is asked for a key',
    fields: { file: 'integer', positions: INTEGERS, mayContain: 'boolean' },
  },
  'get.probe': {
    level: 'step',
    about: 'A get looked in one place',
    fields: {
      source: SOURCE,
      outcome: { oneOf: ['hit', 'tombstone', 'expired', 'covered', 'miss', 'range-skip', 'bloom-skip', 'false-positive'] },
    },
  },

  'cache.hit': { level: 'io', about: 'A block or page is in memory', fields: CACHED },
  'cache.miss': { level: 'io', about: 'A block or page has to be read', fields: CACHED },
  'cache.add': { level: 'io', about: 'A page that is on disk is kept in the cache', fields: CACHED },
  'cache.remove': { level: 'io', about: 'A page leaves the cache, because it was changed or is of no use any more', fields: CACHED },
  'cache.evict': { level: 'io', about: 'A block or page leaves the cache to make room', fields: CACHED },

  'page.visit': {
    level: 'step',
    about: 'A search passes through a page',
    fields: { page: 'integer', depth: 'integer', slot: 'integer', entries: 'integer' },
  },
  'page.new': {
    level: 'io',
    about: 'A page comes to be, perhaps as a copy',
    fields: {
      page: 'integer',
      level: 'integer',
      units: 'integer',
      entries: 'integer',
      liveBytes: 'integer',
      dirtyBytes: 'integer',
      copyOf: { optional: 'integer' },
    },
  },
  'page.change': {
    level: 'io',
    about: 'Entries of a page come, go or change',
    fields: { page: 'integer', level: 'integer', entries: 'integer', usedBytes: 'integer' },
  },
  'page.resize': {
    level: 'io',
    about: 'A page gets another length',
    fields: { page: 'integer', level: 'integer', from: 'integer', to: 'integer', dirtyBytes: 'integer' },
  },
  'page.split': {
    level: 'step',
    about: 'A page becomes several',
    fields: {
      page: 'integer',
      into: INTEGERS,
      separators: { list: 'bytes' },
      entries: INTEGERS,
      rule: { oneOf: ['middle', 'ascending', 'large', 'asked'] },
    },
  },
  'page.merge': {
    level: 'step',
    about: 'A page takes over the entries of its right neighbour, all or some',
    fields: { pages: INTEGERS, into: INTEGERS, rule: { oneOf: ['merge', 'pack'] } },
  },
  'page.spread': {
    level: 'step',
    about: 'A full leaf and its neighbour share their entries anew, as two leaves or three',
    fields: { pages: INTEGERS, into: INTEGERS, separators: { list: 'bytes' }, entries: INTEGERS },
  },
  'page.write': {
    level: 'io',
    about: 'A page gets its place in the data file and is written there',
    fields: { page: 'integer', level: 'integer', offset: 'integer', units: 'integer' },
  },
  'page.clean': {
    level: 'io',
    about: 'A page that was written is durable',
    fields: { page: 'integer', dirtyBytes: 'integer' },
  },
  'page.drop': {
    level: 'io',
    about: 'A page is in the tree no more',
    fields: { page: 'integer', level: 'integer', units: 'integer' },
  },
  'subtree.drop': {
    level: 'io',
    about: 'A branch is in the tree no more, with all under it',
    fields: { page: 'integer', level: 'integer', entries: 'integer' },
  },
  'page.free': { level: 'io', about: 'No reader needs a page any more', fields: { page: 'integer', dirtyBytes: 'integer' } },
  'space.alloc': {
    level: 'io',
    about: 'Units of the data file are taken',
    fields: { offset: 'integer', units: 'integer', from: { oneOf: ['free', 'end'] }, freeUnits: 'integer' },
  },
  'space.free': {
    level: 'io',
    about: 'Units of the data file are free again',
    fields: { offset: 'integer', units: 'integer', freeUnits: 'integer' },
  },
  'tree.change': {
    level: 'io',
    about: 'A batch is in the tree',
    fields: { entries: 'integer', liveBytes: 'integer', entrySequence: 'integer' },
  },
  'tree.ingest': {
    level: 'io',
    about: 'An ingest is in the tree, whose pages are counted anew',
    fields: { pages: INTEGERS, units: INTEGERS },
  },
  'root.change': {
    level: 'io',
    about: 'The tree has another root',
    fields: { page: 'integer', height: 'integer', entries: 'integer' },
  },
  'root.hold': {
    level: 'io',
    about: 'The tree as it is now is held: changes copy its pages',
    fields: { page: 'integer', generation: 'integer', held: 'integer' },
  },
  'root.release': {
    level: 'io',
    about: 'A tree of an earlier moment is no longer held',
    fields: { page: 'integer', generation: 'integer', held: 'integer' },
  },
  'meta.read': {
    level: 'job',
    about: 'The newest meta page says which tree counts, and from which log on it is to be continued',
    fields: {
      number: 'integer',
      entrySequence: 'integer',
      firstLog: 'integer',
      unitBytes: 'integer',
      pageBytes: { optional: 'integer' },
      entries: 'integer',
      liveBytes: 'integer',
      pages: INTEGERS,
      units: INTEGERS,
      fileBytes: 'integer',
      freeUnits: 'integer',
    },
  },
  'meta.write': {
    level: 'job',
    about: 'A meta page is durable and in force',
    fields: { number: 'integer', entrySequence: 'integer', firstLog: 'integer', lastLog: 'integer' },
  },
  'checkpoint.end': {
    level: 'job',
    about: 'A checkpoint is in force: the next open begins with it',
    fields: {
      number: 'integer',
      firstLog: 'integer',
      pages: 'integer',
      bytes: 'integer',
      fileBytes: 'integer',
      freeBytes: 'integer',
    },
  },
}
