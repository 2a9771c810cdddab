import { lsmEngine } from 'kvarium'
import type { EntryCursor } from 'kvarium/engine'
import { exportedFunction, type Exercise } from '../exercise.js'
import type { Operation } from '../operation.js'
import { units, type MakeMergingCursor } from './units.js'

const METHODS = ['first', 'last', 'seek', 'seekBefore', 'next', 'prev', 'close']
/** The last two sort differently in UTF-8 and in UTF-16. */
const LETTERS = ['a', 'b', 'c', 'k', 'ab', 'é', 'ｚ', '😀']

export const exercise: Exercise<MakeMergingCursor> = {
  name: 'merging-cursor',
  title: 'Merging cursor: many sorted runs read as one',
  part(module) {
    const MergingCursor = exportedFunction(module, 'MergingCursor') as unknown as new (children: readonly EntryCursor[]) => EntryCursor
    const { prototype } = MergingCursor as { readonly prototype?: Readonly<Record<string, unknown>> }
    if (prototype === undefined) throw new Error('"MergingCursor" must be a class.')
    const missing = METHODS.find(name => typeof prototype[name] !== 'function')
    if (missing !== undefined) throw new Error(`The class MergingCursor has no method "${missing}".`)
    return children => new MergingCursor(children)
  },
  units,
  plug: mergingCursor => lsmEngine({ parts: { mergingCursor } }),
  options: { writeBufferSize: 16 << 10, blockSize: 256, level0Tables: 2 },
  workload(random) {
    const key = (): string => `${LETTERS[random.uniform(LETTERS.length)]}${random.uniform(6)}`
    const operations: Operation[] = []
    for (let step = 0; step < 160; step++) {
      const kind = random.uniform(20)
      if (kind < 9) operations.push({ do: 'put', key: key(), value: `value ${step}` })
      else if (kind < 11) operations.push({ do: 'del', key: key() })
      else if (kind < 14) operations.push({ do: 'flush' })
      else if (kind < 15) operations.push({ do: 'snapshot' })
      else if (kind < 16) operations.push({ do: 'compact' })
      else operations.push({ do: 'scan', from: key(), reverse: kind === 19, ...(kind === 17 && { at: 'snapshot' }) })
    }
    return operations
  },
  // The blocks that a scan touches depend on when a cursor moves its children; its results do not.
  compared: event => (/^(compaction|table|merge|manifest)\./.test(event.type) ? event : undefined),
}
