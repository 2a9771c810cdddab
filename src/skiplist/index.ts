/** `kvarium/skiplist`: the multi-version ordered map in one buffer, usable alone. */
export { Skiplist } from './skiplist.js'
export type { SkiplistOptions, SkiplistState } from './skiplist.js'
export { SkiplistCursor } from './skiplist-cursor.js'
export { skiplistSearchPath, skiplistShape, skiplistTowers } from './skiplist-shape.js'
export type { SkiplistSearchStep, SkiplistShape, SkiplistTower } from './skiplist-shape.js'
export { ByteView, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, MAX_SEQUENCE } from '../codec/entry.js'
export type { EntryCursor, EntryKind } from '../codec/entry.js'
export type { Random } from '../vfs/environment.js'
