/** `kvarium/hash`: the hash engine. Portable. */
export { hashEngine, type HashSettings } from './factory.js'
export { HASH_OPTIONS, type HashOptions } from './options.js'
export type { HashFileShape, HashShape } from './shape.js'
