import { KvariumError } from '../errors.js'
import type * as Code from './table-code.js'

/** The code itself, or what loads it. */
export type TableCode = Readonly<typeof Code>
export type GivenTableCode = TableCode | (() => Promise<TableCode>)

/** The code for tables: there from the start, or from when it was loaded. What makes the first table loads it before. */
export class CodeLoader {
  #code: TableCode | undefined
  readonly #load: (() => Promise<TableCode>) | undefined

  constructor(given: GivenTableCode) {
    if (typeof given === 'function') this.#load = given
    else this.#code = given
  }

  get isLoaded(): boolean {
    return this.#code !== undefined
  }

  /** The code, once it is loaded. */
  get code(): TableCode {
    if (this.#code === undefined) throw new KvariumError('LEVEL_INTERNAL', 'The code for tables is not loaded')
    return this.#code
  }

  /** A failure, of a network for example, leaves it to the next call. */
  async load(): Promise<TableCode> {
    return (this.#code ??= await this.#load!())
  }
}
