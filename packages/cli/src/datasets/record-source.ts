/** A record with its key, and the records' source. */
export interface KeyedRecord {
  readonly key: string
  readonly value: unknown
}

export interface RecordSource {
  /** What the data is, for people. */
  readonly title: string
  /** How keys are made, for people. Known once the first record was read. */
  readonly keys: () => string
  readonly records: AsyncIterable<KeyedRecord> | Iterable<KeyedRecord>
}
