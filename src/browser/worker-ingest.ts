/** An ingest of a page. The page loads it with its first one. */
import { ingestBatches, type IngestEntries, type IngestOptions } from '../store/ingest.js'
import type { EncodingLevel } from '../store/level-types.js'
import { NO_TURNS } from './worker-feed.js'
import { unawaited, type Requests } from './worker-iterators.js'

/** @param closing aborted when the store closes */
export async function ingest<K, V>(
  store: Requests,
  level: EncodingLevel,
  entries: IngestEntries<K, V>,
  options: IngestOptions<K, V>,
  closing: AbortSignal,
): Promise<void> {
  const number = store._newNumber()
  const whole = store._request('ingest', [number])
  unawaited(whole)
  let isComplete = false
  try {
    for await (const batch of ingestBatches({ entries, options, level, closing, turns: NO_TURNS })) {
      // Where the ingest has ended, the reason comes with its answer.
      if (!(await store._request('giveBatch', [number, batch.bytes.subarray(0, batch.byteLength)]))) return await whole
    }
    isComplete = true
  } finally {
    await store._release('endIngest', number, isComplete)
    if (!isComplete) await whole.catch(() => undefined)
  }
  return whole
}
