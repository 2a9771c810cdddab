/**
 * The model test: random histories of writes, clears, snapshots, cursors, flushes, compactions and reopens, run on an engine
 * and on an oracle side by side. Wherever they differ, fast-check shrinks the history to a short one and prints it.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { modelProperty } from './model-run.js'
import type { ContractSubject } from './opened-engine.js'
import { slice } from '../../support/thoroughness.js'

export interface ModelOptions {
  /** Histories to run. */
  readonly runs?: number
  /** Steps of the longest one. */
  readonly steps?: number
}

/** Few runs for every day; `soak.ts` goes on for longer. */
export function engineModel(subject: ContractSubject, options: ModelOptions = {}): void {
  describe(`the engine model: ${subject.name}`, () => {
    it('no history makes the engine differ from a sorted array', async () => {
      await fc.assert(modelProperty(subject, options.steps ?? 80), {
        numRuns: slice(Math.ceil((options.runs ?? 60) / 3), options.runs ?? 60),
      })
    }, 120_000)
  })
}
