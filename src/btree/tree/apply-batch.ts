import { ByteView, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING } from '../../codec/entry.js'
import type { BatchReader } from '../../engine/batch.js'
import { WORK_A_SLICE, WORK_BYTES_SHIFT } from '../../engine/slices.js'
import type { Tree } from './tree.js'

/** A longer value is copied in pieces of this length, each a slice. */
const PIECE_BYTES = 1 << 20

/** Applies the operations of a batch to the tree. */
export function applyBatch(tree: Tree, reader: BatchReader): void {
  while (reader.next()) apply(tree, reader)
  tree.advance(reader.count)
}

/** `applyBatch` in slices, without advancing the tree. All pages on the way have been prepared, and stay in memory. */
export function* applySlices(tree: Tree, reader: BatchReader): Generator<void, void> {
  const { value } = reader
  for (let work = 0; reader.next();) {
    if (isPut(reader) && value.length > PIECE_BYTES) yield* putLong(tree, reader)
    else apply(tree, reader)
    work += 1 + (value.length >>> WORK_BYTES_SHIFT)
    if (work < WORK_A_SLICE) continue
    work = 0
    yield
  }
}

/** Reads the pages that the operations will change. A page that cannot be read is an error before anything has changed. */
export function prepareBatch(tree: Tree, reader: BatchReader): void {
  for (const slices = prepareSlices(tree, reader); slices.next().done !== true;);
}

/** `prepareBatch` in slices. */
export function* prepareSlices(tree: Tree, reader: BatchReader): Generator<void, void> {
  const { key, value } = reader
  for (let work = 1; reader.next(); work++) {
    const leaf = tree.prepare(key.bytes, key.start, key.end)
    if (leaf.isLarge) yield* tree.store.readKey(leaf)
    if (reader.kind === KIND_DELETE_RANGE) {
      const last = tree.prepare(value.bytes, value.start, value.end)
      if (last.isLarge) yield* tree.store.readKey(last)
    }
    if (work % WORK_A_SLICE === 0) yield
  }
}

function apply(tree: Tree, { kind, key, value }: BatchReader): void {
  if (kind === KIND_DELETE) {
    tree.del(key.bytes, key.start, key.end)
  } else if (kind === KIND_DELETE_RANGE) {
    const first = key.copy()
    const last = value.copy()
    tree.prepare(first, 0, first.length)
    tree.prepare(last, 0, last.length)
    tree.clear(first, last)
  } else {
    tree.put(key.bytes, key.start, key.end, value.bytes, value.start, value.end, kind === KIND_PUT_EXPIRING)
  }
}

function isPut({ kind }: BatchReader): boolean {
  return kind !== KIND_DELETE && kind !== KIND_DELETE_RANGE
}

/** Puts a value that takes a page of its own; the page's bytes follow piece by piece. */
function* putLong(tree: Tree, { kind, key, value }: BatchReader): Generator<void, void> {
  const place = new ByteView()
  const { bytes, start, end } = value
  tree.put(key.bytes, key.start, key.end, bytes, start, end, kind === KIND_PUT_EXPIRING, place)
  for (let from = start; from < end; from += PIECE_BYTES) {
    place.bytes.set(bytes.subarray(from, Math.min(end, from + PIECE_BYTES)), place.start + from - start)
    yield
  }
}
