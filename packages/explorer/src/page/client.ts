/** The worker as the page calls it: every call of the table as a promise. */
import { LookUnpacker, type PackedLook } from '../session/look-delta.js'
import type { Answering, CallName, FromWorker, Summary, ToWorker } from '../session/protocol.js'

interface Waiting {
  readonly name: CallName
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export interface Client extends Answering {
  /** Ends an `add` that is under way. */
  stop(): void
  close(): void
}

export function connect(worker: Worker, onProgress: (summary: Summary) => void): Client {
  const waiting = new Map<number, Waiting>()
  const looks = new LookUnpacker()
  let calls = 0
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if ('progress' in data) return onProgress(data.progress)
    const call = waiting.get(data.id)
    waiting.delete(data.id)
    if ('error' in data) call?.reject(new Error(data.error))
    else call?.resolve(call.name === 'look' ? looks.unpack(data.answer as PackedLook) : data.answer)
  }
  worker.onerror = event => {
    for (const { reject } of waiting.values()) reject(new Error(`The worker has failed: ${event.message}`))
    waiting.clear()
  }
  const send = (message: ToWorker): void => worker.postMessage(message)
  const call = (name: CallName, parameters: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { name, resolve, reject })
      send({ id: calls, call: name, parameters })
    })
  const own = { stop: () => send({ stop: true }), close: () => worker.terminate() }
  return new Proxy(own, {
    get: (target, name) =>
      name in target ? target[name as keyof typeof own] : (...parameters: readonly unknown[]) => call(name as CallName, parameters),
  }) as Client
}
