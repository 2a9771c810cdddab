import { BatchReader } from '../engine/batch.js'
import type { ByteView } from '../codec/entry.js'
import { Settled } from './settled.js'

/** Why an ingest ends whose entries end in the page by an error. */
const GIVEN_UP = new Error('The page gave the ingest up')

type Entry = [key: Uint8Array, value: Uint8Array]

/** The entries of an ingest, which the page sends in batches: the next one when those of the last are taken. */
export class ServedIngest implements AsyncIterable<Entry> {
  readonly #reader = new BatchReader()
  #isReading = false
  #given = new Settled<Uint8Array | undefined>()
  #taken: Settled<boolean> | undefined
  #hasEnded = false

  /** Resolves once the entries of the batch are taken, with whether more are wanted. */
  async give(batch: Uint8Array): Promise<boolean> {
    if (this.#hasEnded) return false
    this.#taken = new Settled()
    this.#given.resolve(batch)
    return this.#taken.promise
  }

  /** There are no more entries; or, if they are not complete, the ingest is to fail. */
  end(isComplete: boolean): void {
    if (isComplete) this.#given.resolve(undefined)
    else this.#given.reject(GIVEN_UP)
  }

  /** No more entries are wanted. */
  stop(): void {
    this.#hasEnded = true
    this.#taken?.resolve(false)
  }

  /** The bytes of an entry are good until the next step, which is there at once but for the first of a batch. */
  [Symbol.asyncIterator](): AsyncIterator<Entry> {
    const next = (): IteratorResult<Entry> | Promise<IteratorResult<Entry>> => {
      if (!this.#isReading) return begin()
      const { key, value } = this.#reader
      if (this.#reader.next()) return { done: false, value: [bytesOf(key), bytesOf(value)] }
      this.#isReading = false
      this.#taken?.resolve(true)
      return begin()
    }
    const begin = async (): Promise<IteratorResult<Entry>> => {
      const batch = await this.#given.promise
      if (batch === undefined) return { done: true, value: undefined }
      this.#given = new Settled()
      this.#reader.reset(batch, 0, batch.length)
      this.#isReading = true
      return next()
    }
    const ended = async (): Promise<IteratorResult<Entry>> => {
      this.stop()
      return { done: true, value: undefined }
    }
    return { next, return: ended } as AsyncIterator<Entry>
  }
}

function bytesOf({ bytes, start, end }: ByteView): Uint8Array {
  return bytes.subarray(start, end)
}
