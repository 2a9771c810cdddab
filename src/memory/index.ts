/** `kvarium/memory`: the engine that keeps everything in memory and nothing on disk: the smallest that keeps every promise. */
export { memoryEngine } from './engine.js'
