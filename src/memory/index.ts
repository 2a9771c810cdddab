/** `kvarium/memory`: the engine that keeps everything in memory and nothing on disk, the smallest complete one. */
export { memoryEngine } from './factory.js'
