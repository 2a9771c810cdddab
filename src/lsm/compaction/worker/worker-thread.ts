/** Starts the thread of the compaction worker. Apart from the executor, so that Node's threads are loaded with the first store that may need one. */
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** `true` in the files that npm publishes, where the build writes it. A source checkout does not define it. */
declare const KVARIUM_BUILT: true | undefined

// Merging makes only garbage that dies at once: room for more of it, and for the buffers that die with it, would be memory for nothing.
const SETTINGS: WorkerOptions = { name: 'kvarium compaction', resourceLimits: { maxYoungGenerationSizeMb: 2 } }

export function startThread(): Worker {
  if (typeof KVARIUM_BUILT === 'undefined') return sourceThread()
  // Bundlers look for exactly this expression, and bring the file along. Inside of `new Worker()`, webpack 5.113 makes a broken program of it.
  const file = new URL('./compaction-worker.js', import.meta.url)
  // Flags of the process (a loader, `--input-type`) are for the program, not for this file.
  return new Worker(file, { ...SETTINGS, execArgv: [] })
}

/** In a source checkout (tests, tsx) a new thread has to load TypeScript. By itself it would look for tsx in the current directory. */
function sourceThread(): Worker {
  const url = JSON.stringify(new URL('./compaction-worker.ts', import.meta.url))
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${url}) })`, { ...SETTINGS, eval: true })
}
