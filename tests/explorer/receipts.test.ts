/** Hazards: a receipt of another operation; one that mixes up the accounts of two openings; one that stands still while the run goes on. */
import { describe, expect, it } from 'vitest'
import { Session } from '../../packages/explorer/src/session/session.js'
import { SETTINGS } from './support/settings.js'

const LANES = SETTINGS.lanes.map(({ engine }, lane) => ({ engine, lane }))

async function sessionOf(): Promise<Session> {
  const session = new Session()
  await session.begin(SETTINGS)
  return session
}

describe.each(LANES)('the receipt of an operation of $engine', ({ lane }) => {
  it('has what it cost at once, and grows with what the background does later', async () => {
    const session = await sessionOf()
    await session.add([{ operation: { type: 'put', key: 'a', value: 'x'.repeat(100), sync: true } }])
    const first = await session.receipt(lane, 0)
    expect(first.omitted).toBe(0)
    expect(first.receipts).toHaveLength(1)
    expect(first.receipts[0]).toContain('write, 1 entry, 101 B of user data')
    expect(first.receipts[0]).toContain('pending')
    await session.add([
      { generator: { kind: 'random', count: 300, seed: 2, valueBytes: 100, keys: 200 } },
      { operation: { type: 'flush' } },
    ])
    const later = await session.receipt(lane, 0)
    expect(later.receipts[0]).toContain('later')
    expect(later.receipts[0]).not.toContain('pending')
    const amplification = (text: string): number => Number(/write amplification +([\d.]+)x/.exec(text)![1])
    expect(amplification(later.receipts[0])).toBeGreaterThan(amplification(first.receipts[0]))
  })

  it('is of this operation also behind a reopening, where the store counts anew', async () => {
    const session = await sessionOf()
    const put = (key: string, bytes: number) => ({ operation: { type: 'put', key, value: 'x'.repeat(bytes) } }) as const
    await session.add([
      put('a', 10),
      put('b', 20),
      { operation: { type: 'reopen' } },
      put('c', 30),
      { operation: { type: 'get', key: 'b' } },
    ])
    const userBytes: number[] = []
    for (const operation of [0, 1, 3]) {
      const { receipts } = await session.receipt(lane, operation)
      userBytes.push(Number(/(\d+) B of user data/.exec(receipts[0])![1]))
    }
    expect(userBytes).toEqual([11, 21, 31])
    expect((await session.receipt(lane, 4)).receipts[0]).toContain('found')
    expect(await session.receipt(lane, 5)).toEqual({ receipts: [], omitted: 0 })
  })

  it('is one for each of the first operations of the store that it took', async () => {
    const session = await sessionOf()
    await session.add([
      { generator: { kind: 'ascending', count: 30, seed: 2, valueBytes: 100 } },
      { operation: { type: 'range', limit: 20 } },
    ])
    const { receipts, omitted } = await session.receipt(lane, 30)
    expect(receipts.length).toBeGreaterThan(0)
    expect(receipts.length).toBeLessThanOrEqual(4)
    expect(omitted).toBeGreaterThanOrEqual(0)
  })
})
