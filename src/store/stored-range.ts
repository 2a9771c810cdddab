/** Ranges of a call, as the engine takes them. */
import type { KeyRange } from '../engine/contract.js'
import { halfOpen, type HalfOpenRange } from '../engine/range.js'
import type { PrivateRange } from './level-types.js'
import { toBytes } from './owned-bytes.js'

export function keyRange({ lower, upper }: HalfOpenRange): KeyRange {
  return { ...(lower === undefined ? {} : { gte: lower }), ...(upper === undefined ? {} : { lt: upper }) }
}

/** The range of an iterator or a clear, over copies. As in all of Level, `gte` wins over `gt` and `lte` over `lt`. */
export function storedRange({ gt, gte, lt, lte }: PrivateRange): HalfOpenRange {
  return halfOpen({
    ...(gte !== undefined ? { gte: toBytes(gte) } : gt !== undefined ? { gt: toBytes(gt) } : {}),
    ...(lte !== undefined ? { lte: toBytes(lte) } : lt !== undefined ? { lt: toBytes(lt) } : {}),
  })
}
