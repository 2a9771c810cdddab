/** What the random walks of both engines do in the same way. */
import type { Engine, EngineSnapshot } from '../../../src/engine/contract.js'
import { keyOf, rangeOf } from '../../contract/support/opened-engine.js'
import { batchOf, filler, type Operation } from '../../lsm/support/opened-lsm.js'

export type CommonStep =
  | { readonly do: 'write'; readonly keys: readonly number[]; readonly valueBytes: number; readonly sync: boolean; readonly wait: boolean }
  | { readonly do: 'clear'; readonly from: number; readonly to: number }
  | { readonly do: 'get'; readonly key: number }
  | { readonly do: 'turns'; readonly count: number }
  | { readonly do: 'flush' | 'compact' | 'settle' | 'snapshot' | 'release' | 'scan' }

export interface CommonWalk {
  readonly snapshots: EngineSnapshot[]
  /** A turn of the background, and what is to be checked after it. */
  turn(): Promise<void>
  /** A write that is not waited for. */
  later(written: Promise<void>): void
}

export function name(index: number): string {
  return `k${String(index).padStart(3, '0')}`
}

export async function takeCommonStep(engine: Engine, step: CommonStep, { snapshots, turn, later }: CommonWalk): Promise<void> {
  switch (step.do) {
    case 'write': {
      const operations = step.keys.map((index, at): Operation =>
        at % 5 === 4 ? ['del', name(index)] : ['put', name(index), filler(step.valueBytes, at)],
      )
      const written = engine.write(batchOf(operations), { sync: step.sync })
      if (step.wait) await written
      else if (written !== undefined) later(written)
      return
    }
    case 'clear':
      return engine.clear(rangeOf({ gte: name(step.from), lt: name(step.to) }), { sync: false })
    case 'get':
      engine.get(keyOf(name(step.key)), snapshots.at(-1))
      return
    case 'turns':
      for (let done = 0; done < step.count; done++) await turn()
      return
    case 'snapshot':
      snapshots.push(engine.snapshot())
      return
    case 'release':
      snapshots.shift()?.release()
      return
    case 'scan': {
      const cursor = engine.cursor({}, snapshots.at(-1))
      for (cursor.first(); cursor.valid; cursor.next());
      cursor.close()
      return
    }
    default:
      await engine[step.do]()
  }
}
