/** The file-system seam on Node. */
export { NodeFileSystem } from './node-file-system.js'
export type { NodeEnvironmentOptions } from './node-environment.js'
export { nodeEnvironment } from './node-environment.js'
export { nodeDeflate } from './node-deflate.js'
