import { compareKeys } from 'kvarium/engine'
import type { BlockEntry } from 'kvarium/sstable'

const HEADER_BYTES = 8
const SLOT_BYTES = 8

export function buildBlock(entries: readonly BlockEntry[]): Uint8Array {
  const prefix = sharedPrefix(entries[0].key, entries[entries.length - 1].key)
  const cells = entries.map(({ key, payload }) => {
    const suffix = key.subarray(prefix.length)
    return { suffix, payload, lengths: [...varint(suffix.length), ...varint(payload.length)] }
  })
  const slotsEnd = HEADER_BYTES + prefix.length + entries.length * SLOT_BYTES
  const cellBytes = cells.reduce((sum, { suffix, payload, lengths }) => sum + lengths.length + suffix.length + payload.length, 0)
  const block = new Uint8Array(slotsEnd + cellBytes)
  const view = new DataView(block.buffer)
  view.setUint32(0, entries.length, true)
  view.setUint32(4, prefix.length, true)
  block.set(prefix, HEADER_BYTES)
  let slot = HEADER_BYTES + prefix.length
  let cell = slotsEnd
  for (const { suffix, payload, lengths } of cells) {
    view.setUint32(slot, headOf(suffix))
    view.setUint32(slot + 4, cell, true)
    slot += SLOT_BYTES
    for (const bytes of [lengths, suffix, payload]) {
      block.set(bytes, cell)
      cell += bytes.length
    }
  }
  return block
}

export function lowerBound(block: Uint8Array, key: Uint8Array): number {
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const count = view.getUint32(0, true)
  const prefixLength = view.getUint32(4, true)
  const order = compareKeys(key.subarray(0, prefixLength), block.subarray(HEADER_BYTES, HEADER_BYTES + prefixLength))
  if (order !== 0) return order < 0 ? 0 : count
  const suffix = key.subarray(prefixLength)
  const wanted = headOf(suffix)
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    const slot = HEADER_BYTES + prefixLength + middle * SLOT_BYTES
    const head = view.getUint32(slot)
    // Compares bytes only if the heads are equal.
    const isLess = head === wanted ? compareKeys(suffixAt(block, view.getUint32(slot + 4, true)), suffix) < 0 : head < wanted
    if (isLess) low = middle + 1
    else high = middle
  }
  return low
}

/** The prefix of the first and the last key: keys ascend, so all of them share it. */
function sharedPrefix(first: Uint8Array, last: Uint8Array): Uint8Array {
  let length = 0
  while (length < first.length && first[length] === last[length]) length++
  return first.subarray(0, length)
}

/** The first four bytes as a number, the first byte highest; zeros where there are fewer. */
function headOf(suffix: Uint8Array): number {
  const head = new Uint8Array(4)
  head.set(suffix.subarray(0, 4))
  return new DataView(head.buffer).getUint32(0)
}

function suffixAt(block: Uint8Array, cell: number): Uint8Array {
  const [length, payload] = readVarint(block, cell)
  const [, start] = readVarint(block, payload)
  return block.subarray(start, start + length)
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

function readVarint(block: Uint8Array, at: number): [value: number, end: number] {
  let value = 0
  let shift = 0
  for (; block[at] >= 0x80; shift += 7) value |= (block[at++] & 0x7f) << shift
  return [value | (block[at] << shift), at + 1]
}
