/** A line of a script: one operation, or a generator that stands for many. */
import { generate, type Generator, type LoadCities } from './generate.js'
import type { Operation } from './operation.js'

export type Line = { readonly operation: Operation } | { readonly generator: Generator }

/** The operations that a line stands for. */
export async function expand(line: Line, loadCities: LoadCities): Promise<readonly Operation[]> {
  return 'operation' in line ? [line.operation] : generate(line.generator, loadCities)
}

/** A line that stands for the first `count` operations of this one. */
export function firstOf(line: Line, count: number): Line {
  return 'operation' in line ? line : { generator: { ...line.generator, first: count } }
}
