import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../../src/engine/batch.js'
import { slice } from '../../support/thoroughness.js'
import { OpenedEngine, keyOf, withEngine, type BatchOperation, type ContractSubject } from './opened-engine.js'
import { churn, contentOf } from './workload.js'

/** Random work on a store around a checkpoint. */
interface Around {
  readonly seed: number
  readonly before: number
  readonly meanwhile: number
  readonly moves: readonly ('flush' | 'compact' | 'settle')[]
}

const around: fc.Arbitrary<Around> = fc.record({
  seed: fc.nat(),
  before: fc.nat(slice(80, 200)),
  meanwhile: fc.nat(slice(60, 120)),
  moves: fc.array(fc.constantFrom('flush' as const, 'compact' as const, 'settle' as const), { maxLength: 3 }),
})

/** Writes a checkpoint of the present into a new directory, does `meanwhile`, and resolves with the copy, opened. */
async function copied(store: OpenedEngine, meanwhile: () => Promise<void> = async () => {}): Promise<OpenedEngine> {
  const checkpoint = store.engine.checkpoint!()
  const directory = store.newDirectory()
  const writing = checkpoint.write(directory)
  await Promise.all([writing, meanwhile()])
  checkpoint.release()
  return store.openCopy(directory)
}

export function checkpointPromises(subject: ContractSubject): void {
  /** On engines that make checkpoints. */
  const withCheckpoints = (body: (store: OpenedEngine) => Promise<void>): (() => Promise<void>) =>
    withEngine(subject, async store => {
      if (store.engine.checkpoint !== undefined) await body(store)
    })

  describe('checkpoints', () => {
    it('hold their moment while writes, flushes and compactions go on, and are stores of their own', async () => {
      const property = fc.asyncProperty(around, async ({ seed, before, meanwhile, moves }) => {
        const store = await OpenedEngine.open(subject, seed)
        try {
          if (store.engine.checkpoint === undefined) return
          const expected = await churn(store, before, seed)
          const content = contentOf(expected)
          const copy = await copied(store, async () => {
            const jobs = moves.map(move => store.engine[move]())
            await churn(store, meanwhile, seed + 1, expected)
            await Promise.all(jobs)
          })
          expect(copy.scan()).toEqual(content)
          expect(await copy.violations()).toEqual([])
          const own = await churn(copy, 40, seed + 2, new Map(content.map(entry => entry.split('=', 2) as [string, string])))
          await store.compact()
          await copy.compact()
          expect(store.scan()).toEqual(contentOf(expected))
          expect(copy.scan()).toEqual(contentOf(own))
          await copy.reopen()
          await store.reopen()
          expect(store.scan()).toEqual(contentOf(expected))
          expect(copy.scan()).toEqual(contentOf(own))
          for (const each of [store, copy]) expect(await each.violations()).toEqual([])
        } finally {
          await store.dispose()
        }
      })
      await fc.assert(property, { numRuns: slice(2, 25) })
    }, 60_000)

    it(
      'have what readers see at the call, of long batches under way all or nothing',
      withCheckpoints(async store => {
        await store.put('a', 'before')
        const long = Array.from({ length: 6000 }, (_, i): BatchOperation => ['put', `k${10_000 + i}`, 'v'])
        const writing = store.batch([...long, ['del', 'a']])
        await store.environment.scheduler.turn()
        const seen = store.scan()
        const copy = await copied(store, () => writing)
        expect(copy.scan()).toEqual(seen)
        const after = await copied(store)
        expect(after.scan()).toEqual(long.map(([, key]) => `${key}=v`))
      }),
    )

    it(
      'keep deletions, clears and sequence numbers, and old versions come back in none',
      withCheckpoints(async store => {
        await store.batch(Array.from({ length: 300 }, (_, i) => ['put', `k${1000 + i}`, 'old'.repeat(20)] as const))
        await store.compact()
        await store.del('k1000')
        await store.clear({ gte: 'k1100', lt: 'k1200' })
        await store.put('k1150', 'new')
        const content = store.scan()
        const copy = await copied(store)
        expect(copy.scan()).toEqual(content)
        await copy.compact()
        expect(copy.scan()).toEqual(content)
        const [mine, its] = [store, copy].map(({ engine }) => engine.snapshot())
        expect(its.sequence).toBe(mine.sequence)
        mine.release()
        its.release()
      }),
    )

    it.runIf(subject.factory.expires === true)(
      'keep when entries expire',
      withCheckpoints(async store => {
        const now = store.environment.clock.wallTime?.() ?? Date.now()
        const batch = new WriteBatch()
        batch.put(keyOf('later'), keyOf('v'), now + 1e9)
        batch.put(keyOf('gone'), keyOf('v'), now - 1)
        await store.engine.write(batch, { sync: false })
        const copy = await copied(store)
        expect(copy.engine.expiresAt!(keyOf('later'))).toBe(now + 1e9)
        expect(copy.scan()).toEqual(['later=v'])
      }),
    )

    it(
      'of an empty store, of a copy, and two at a time',
      withCheckpoints(async store => {
        const empty = await copied(store)
        expect(empty.scan()).toEqual([])
        await store.put('a', '1')
        const [one, two] = await Promise.all([copied(store), copied(store)])
        await one.put('b', '2')
        const again = await copied(one)
        expect([one, two, again].map(copy => copy.scan())).toEqual([['a=1', 'b=2'], ['a=1'], ['a=1', 'b=2']])
      }),
    )

    it(
      'end when their signal is aborted, and leave the store as it was',
      withCheckpoints(async store => {
        const expected = await churn(store, 60)
        for (const when of ['before', 'meanwhile'] as const) {
          const abort = new AbortController()
          const checkpoint = store.engine.checkpoint!()
          if (when === 'before') abort.abort()
          const writing = checkpoint.write(store.newDirectory(), abort.signal)
          abort.abort()
          await expect(writing, when).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
          checkpoint.release()
          checkpoint.release()
        }
        expect(store.scan()).toEqual(contentOf(expected))
        await store.compact()
        expect(await store.violations()).toEqual([])
      }),
    )

    it(
      'end before the engine is closed',
      withCheckpoints(async store => {
        const expected = await churn(store, 60)
        const directory = store.newDirectory()
        const checkpoint = store.engine.checkpoint!()
        const writing = checkpoint.write(directory).finally(() => checkpoint.release())
        await store.engine.close()
        await writing
        expect((await store.openCopy(directory)).scan()).toEqual(contentOf(expected))
        expect(() => store.engine.checkpoint!()).toThrow(/closed/)
      }),
    )
  })
}
