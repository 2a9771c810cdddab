/** A line of a script: one operation, or a generator that stands for many. */
import { generate, type Generator, type LoadCities } from './generate.js'
import type { Operation } from './operation.js'

export type Line = { readonly operation: Operation } | { readonly generator: Generator }

/** The operations that a line stands for; those of a generator are made one by one. */
export async function expand(line: Line, loadCities: LoadCities): Promise<Iterable<Operation>> {
  return 'operation' in line ? [line.operation] : generate(line.generator, loadCities)
}

/** About how many operations a line stands for: a workload may have more, which fill its store. */
export function countOf(line: Line): number {
  return 'operation' in line ? 1 : Math.min(line.generator.count, line.generator.first ?? Infinity)
}

/** A line that stands for the first `count` operations of this one. */
export function firstOf(line: Line, count: number): Line {
  return 'operation' in line ? line : { generator: { ...line.generator, first: count } }
}
