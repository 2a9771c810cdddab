/** A record with its key, and the records' source. */
export interface KeyedRecord {
  readonly key: string
  readonly value: unknown
  /** Where it is in its file, from 1 on: the last line of it. */
  readonly line: number
}

export interface RecordSource {
  /** Describes the data. */
  readonly title: string
  /** Describes how keys are made. Known once the first record was read. */
  readonly keys: () => string
  readonly records: AsyncIterable<KeyedRecord> | Iterable<KeyedRecord>
}
