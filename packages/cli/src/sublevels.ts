/** Keys in a sublevel on the command line: those of the store begin with the names of the sublevels. */
import { Option } from 'commander'
import { UsageError } from './usage-error.js'

export interface SublevelFlag {
  readonly sublevel?: readonly string[]
}

export function sublevelOption(): Option {
  const collect = (name: string, before: readonly string[] = []): string[] => [...before, name]
  return new Option('-s, --sublevel <name>', 'the sublevel of the keys; repeat it for a sublevel in another').argParser(collect)
}

/** What the keys of a sublevel begin with in the store; nothing without a name. */
export function sublevelPrefix(names: readonly string[] = []): Uint8Array {
  for (const name of names) {
    // What abstract-level allows beside its separator `!`.
    if (!/^[#-~]+$/.test(name)) {
      throw new UsageError(`${JSON.stringify(name)} is no name of a sublevel: that has ASCII characters other than space, ! and "`)
    }
  }
  return new TextEncoder().encode(names.map(name => `!${name}!`).join(''))
}

/** The key of the store for a key of the sublevel with this prefix. */
export function inSublevel(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  return prefix.length === 0 ? key : new Uint8Array(Buffer.concat([prefix, key]))
}
