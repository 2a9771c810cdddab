/** A worker as the page calls it: every call of the table as a promise. */
import { KvariumError } from 'kvarium/engine'
import { LookUnpacker, type PackedLook } from '../session/look-delta.js'
import type { CheckBegins } from '../session/part-answers.js'
import type { AllCalls, Answering, FromWorker, Summary, ToWorker } from '../session/protocol.js'

interface Waiting {
  readonly name: keyof AllCalls
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export interface Client extends Answering<AllCalls> {
  /** Ends an `add` that is under way. */
  stop(): void
  /** Ends the worker, whatever it does; calls under way get no answer. */
  close(): void
  /** For how long the worker has given no sign while calls wait for it, in milliseconds. */
  silentMs(): number
}

export function connect(
  worker: Worker,
  onProgress: (summary: Summary) => void,
  onCheck: (begins: CheckBegins) => void = () => undefined,
): Client {
  const waiting = new Map<number, Waiting>()
  const looks = new LookUnpacker()
  let calls = 0
  let heardAt = 0
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    heardAt = performance.now()
    if ('progress' in data) return onProgress(data.progress)
    if ('begins' in data) return onCheck(data.begins)
    const call = waiting.get(data.id)
    waiting.delete(data.id)
    if ('error' in data) call?.reject(data.code === undefined ? new Error(data.error) : new KvariumError(data.code, data.error))
    else call?.resolve(call.name === 'look' ? looks.unpack(data.answer as PackedLook) : data.answer)
  }
  worker.onerror = event => {
    for (const { reject } of waiting.values())
      reject(new KvariumError('LEVEL_WORKER_FAILED', `The worker has failed: ${event.message}. Load the page again`))
    waiting.clear()
  }
  const send = (message: ToWorker): void => worker.postMessage(message)
  const call = (name: keyof AllCalls, parameters: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) heardAt = performance.now()
      waiting.set(++calls, { name, resolve, reject })
      send({ id: calls, call: name, parameters })
    })
  const own = {
    stop: () => send({ stop: true }),
    close: () => {
      worker.terminate()
      waiting.clear()
    },
    silentMs: () => (waiting.size === 0 ? 0 : performance.now() - heardAt),
  }
  return new Proxy(own, {
    get: (target, name) =>
      name in target ? target[name as keyof typeof own] : (...parameters: readonly unknown[]) => call(name as keyof AllCalls, parameters),
  }) as Client
}
