import { KIND_DELETE, KIND_DELETE_RANGE } from '../codec/entry.js'
import type { BatchReader } from '../engine/batch.js'
import type { Tree } from './tree.js'

/** Brings the operations of a batch into the tree. */
export function applyBatch(tree: Tree, reader: BatchReader): void {
  const { key, value } = reader
  while (reader.next()) {
    if (reader.kind === KIND_DELETE) {
      tree.del(key.bytes, key.start, key.end)
    } else if (reader.kind === KIND_DELETE_RANGE) {
      const first = key.copy()
      const last = value.copy()
      tree.prepare(first, 0, first.length)
      tree.prepare(last, 0, last.length)
      tree.clear(first, last)
    } else {
      tree.put(key.bytes, key.start, key.end, value.bytes, value.start, value.end)
    }
  }
  tree.advance(reader.count)
}
