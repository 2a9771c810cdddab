import { btreeEngine } from 'kvarium'
import { exportedFunction, type Exercise } from '../exercise.js'
import type { Operation } from '../operation.js'
import { units, type SplitLeaf } from './units.js'

export const exercise: Exercise<SplitLeaf> = {
  name: 'leaf-split',
  title: 'Leaf split: where a full page is cut, and how full pages are for it',
  part: module => exportedFunction(module, 'splitLeaf') as unknown as SplitLeaf,
  units,
  plug: leafSplit => btreeEngine({ leafSplit }),
  options: { pageSize: 256, writeBufferSize: 16 << 10 },
  workload(random) {
    const operations: Operation[] = []
    for (let step = 0; step < 120; step++) operations.push({ do: 'put', key: `random ${random.uniform(1000)}`, value: 'as long as all' })
    for (let step = 0; step < 80; step++) operations.push({ do: 'put', key: `number ${1000 + step}`, value: 'ascends' })
    for (let step = 0; step < 120; step++) {
      const key = `mixed ${random.uniform(1000)}`
      operations.push({ do: 'put', key, value: ''.padEnd(random.uniform(150), '.') })
      if (step % 4 === 0) operations.push({ do: 'del', key: `random ${random.uniform(1000)}` })
    }
    return [...operations, { do: 'flush' }, { do: 'scan', from: '' }]
  },
  compared: event => (/^(page\.(split|merge|write)|root|checkpoint)/.test(event.type) ? event : undefined),
}
