import fc from 'fast-check'
import type { AbstractIterator, AbstractLevel, AbstractSnapshot } from 'abstract-level'
import { describe, expect, it } from 'vitest'
import { Kvarium } from '../../src/store/node-kvarium.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { ArrayLevel } from './support/array-level.js'

type Level = AbstractLevel<unknown>
/** The members that iterators over entries, keys and values have in common. */
type AnyIterator = AbstractIterator<unknown, unknown, unknown>

const COUNT = 40
const key = (i: number): string => `k${String(i).padStart(3, '0')}`

type Action =
  | {
      readonly do:
        | 'nothing'
        | 'next'
        | 'all'
        | 'abort'
        | 'close'
        | 'close store'
        | 'close snapshot'
        | 'break'
        | 'throw'
        | 'leave work under way'
        | 'loop inside'
    }
  | { readonly do: 'nextv'; readonly size: number }
  | { readonly do: 'seek'; readonly target: number }

interface Program {
  readonly kind: 'iterator' | 'keys' | 'values'
  readonly path: readonly string[]
  readonly options: object
  readonly withSnapshot: boolean
  readonly withSignal: boolean
  readonly damaged: number | undefined
  readonly actions: readonly Action[]
}

const often: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Action>({ do: 'nothing' }) },
  { weight: 3, arbitrary: fc.constant<Action>({ do: 'next' }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('nextv' as const), size: fc.integer({ min: -1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('seek' as const), target: fc.integer({ min: -1, max: COUNT + 1 }) }) },
)
const seldom = fc.constantFrom<Action>(
  { do: 'all' },
  { do: 'abort' },
  { do: 'close' },
  { do: 'close store' },
  { do: 'close snapshot' },
  { do: 'break' },
  { do: 'throw' },
  { do: 'leave work under way' },
  { do: 'loop inside' },
)
const bound = fc.option(fc.nat(COUNT).map(key), { nil: undefined })
const programs: fc.Arbitrary<Program> = fc.record({
  kind: fc.constantFrom('iterator', 'keys', 'values'),
  path: fc.constantFrom([], [], ['outer'], ['outer', 'inner']),
  options: fc
    .record({
      gt: bound,
      lte: bound,
      reverse: fc.boolean(),
      limit: fc.constantFrom(-1, -1, 0, 1, 7, 20, 100),
      keys: fc.constantFrom(true, true, false),
      values: fc.constantFrom(true, true, false),
    })
    .map(options => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))),
  withSnapshot: fc.boolean(),
  withSignal: fc.boolean(),
  damaged: fc.option(fc.nat(COUNT - 1), { nil: undefined }),
  actions: fc.array(fc.oneof({ weight: 9, arbitrary: often }, { weight: 1, arbitrary: seldom }), { maxLength: 50 }),
})

/** The compiler does not take a sublevel for a database. */
function asLevel(level: unknown): Level {
  return level as Level
}

/** Runs a program and returns everything that can be seen of it. */
async function run(db: Level, { kind, path, options, withSnapshot, withSignal, damaged, actions }: Program): Promise<unknown[]> {
  const level = path.reduce<Level>((parent, name) => asLevel(parent.sublevel(name, { valueEncoding: 'json' })), db)
  await level.open()
  await level.batch(Array.from({ length: COUNT }, (_, i) => ({ type: 'put' as const, key: key(i), value: i as unknown as string })))
  if (damaged !== undefined) await level.put(key(damaged), '{', { valueEncoding: 'utf8' })
  const controller = new AbortController()
  const snapshot: AbstractSnapshot | undefined = withSnapshot ? level.snapshot() : undefined
  const given = { ...options, ...(withSignal && { signal: controller.signal }), ...(snapshot && { snapshot }) }
  const iterator = (level[kind] as (options: object) => unknown).call(level, given) as AnyIterator
  const log: unknown[] = []
  const attempt = async (work: () => unknown): Promise<void> => {
    try {
      log.push(await work())
    } catch (error) {
      log.push(codeOf(error))
    }
  }
  let at = 0
  const underway: Promise<unknown>[] = []
  const loop = async (): Promise<void> => {
    for await (const item of iterator) {
      log.push([item, iterator.count, iterator.limit])
      const action = actions[at++] ?? { do: 'nothing' }
      log.push(action.do)
      if (action.do === 'next') await attempt(() => iterator.next())
      else if (action.do === 'nextv') await attempt(() => iterator.nextv(action.size))
      else if (action.do === 'all') await attempt(() => iterator.all({}))
      else if (action.do === 'seek') await attempt(() => iterator.seek(key(action.target)))
      else if (action.do === 'abort') controller.abort()
      else if (action.do === 'close') await attempt(() => iterator.close())
      else if (action.do === 'close store') await attempt(() => db.close())
      else if (action.do === 'close snapshot') await attempt(() => snapshot?.close())
      else if (action.do === 'leave work under way') underway.push(iterator.next().catch(codeOf))
      else if (action.do === 'throw') throw new Error('thrown by the loop')
      else if (action.do === 'break') break
      else if (action.do === 'loop inside') {
        await attempt(async () => {
          for await (const inner of iterator) {
            log.push([inner, iterator.count])
            if (iterator.count % 3 === 0) break
          }
        })
      }
      log.push([iterator.count, iterator.limit])
    }
  }
  await attempt(loop)
  log.push(await Promise.all(underway), iterator.count)
  await attempt(() => iterator.next())
  if (db.status === 'open') await db.close()
  return log
}

function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  return code ?? message
}

describe.each(['memory', 'lsm', 'btree'] as const)('for await on %s', engine => {
  const open = (): Level =>
    new Kvarium<string, unknown>('/store', { engine, fileSystem: new MemoryFileSystem(), valueEncoding: 'json' }) as unknown as Level

  it("does in and after the body whatever abstract-level's own loop does, in any program", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(programs, async program => {
        const expected = await run(new ArrayLevel({ valueEncoding: 'json' }) as unknown as Level, program)
        expect(await run(open(), program)).toEqual(expected)
      }),
      { numRuns: engine === 'memory' ? 400 : 60 },
    )
  })

  it('a next() inside continues where the loop is, and the loop after it', async () => {
    const db = open()
    await db.batch(Array.from({ length: COUNT }, (_, i) => ({ type: 'put' as const, key: key(i), value: i as unknown as string })))
    const iterator = db.keys()
    const seen: unknown[] = []
    for await (const item of iterator) {
      seen.push(item, await iterator.next(), iterator.count)
      if (seen.length === 9) break
    }
    expect(seen).toEqual([key(0), key(1), 2, key(2), key(3), 4, key(4), key(5), 6])
    await db.close()
  })

  it('a value that cannot be decoded hides none of the entries before it', async () => {
    const db = open()
    await db.batch(Array.from({ length: COUNT }, (_, i) => ({ type: 'put' as const, key: key(i), value: i as unknown as string })))
    await db.put(key(5), '{', { valueEncoding: 'utf8' })
    const seen: unknown[] = []
    const loop = async (): Promise<void> => {
      for await (const value of db.values()) seen.push(value)
    }
    await expect(loop()).rejects.toMatchObject({ code: 'LEVEL_DECODE_ERROR', message: 'Iterator could not decode data' })
    expect(seen).toEqual([0, 1, 2, 3, 4])
    await db.close()
  })

  it('the loop lets timers run', async () => {
    const db = open()
    for (let i = 0; i < 20; i++) {
      await db.batch(Array.from({ length: 1000 }, (_, j) => ({ type: 'put' as const, key: key(i * 1000 + j), value: '' })))
    }
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    let seen = 0
    for await (const [,] of db.iterator()) {
      // Work of the body, so that the loop takes long however fast the machine.
      const end = performance.now() + 0.01
      while (performance.now() < end);
      if (++seen === 5000) break
    }
    clearInterval(timer)
    expect(turns).toBeGreaterThan(3)
    await db.close()
  })
})
