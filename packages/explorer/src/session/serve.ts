/** A session in a worker: passes it the calls of the page. */
import { codeOf } from '../run/explorer-error.js'
import type { LoadCities } from '../run/generate.js'
import { CallOrder } from './call-order.js'
import type { OpenFeed } from './live-lanes.js'
import { LookPacker } from './look-delta.js'
import type { AllCalls, FromWorker, Look, ToWorker } from './protocol.js'
import type { Session, SessionSources } from './session.js'

type Send = (message: FromWorker) => void

/** The part of a worker's global scope that is used here. */
interface Scope {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null
  postMessage: Send
}

const loadCities: LoadCities = async () => (await fetch('cities.json')).json() as ReturnType<LoadCities>

const loadReplayView = async (): Promise<string> => (await fetch('replay-view.js')).text()

/** Where `kvarium explore` has the stores of running programs. */
const openFeed: OpenFeed = async function* (feed, signal) {
  const { body, ok } = await fetch(`live/${feed}`, { signal })
  if (!ok || body === null) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

export function serve(makeSession: (send: Send, sources: SessionSources) => Session): void {
  const scope = globalThis as unknown as Scope
  const send: Send = message => scope.postMessage(message)
  const session = makeSession(send, { loadCities, loadReplayView, openFeed })
  const order = new CallOrder()
  const looks = new LookPacker()

  scope.onmessage = ({ data }) => {
    if ('stop' in data) session.stop()
    else order.take(data.call, () => answer(data.id, data.call, data.parameters))
  }

  async function answer(id: number, call: keyof AllCalls, parameters: readonly unknown[]): Promise<void> {
    try {
      const calls = session as unknown as Readonly<Record<keyof AllCalls, (...all: readonly unknown[]) => Promise<unknown>>>
      const found = await calls[call](...parameters)
      send({ id, answer: call === 'look' ? looks.pack(found as Look) : found })
    } catch (error) {
      const code = codeOf(error)
      send({ id, error: error instanceof Error ? error.message : String(error), ...(code !== undefined && { code }) })
    }
  }
}
