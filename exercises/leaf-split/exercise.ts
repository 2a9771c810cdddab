import { btreeEngine } from 'kvarium'
import { exportedFunction, type Exercise } from '../exercise.js'
import type { Operation } from '../operation.js'
import { units, type SplitLeaf } from './units.js'

export const exercise: Exercise<SplitLeaf> = {
  name: 'leaf-split',
  title: 'Leaf split: where to cut a full page, which decides how full pages are',
  part: module => exportedFunction(module, 'splitLeaf') as unknown as SplitLeaf,
  units,
  plug: leafSplit => btreeEngine({ leafSplit }),
  options: { pageSize: 256, writeBufferSize: 16 << 10 },
  workload(random) {
    const operations: Operation[] = []
    const put = (key: string, valueBytes: number): void => void operations.push({ do: 'put', key, value: ''.padEnd(valueBytes, '.') })
    // Entries of one size, so that two cuts are often equally even.
    for (let step = 0; step < 200; step++) put(`random ${1000 + random.uniform(9000)}`, 10 + 10 * random.uniform(2))
    for (let step = 0; step < 80; step++) put(`number ${1000 + step}`, 10)
    for (let step = 0; step < 120; step++) {
      put(`mixed ${random.uniform(1000)}`, random.uniform(150))
      if (step % 4 === 0) operations.push({ do: 'del', key: `mixed ${random.uniform(1000)}` })
    }
    return [...operations, { do: 'flush' }, { do: 'scan', from: '' }]
  },
  compared: event => (/^(page\.(split|merge|write)|root|checkpoint)/.test(event.type) ? event : undefined),
}
