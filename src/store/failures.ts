/** Errors on their way to the caller of the store: typed, and published where an operator should know of them. */
import { ConflictError, CorruptionError, MisuseError } from '../errors.js'
import type { Diagnostics } from '../trace/diagnostics.js'
import { typedError } from '../vfs/vfs-error.js'

export class StoreFailures {
  readonly #diagnostics: Diagnostics | undefined

  constructor(diagnostics?: Diagnostics) {
    this.#diagnostics = diagnostics
  }

  /** The error of a read, or of a call that neither reads nor writes entries. */
  ofRead(error: unknown): Error {
    const typed = typedError(error)
    this.publishDamage(typed)
    return typed
  }

  publishDamage(error: unknown): void {
    if (error instanceof CorruptionError) this.#diagnostics?.publish('corruption', { error })
  }

  ofWrite(error: unknown): Error {
    const typed = this.ofRead(error)
    if (!(typed instanceof MisuseError || typed instanceof ConflictError)) this.#diagnostics?.publish('write-failure', { error: typed })
    return typed
  }
}
