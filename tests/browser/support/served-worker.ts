/** A worker in this process, with a channel between it and its page. */
import type { WorkerLike } from '../../../src/browser/index.js'
import { serve, type ServeOptions } from '../../../src/browser/serve.js'
import { Kvarium } from '../../../src/index.browser.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'

export interface Served {
  readonly worker: WorkerLike
  /** Fails the worker's script. */
  readonly fail: (message: string) => void
  /** Keeps requests from the worker until `release`; they are counted. */
  readonly hold: () => void
  readonly release: () => void
  readonly requests: { readonly method: string; readonly args: readonly unknown[] }[]
  /** Ends the worker as `terminate` does. */
  readonly end: () => void
}

export function served(options: ServeOptions = {}): Served {
  const events = new EventTarget()
  const page = new EventTarget()
  serve(Kvarium, { fileSystem: new MemoryFileSystem(), ...options }, events)
  const ends: MessagePort[] = []
  const requests: Served['requests'] = []
  let held: (() => void)[] | undefined
  /** What the page sends goes through here. */
  const between = (outer: MessagePort): MessagePort => {
    const { port1, port2 } = new MessageChannel()
    outer.onmessage = ({ data }: MessageEvent<Served['requests'][number]>) => {
      requests.push(data)
      if (held === undefined) port1.postMessage(data)
      else held.push(() => port1.postMessage(data))
    }
    port1.onmessage = ({ data }) => outer.postMessage(data)
    ends.push(outer, port1)
    return port2
  }
  const worker: WorkerLike = {
    postMessage: message => {
      const connect = message as { readonly port: MessagePort }
      events.dispatchEvent(Object.assign(new Event('message'), { data: { ...connect, port: between(connect.port) } }))
    },
    addEventListener: (type, listener) => page.addEventListener(type, listener),
  }
  return {
    worker,
    requests,
    fail: message => void page.dispatchEvent(Object.assign(new Event('error'), { message })),
    hold: () => (held ??= []),
    release: () => {
      for (const send of held ?? []) send()
      held = undefined
    },
    end: () => ends.forEach(port => port.close()),
  }
}
