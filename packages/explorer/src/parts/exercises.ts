/** The exercises by their names, each loaded when it is asked for. */
import { KvariumError } from 'kvarium/engine'
import type { Exercise, Module } from 'kvarium-exercises/exercise'

interface Loaded {
  readonly exercise: Exercise<unknown>
  readonly reference: Module
}

type Load = () => Promise<{ readonly exercise: unknown; readonly reference: Module }>

const EXERCISES: Readonly<Record<string, Load>> = {
  block: async () => ({
    ...(await import('kvarium-exercises/block/exercise')),
    reference: await import('kvarium-exercises/block/reference'),
  }),
  'bloom-filter': async () => ({
    ...(await import('kvarium-exercises/bloom-filter/exercise')),
    reference: await import('kvarium-exercises/bloom-filter/reference'),
  }),
  'compaction-picker': async () => ({
    ...(await import('kvarium-exercises/compaction-picker/exercise')),
    reference: await import('kvarium-exercises/compaction-picker/reference'),
  }),
  'leaf-split': async () => ({
    ...(await import('kvarium-exercises/leaf-split/exercise')),
    reference: await import('kvarium-exercises/leaf-split/reference'),
  }),
  'log-reader': async () => ({
    ...(await import('kvarium-exercises/log-reader/exercise')),
    reference: await import('kvarium-exercises/log-reader/reference'),
  }),
  'merging-cursor': async () => ({
    ...(await import('kvarium-exercises/merging-cursor/exercise')),
    reference: await import('kvarium-exercises/merging-cursor/reference'),
  }),
  skiplist: async () => ({
    ...(await import('kvarium-exercises/skiplist/exercise')),
    reference: await import('kvarium-exercises/skiplist/reference'),
  }),
}

export const EXERCISE_NAMES: readonly string[] = Object.keys(EXERCISES)

export async function loadExercise(name: string): Promise<Loaded> {
  if (!Object.hasOwn(EXERCISES, name))
    throw new KvariumError('KVARIUM_NOTHING_THERE', `There is no exercise "${name}": there are ${EXERCISE_NAMES.join(', ')}`)
  return (await EXERCISES[name]()) as Loaded
}
