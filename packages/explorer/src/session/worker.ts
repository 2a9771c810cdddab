/** The worker of the page: passes the calls of the page to a session. */
import type { LoadCities } from '../run/generate.js'
import { CallOrder } from './call-order.js'
import type { OpenFeed } from './live-lanes.js'
import { LookPacker } from './look-delta.js'
import type { CallName, FromWorker, Look, ToWorker } from './protocol.js'
import { Session } from './session.js'

/** The part of a worker's global scope that is used here. */
interface Scope {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null
  postMessage(message: FromWorker): void
}

const scope = globalThis as unknown as Scope
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
const session = new Session(progress => scope.postMessage({ progress }), { loadCities, loadReplayView, openFeed })
const order = new CallOrder()
const looks = new LookPacker()

scope.onmessage = ({ data }) => {
  if ('stop' in data) {
    session.stop()
    return
  }
  order.take(data.call, () => answer(data.id, data.call, data.parameters))
}

async function answer(id: number, call: CallName, parameters: readonly unknown[]): Promise<void> {
  try {
    const method = session[call] as (...all: readonly unknown[]) => Promise<unknown>
    const found = await method(...parameters)
    scope.postMessage({ id, answer: call === 'look' ? looks.pack(found as Look) : found })
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
}
