import type { Connect, Port } from './protocol.js'
import { WorkerHealth, type WorkerLike } from './worker-health.js'

interface Channels {
  readonly MessageChannel: new () => { readonly port1: Port; readonly port2: Port }
}

/** The page's end of a new channel to a worker. */
export function connectTo(worker: WorkerLike): Port {
  const { port1, port2 } = new (globalThis as unknown as Channels).MessageChannel()
  const connect: Connect = { kvarium: 'connect', port: port2, lock: WorkerHealth.of(worker).lock }
  worker.postMessage(connect, [port2 as never])
  return port1
}
