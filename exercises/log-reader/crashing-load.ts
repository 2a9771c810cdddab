import type { SeededRandom } from 'kvarium/vfs'
import type { Operation } from '../operation.js'

/** Writes, some of them synced, interrupted by ends of the process: killed, torn or closed. */
export function crashingLoad(random: SeededRandom, operations: number): Operation[] {
  const load: Operation[] = []
  for (let i = 0; i < operations; i++) {
    const key = `key ${random.uniform(50)}`
    load.push({ do: 'put', key, value: `${i}`.padEnd(random.uniform(300), '.'), sync: random.uniform(3) === 0 })
    if (random.uniform(8) > 0) continue
    const dice = random.uniform(4)
    if (dice === 0) load.push({ do: 'reopen' })
    else if (dice === 1) load.push({ do: 'kill' })
    else load.push({ do: 'put', key, value: 'torn' }, { do: 'tear', left: random.uniform(40), then: dice === 2 ? 'nothing' : 'zeros' })
  }
  return load
}
