/**
 * The transactions that a lane holds open between operations of the run: each is one call of the store's `transaction`, whose function waits for its
 * next step, and returns at the commit.
 */
import { ExplorerError } from './explorer-error.js'
import { ConflictError, type Kvarium, type Transaction } from 'kvarium'
import { quotedName, someNames } from './names.js'

interface Open {
  readonly transaction: Transaction<string, string>
  /** Lets the function return, or end without an effect. */
  readonly commit: () => void
  readonly abort: () => void
  /** Settled once the transaction has ended. */
  readonly ended: Promise<void>
}

/** Ends a function whose transaction is to have no effect. */
class Aborted extends Error {
  constructor() {
    super('aborted')
  }
}

export class OpenTransactions {
  /** In the order of their beginnings. */
  readonly #open = new Map<string, Open>()

  /** Begins one. It needs no turn of the store's scheduler. */
  async begin(store: Kvarium<string, string>, name: string, sync: boolean): Promise<void> {
    if (this.#open.has(name)) {
      throw new ExplorerError(
        'KVARIUM_INVALID_NAME',
        `The transaction ${quotedName(name)} is open already: commit or abort it first, or use another name`,
      )
    }
    let begun!: (open: Omit<Open, 'ended'>) => void
    const beginning = new Promise<Omit<Open, 'ended'>>(resolve => (begun = resolve))
    const ended = store.transaction<void>(
      transaction => new Promise((commit, reject) => begun({ transaction, commit, abort: () => reject(new Aborted()) })),
      { retries: 0, sync },
    )
    // One that fails before its commit says so there.
    void ended.catch(() => undefined)
    const open = await Promise.race([beginning, ended])
    this.#open.set(name, { ...open!, ended })
  }

  /** The open transaction of this name. */
  get(name: string): Transaction<string, string> {
    return this.#find(name).transaction
  }

  /** Ends it by a commit, as far as it comes without turns of the scheduler. The promise rejects as `transaction` of the store does. */
  commit(name: string): Promise<void> {
    const { commit, ended } = this.#take(name)
    commit()
    return ended
  }

  async abort(name: string): Promise<void> {
    const { abort, ended } = this.#take(name)
    abort()
    await ended.catch((error: unknown) => {
      if (!(error instanceof Aborted)) throw error
    })
  }

  /** Aborts all that are open. */
  async abortAll(): Promise<void> {
    for (const name of [...this.#open.keys()]) await this.abort(name)
  }

  #take(name: string): Open {
    const found = this.#find(name)
    this.#open.delete(name)
    return found
  }

  #find(name: string): Open {
    const found = this.#open.get(name)
    if (found !== undefined) return found
    const names = someNames(this.#open.keys())
    const others =
      names === ''
        ? 'none is open. Begin one by "begin NAME"; a reopening or a power loss ends all of them'
        : `those open are ${names}. Use one of them, or begin this one`
    throw new ExplorerError('KVARIUM_NOTHING_THERE', `There is no open transaction ${quotedName(name)}: ${others}`)
  }
}

/** Whether the store has refused a commit, as something has changed that the transaction had read. */
export function isConflict(error: unknown): error is ConflictError {
  return error instanceof ConflictError
}
