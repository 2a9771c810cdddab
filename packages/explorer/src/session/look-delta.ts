/**
 * Looks on their way from the worker to the page. A picture that is as in the look before is not sent again. What is equal in two looks is one
 * object on the page, down to the parts of a picture, so that a component sees by comparing references what it need not draw again.
 *
 * Invariants:
 * 1. Every look that is packed is unpacked, in the same order.
 * 2. A look that is unpacked equals the one that was packed.
 */
import type { PictureName, Pictures } from '../views/catalog.js'
import type { LaneLook, Look } from './protocol.js'

interface PackedLane extends LaneLook {
  /** Pictures that are as before. */
  readonly same: readonly PictureName[]
}

export type PackedLook = Omit<Look, 'lanes'> & { readonly lanes: readonly PackedLane[] }

export class LookPacker {
  #before: Look | undefined

  pack(look: Look): PackedLook {
    const before = this.#before
    this.#before = look
    return { ...look, lanes: look.lanes.map((lane, index) => packed(lane, before?.lanes[index]?.pictures ?? {})) }
  }
}

export class LookUnpacker {
  #before: Look | undefined

  unpack({ lanes, ...look }: PackedLook): Look {
    const unpacked = { ...look, lanes: lanes.map((lane, index) => whole(lane, this.#before?.lanes[index]?.pictures ?? {})) }
    this.#before = unpacked
    return unpacked
  }
}

function packed(lane: LaneLook, before: Pictures): PackedLane {
  const names = Object.keys(lane.pictures) as PictureName[]
  const same = names.filter(name => isEqual(before[name], lane.pictures[name]))
  return {
    ...lane,
    pictures: only(
      lane.pictures,
      names.filter(name => !same.includes(name)),
    ),
    same,
  }
}

function whole({ same, ...lane }: PackedLane, before: Pictures): LaneLook {
  const news = Object.entries(lane.pictures).map(([name, picture]) => [name, reused(before[name as PictureName], picture)])
  return { ...lane, pictures: { ...only(before, same), ...(Object.fromEntries(news) as Pictures) } }
}

function only(pictures: Pictures, names: readonly PictureName[]): Pictures {
  return Object.fromEntries(names.map(name => [name, pictures[name]]))
}

/** Whether two values are the same plain data. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isCompound(a) || !isCompound(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}

/** Plain data that equals `now`, of the same objects as `before` where they are equal. */
export function reused(before: unknown, now: unknown): unknown {
  if (!isCompound(before) || !isCompound(now) || Array.isArray(before) !== Array.isArray(now)) return now
  const keys = Object.keys(now)
  const parts = keys.map(key => reused(before[key], now[key]))
  const isSame = (key: string, index: number): boolean => Object.hasOwn(before, key) && Object.is(before[key], parts[index])
  if (keys.length === Object.keys(before).length && keys.every(isSame)) return before
  return Array.isArray(now) ? parts : Object.fromEntries(keys.map((key, index) => [key, parts[index]]))
}

function isCompound(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
