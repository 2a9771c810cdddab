/** The worker's side: answers the requests of pages. */
import { KvariumError } from '../errors.js'
import { CALLS, type Request } from './calls.js'
import { alone, errorMessage, webLocks, type Answer, type Connect, type Port } from './protocol.js'
import { ServedStore, type ServeOptions, type StoreConstructor } from './served-store.js'

export type { ServeOptions, StoreConstructor } from './served-store.js'

type Call = (at: ServedStore, ...args: readonly unknown[]) => unknown

/** Answers pages that connect. To be called while the worker's script runs for the first time, so that no message is lost. */
export function serve(Store: StoreConstructor, options: ServeOptions, events: EventTarget = globalThis): void {
  events.addEventListener('message', event => {
    const { data } = event as unknown as { readonly data?: Partial<Connect> }
    if (data?.kvarium === 'connect' && data.port !== undefined) answerAll(new ServedStore(Store, options), data.port, lifeSign(data.lock))
  })
}

/** The first requests of a page, which wait for the sign that it watches. */
const SIGNED: ReadonlySet<string> = new Set(['open', 'ready'])

/** Requests begin at once: each sees what those before it have done. */
function answerAll(store: ServedStore, port: Port, sign: Promise<void>): void {
  const answer = async ({ id, method, args }: Request): Promise<void> => {
    let answered: Answer
    try {
      if (SIGNED.has(method)) await sign
      answered = { id, result: alone(await run(store, method, args)) }
    } catch (error) {
      answered = { id, error: errorMessage(error) }
    }
    try {
      port.postMessage(answered)
    } catch (error) {
      port.postMessage({ id, error: errorMessage(error) })
    }
  }
  port.onmessage = ({ data }) => void answer(data as Request)
}

function run(store: ServedStore, method: string, args: readonly unknown[]): unknown {
  if (Object.hasOwn(CALLS, method)) return (CALLS as unknown as Readonly<Record<string, Call>>)[method](store, ...args)
  throw new KvariumError(
    'LEVEL_NOT_SUPPORTED',
    `The worker does not know the request ${JSON.stringify(method)}: page and worker need one version`,
  )
}

/** The locks of this worker, by their names: one for each page, or each copy of the page's code. */
const signs = new Map<string, Promise<void>>()

/** Takes the lock that ends with the worker. Resolves once it is held, and where there are no locks. */
function lifeSign(lock: string | undefined): Promise<void> {
  const locks = webLocks()
  if (lock === undefined || locks === undefined) return Promise.resolve()
  const sign =
    signs.get(lock) ??
    new Promise<void>(resolve => {
      const held = (): Promise<void> => {
        resolve()
        return new Promise(() => {})
      }
      locks.request(lock, {}, held).catch(() => resolve())
    })
  signs.set(lock, sign)
  return sign
}
