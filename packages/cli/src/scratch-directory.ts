import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { UsageError } from './usage-error.js'

/** The directory of a comparison's stores; removes what it made afterwards, even when the process is interrupted. */
export class ScratchDirectory {
  readonly path: string
  readonly #keep: boolean
  readonly #made: readonly string[]

  /**
   * @param directory - The user's directory, which must be empty or missing. Default: a new temporary directory.
   * @param stores - Names of the directories to make in it.
   */
  constructor(directory: string | undefined, keep: boolean, stores: readonly string[]) {
    this.#keep = keep
    if (directory === undefined) {
      this.path = mkdtempSync(join(tmpdir(), 'kvarium-compare-'))
      this.#made = [this.path]
      return
    }
    this.path = resolve(directory)
    this.#made = existsSync(this.path) ? stores.map(name => join(this.path, name)) : [this.path]
    const taken = existsSync(this.path) ? readdirSync(this.path).filter(name => stores.includes(name)) : []
    if (taken.length > 0) throw new UsageError(`${this.path} holds ${taken.join(', ')} already: remove that, or choose another --dir`)
    mkdirSync(this.path, { recursive: true })
  }

  remove(): void {
    if (this.#keep) return
    for (const path of this.#made) rmSync(path, { recursive: true, force: true })
  }
}
