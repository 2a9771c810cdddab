/** The worker of the page: passes the calls of the page to a session. */
import type { LoadCities } from '../run/generate.js'
import { CallOrder } from './call-order.js'
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
const session = new Session(progress => scope.postMessage({ progress }), loadCities, loadReplayView)
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
