import { workerData, parentPort } from 'node:worker_threads'
import type { SkiplistState } from '../../../src/skiplist/index.js'
import { Skiplist } from '../../../src/skiplist/index.js'

/** Reads a whole skiplist handed over by another thread, in both directions and by key, and reports what it saw. */
const list = Skiplist.view(workerData as SkiplistState)
const cursor = list.cursor()
const forward: string[] = []
const backward: string[] = []
let found = 0
for (let valid = cursor.first(); valid; valid = cursor.next()) {
  const key = cursor.key.copy()
  forward.push(`${key.join(',')}@${cursor.sequence}:${cursor.kind}=${cursor.value.copy().join(',')}`)
  if (list.find(key, 0, key.length, cursor.sequence) !== 0) found++
}
for (let valid = cursor.last(); valid; valid = cursor.prev()) backward.push(cursor.key.copy().join(','))
parentPort?.postMessage({ count: list.count, shared: list.transferable().buffer instanceof SharedArrayBuffer, forward, backward, found })
