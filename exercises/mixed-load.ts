import type { SeededRandom } from 'kvarium/vfs'
import type { Operation } from './operation.js'

/** Few, so that most are read and written several times. */
const KEYS = 60

/** Writes of all kinds over few keys, reads in between, and occasional operations that move data. */
export function mixedLoad(random: SeededRandom, operations: number): Operation[] {
  const key = (): string => `key ${String(random.uniform(KEYS)).padStart(4, '0')}`
  const load: Operation[] = []
  for (let i = 0; i < operations; i++) {
    const dice = random.uniform(100)
    if (dice < 55) load.push({ do: 'put', key: key(), value: `${i}`.padEnd(random.uniform(120), '.') })
    else if (dice < 65) load.push({ do: 'del', key: key() })
    else if (dice < 85) load.push({ do: 'get', key: key() })
    else if (dice < 88) load.push({ do: 'get', key: key(), at: 'snapshot' })
    else if (dice < 92) load.push({ do: 'scan', from: key(), reverse: dice === 91 })
    else if (dice < 94) load.push({ do: 'snapshot' })
    else if (dice === 94) load.push({ do: 'clear', from: key(), to: key() })
    else if (dice === 95) load.push({ do: 'put', key: key(), value: `${i}`, sync: true })
    else if (dice === 96) load.push({ do: 'flush' })
    else if (dice === 97) load.push({ do: 'kill' })
    else if (dice === 98) load.push({ do: 'compact' })
    else load.push({ do: 'reopen' })
  }
  return load
}
