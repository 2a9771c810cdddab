/** A thread that has a store open and sends a handle of it. */
import type { EngineName } from '../../../src/store/store-options.js'
import { parentPort, workerData } from 'node:worker_threads'
import { Kvarium } from 'kvarium'

const { location, engine } = workerData as { readonly location: string; readonly engine: EngineName }
const db = new Kvarium(location, { engine })
await db.put('a', '1')
const handle = (await db.share()).handle()
parentPort?.postMessage(handle, [handle.port])
// Keeps the thread alive.
parentPort?.on('message', () => undefined)
