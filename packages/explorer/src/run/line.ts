/** A line of a script: one operation, or a generator that stands for many. */
import { generate, type Generator } from './generate.js'
import type { Operation } from './operation.js'

export type Line = { readonly operation: Operation } | { readonly generator: Generator }

/** The operations that a line stands for. */
export function expand(line: Line): readonly Operation[] {
  return 'operation' in line ? [line.operation] : generate(line.generator)
}
