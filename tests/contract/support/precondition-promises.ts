import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../../src/engine/batch.js'
import { keyOf, textOf, withEngine, type ContractSubject } from './opened-engine.js'

export function preconditionPromises(subject: ContractSubject): void {
  describe('preconditions', () => {
    it(
      'a precondition sees every earlier write, and its failure refuses that write alone',
      withEngine(subject, async ({ engine }) => {
        const refusal = new Error('refused')
        const seen: (string | undefined)[] = []
        const write = async (value: string, entries: number, refuse: boolean): Promise<void> => {
          const batch = new WriteBatch()
          for (let i = 1; i < entries; i++) batch.put(keyOf(`fill ${i}`), keyOf(''))
          batch.put(keyOf('k'), keyOf(value))
          const precondition = (): void => {
            const found = engine.get(keyOf('k'))
            seen.push(found && textOf(found))
            if (refuse) throw refusal
          }
          await engine.write(batch, { sync: false, precondition, applied: () => seen.push(`applied ${value}`) })
        }
        // The first is long: the others wait for it.
        const writes = [write('1', 3000, false), write('2', 1, true), write('3', 3000, true), write('4', 1, false)]
        const outcomes = await Promise.allSettled(writes)
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
        expect(outcomes[1]).toMatchObject({ reason: refusal })
        expect(seen).toEqual([undefined, 'applied 1', '1', '1', '1', 'applied 4'])
        expect(textOf(engine.get(keyOf('k'))!)).toBe('4')
      }),
    )

    it(
      'a clear keeps to its precondition, also one of an empty range',
      withEngine(subject, async store => {
        const { engine } = store
        await store.put('k', 'v')
        const calls: string[] = []
        const clear = async (range: object, refuse: boolean): Promise<void> => {
          const precondition = (): void => {
            calls.push('checked')
            if (refuse) throw new Error('refused')
          }
          await engine.clear(range, { sync: false, precondition, applied: () => calls.push('applied') })
        }
        await expect(clear({}, true)).rejects.toThrow('refused')
        expect(engine.get(keyOf('k'))).toBeDefined()
        await clear({ gte: keyOf('x') }, false)
        await clear({}, false)
        expect(engine.get(keyOf('k'))).toBeUndefined()
        expect(calls).toEqual(['checked', 'checked', 'applied', 'checked', 'applied'])
      }),
    )
  })
}
