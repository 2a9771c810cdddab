/** The file-system seam on Node. */
export { NodeFileSystem } from './node/node-file-system.js'
export type { NodeEnvironmentOptions } from './node/node-environment.js'
export { nodeEnvironment } from './node/node-environment.js'
export { nodeDeflate } from './node/node-deflate.js'
export { nodeZstd } from './node/node-zstd.js'
export { isHeldBySocket } from './node/node-socket-lock.js'
