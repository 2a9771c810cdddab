import { KIND_DELETE, KIND_DELETE_RANGE } from '../../codec/entry.js'
import type { BatchReader } from '../../engine/batch.js'
import { WORK_A_SLICE, WORK_BYTES_SHIFT, type NextSlice } from '../../engine/slices.js'
import type { Tree } from './tree.js'

/** Applies the operations of a batch to the tree. */
export function applyBatch(tree: Tree, reader: BatchReader): void {
  applySome(tree, reader, Infinity)
  tree.advance(reader.count)
}

/** `applyBatch` in slices, without advancing the tree. All pages on the way have been prepared, and stay in memory. */
export async function applyInSlices(tree: Tree, reader: BatchReader, nextSlice: NextSlice): Promise<void> {
  while (!(await nextSlice(() => applySome(tree, reader, WORK_A_SLICE))));
}

/** Reads the pages that the operations will change. A page that cannot be read is an error before anything has changed. */
export function prepareBatch(tree: Tree, reader: BatchReader): void {
  prepareSome(tree, reader, Infinity)
}

/** `prepareBatch` in slices. */
export async function prepareInSlices(tree: Tree, reader: BatchReader, nextSlice: NextSlice): Promise<void> {
  while (!(await nextSlice(() => prepareSome(tree, reader, WORK_A_SLICE))));
}

/** Returns whether the batch is finished. */
function applySome(tree: Tree, reader: BatchReader, mostWork: number): boolean {
  const { key, value } = reader
  for (let work = 0; work < mostWork; work += 1 + (value.length >>> WORK_BYTES_SHIFT)) {
    if (!reader.next()) return true
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
  return false
}

/** Returns whether the batch is finished. */
function prepareSome(tree: Tree, reader: BatchReader, mostWork: number): boolean {
  const { key, value } = reader
  for (let work = 0; work < mostWork; work++) {
    if (!reader.next()) return true
    tree.prepare(key.bytes, key.start, key.end)
    if (reader.kind === KIND_DELETE_RANGE) tree.prepare(value.bytes, value.start, value.end)
  }
  return false
}
