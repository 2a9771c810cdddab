import type { TextRange } from './opened-engine.js'

/** Bounds of all kinds over letters: on keys and between them, on one side and both, on one key, crossed, beyond everything. */
export const TEXT_RANGES: readonly TextRange[] = [
  {},
  { gte: '' },
  { gt: '' },
  { lt: '' },
  { lte: '' },
  { gte: 'd' },
  { gt: 'd' },
  { gte: 'e' },
  { gt: 'e' },
  { lt: 'n' },
  { lte: 'n' },
  { lt: 'm' },
  { lte: 'm' },
  { gte: 'd', lte: 'n' },
  { gte: 'd', lt: 'n' },
  { gt: 'd', lte: 'n' },
  { gt: 'd', lt: 'n' },
  { gt: 'c', lt: 'o' },
  { gte: 'n', lte: 'n' },
  { gte: 'n', lt: 'n' },
  { gt: 'n', lte: 'n' },
  { gt: 'n', lt: 'n' },
  { gt: 'n', lt: 'n\0' },
  { gte: 'n', lt: 'n\0' },
  { gte: 'p', lte: 'd' },
  { gt: 'p', lt: 'd' },
  { gte: '\xff' },
  { lte: '\xff\xff' },
  { gte: 'y', lte: '\xff' },
]

export function within(range: TextRange, key: string): boolean {
  return (
    (range.gt === undefined || key > range.gt) &&
    (range.gte === undefined || key >= range.gte) &&
    (range.lt === undefined || key < range.lt) &&
    (range.lte === undefined || key <= range.lte)
  )
}
