import type { Data } from './data.js'
import type { EntryIterator } from './stores.js'

type Entry = [Data, Data]

/** An iterator like abstract-level's over a synchronous one of a store. */
export function entryIterator(next: () => IteratorResult<Entry, undefined>, stop: () => unknown): EntryIterator {
  const close = async (): Promise<void> => void stop()
  return {
    async nextv(size) {
      const entries: Entry[] = []
      while (entries.length < size) {
        const { done, value } = next()
        if (done === true) break
        entries.push(value)
      }
      return entries
    },
    close,
    [Symbol.asyncIterator]: () => ({
      next: async () => next(),
      return: async () => {
        await close()
        return { done: true, value: undefined }
      },
    }),
  }
}
