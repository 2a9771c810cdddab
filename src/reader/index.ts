/** `kvarium/reader`: reads a store that another thread of the process has opened, see `share()` of a store. */
export { openReader } from './reader.js'
export type { Reader, ReaderOptions } from './reader.js'
export type { ReaderHandle } from '../store/node-reader-handle.js'
