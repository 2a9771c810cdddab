/** Hazards: a line that reads back as something else; an error that says neither where nor what to do; a completion that does not parse. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WORKLOADS } from '../../packages/lab/src/workloads/catalogue.js'
import { complete, format, formatOperation, isProblem, parse, parseScript, WORDS } from '../../packages/explorer/src/run/command.js'
import type { Generator } from '../../packages/explorer/src/run/generate.js'
import { expand, firstOf, type Line } from '../../packages/explorer/src/run/line.js'
import type { Operation } from '../../packages/explorer/src/run/operation.js'
import { WORKLOAD_WORDS } from '../../packages/explorer/src/run/workload-words.js'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 8 }),
  fc.constantFrom('sync', 'ttl', 'at', '-', 'limit', 'reverse', '100B', '4KiB', '"', '\\', ';', '#', '', ' ', '\ud800', '\n', 'put'),
  fc.constantFrom(
    '\u001b[31m',
    '\u202eabc',
    '\ufeff',
    'a\u200bb',
    '\u0085',
    '\u2028',
    '\u{e0041}',
    '<img onerror=alert(1)>',
    '👩‍💻',
    '1000000000B',
    '0B',
  ),
)
const ttl = fc.option(fc.integer({ min: 1, max: 1_000_000_000_000 }), { nil: undefined })
const sync = fc.option(fc.constant(true as const), { nil: undefined })
const count = fc.integer({ min: 1, max: 1_000_000 })
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
/** Without the fields that are undefined. */
const given = <T extends object>(record: fc.Arbitrary<T>): fc.Arbitrary<{ [Field in keyof T]: Exclude<T[Field], undefined> }> =>
  record.map(all => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never)

const write = fc.oneof(
  given(fc.record({ type: fc.constant('put' as const), key: text, value: text, ttl })),
  fc.record({ type: fc.constant('del' as const), key: text }),
)
const interval = { from: optional(text), to: optional(text) }
const range = given(fc.record({ type: fc.constant('range' as const), ...interval, limit: optional(count), reverse: sync }))
const step = fc.oneof(
  write,
  range,
  fc.record({ type: fc.constant('get' as const), key: text }),
  given(fc.record({ type: fc.constant('clear' as const), ...interval })),
)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  given(fc.record({ type: fc.constant('put' as const), key: text, value: text, ttl, sync })),
  given(fc.record({ type: fc.constant('del' as const), key: text, sync })),
  given(fc.record({ type: fc.constant('get' as const), key: text, snapshot: optional(text) })),
  range,
  given(fc.record({ type: fc.constant('batch' as const), operations: fc.array(write, { minLength: 1, maxLength: 5 }), sync })),
  given(fc.record({ type: fc.constantFrom('clear' as const, 'compact' as const), ...interval })),
  fc.record({ type: fc.constantFrom('snapshot' as const, 'release' as const, 'commit' as const, 'abort' as const), name: text }),
  given(fc.record({ type: fc.constant('begin' as const), name: text, sync })),
  fc.record({ type: fc.constant('in' as const), name: text, operation: step }),
  fc.record({
    type: fc.constant('crash' as const),
    lane: text,
    event: fc.nat(),
    image: fc.oneof(fc.constantFrom('none' as const, 'all' as const), fc.nat(), fc.array(fc.nat(99), { maxLength: 3 })),
  }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(1_000_000) }),
  fc.record({ type: fc.constantFrom('sync' as const, 'flush' as const, 'reopen' as const) }),
)
const seeded = { count, seed: fc.nat(2 ** 31), valueBytes: fc.nat(10_000), first: optional(fc.nat(1000)) }
const generator: fc.Arbitrary<Generator> = fc.oneof(
  given(fc.record({ kind: fc.constant('ascending' as const), ttl, ...seeded })),
  given(fc.record({ kind: fc.constantFrom('random' as const, 'zipfian' as const), keys: count, ttl, ...seeded })),
  given(
    fc.record({
      kind: fc.constant('workload' as const),
      name: fc.constantFrom(...WORKLOAD_WORDS.map(({ name }) => name)),
      entries: count,
      ...seeded,
    }),
  ),
  given(fc.record({ kind: fc.constant('cities' as const), count, first: optional(fc.nat(1000)) })),
)
const line: fc.Arbitrary<Line> = fc.oneof(fc.record({ operation }), fc.record({ generator }))

const cities = async (): Promise<readonly (readonly [string, string])[]> => [
  ['LI/Vaduz/3042030', '{"population":5197}'],
  ['LI/Schaan/3042041', '{"population":5748}'],
]

async function operationsOf(typed: string): Promise<readonly Operation[]> {
  const parsed = parse(typed)
  if (isProblem(parsed)) throw new Error(parsed.message)
  return [...(await expand(parsed, cities))]
}

describe('the language of operations', () => {
  it('reads every line back as it was', () => {
    fc.assert(
      fc.property(line, each => {
        expect(parse(format(each))).toEqual(each)
        // What cannot be seen is written as an escape.
        expect(format(each)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
      { seed: 1, numRuns: 1000 },
    )
  })

  it('says of any text either what it is, or where it is wrong and what to do', () => {
    const anything = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom(...WORDS.map(({ name }) => name), '"a', '"b"', 'c', ';', '-', 'sync', 'limit', '1', '10B', ' '), {
          maxLength: 8,
        })
        .map(words => words.join(' ')),
    )
    fc.assert(
      fc.property(anything, each => {
        const parsed = parse(each)
        if (!isProblem(parsed)) return
        expect(parsed.message).toMatch(/Write|[Pp]ut|End|Did you mean|remove/)
        expect(parsed.from).toBeGreaterThanOrEqual(0)
        expect(parsed.from).toBeLessThanOrEqual(parsed.to)
        expect(parsed.to).toBeLessThanOrEqual(each.length)
      }),
      { seed: 1, numRuns: 1000 },
    )
  })

  it.each([
    ['put', 3, 'Write a key here'],
    ['put a', 5, 'Write a value: text, or a length such as 100B here'],
    ['pit a 1', 0, '"pit" is not an operation. Write put, del, get, range, batch, clear, ...'],
    ['delete a', 0, '"delete" is not an operation. Did you mean "del"? There are put, del, get, range, batch, clear, ...'],
    ['put a "b', 6, 'End the quoted word with a quote: "'],
    ['put a "b\\x"', 8, 'This is no escape: write \\" \\\\ \\n \\t or \\u and four hexadecimal digits'],
    ['put a b c', 8, 'Nothing fits behind this: remove "c", or put it on a line of its own'],
    ['del sync', 4, 'Write a key before "sync", or "sync" in quotes if it is meant'],
    ['range a b limit 0', 16, 'Write a number from 1 to 1000000, not 0'],
    ['random many', 7, 'Write how many operations as a number, not "many"'],
    ['put a 9999999B', 6, 'Write a length of at most 1024KiB'],
    ['put a ttl 5', 6, 'Write a value: text, or a length such as 100B before "ttl", or "ttl" in quotes if it is meant'],
    ['put a 1 ttl soon', 12, 'Write milliseconds until it expires as a number, not "soon"'],
    ['put a 1 ttl 0', 12, 'Write a number from 1 to 1000000000000, not 0'],
    ['put a 1 sync ttl 5', 13, 'Nothing fits behind this: remove "ttl", or put it on a line of its own'],
    ['begin', 5, 'Write a name for the transaction here'],
    ['begin sync', 6, 'Write a name for the transaction before "sync", or "sync" in quotes if it is meant'],
    ['commit', 6, 'Write the name of a transaction here'],
    ['in t', 4, 'Write a step of a transaction: get or put or del or range or clear here'],
    ['in t flush', 5, '"flush" is not a step of a transaction. Write get or put or del or range or clear'],
    ['in t put a 1 sync', 13, 'Nothing fits behind this: remove "sync", or put it on a line of its own'],
    ['in t get a at s', 11, 'Nothing fits behind this: remove "at", or put it on a line of its own'],
    ['batch put a 1; get b', 15, '"get" is not put or del. Write put or del'],
  ])('says where "%s" is wrong, and what to do', (typed, from, message) => {
    expect(parse(typed)).toMatchObject({ from, message })
  })

  it('makes the same value for the same key and length, and writes it as the length', async () => {
    const [made] = await operationsOf('put a 2KiB')
    expect(made).toMatchObject({ type: 'put', key: 'a', value: expect.stringMatching(/^[a-z]{2048}$/) as string })
    expect(await operationsOf('put a 2048B')).toEqual([made])
    expect(formatOperation(made)).toBe('put a 2KiB')
    expect(await operationsOf('put a "100B"')).toEqual([{ type: 'put', key: 'a', value: '100B' }])
  })

  it('reads a list of lines, without those that are empty or comments', () => {
    const { lines, problems } = parseScript('# fill\nput a 1\r\n\n  del a \nget\n')
    expect(lines.map(format)).toEqual(['put a 1', 'del a'])
    expect(problems).toEqual([{ row: 4, from: 3, to: 3, message: 'Write a key here' }])
  })

  it('reads lines from other systems, with any ends of lines and spaces between words', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const { lines, problems } = parseScript(['\ufeffput a 1  ', '\tdel\ta\t', '\u00a0get a', ''].join(end))
      expect(problems).toEqual([])
      expect(lines.map(format)).toEqual(['put a 1', 'del a', 'get a'])
    }
  })

  it('reads ten thousand lines at once, and says of each wrong one where it is', () => {
    const rows = Array.from({ length: 10_000 }, (_, row) => (row % 1000 === 999 ? `put key${row}` : `put key${row} "value ${row}" sync`))
    const { lines, problems } = parseScript(rows.join('\n'))
    expect(lines).toHaveLength(9990)
    expect(problems.map(({ row }) => row)).toEqual(Array.from({ length: 10 }, (_, index) => index * 1000 + 999))
  })

  it('refuses a short text that stands for more than fits in memory', () => {
    const { lines, problems } = parseScript('put a 1024KiB\n'.repeat(10))
    expect(lines).toHaveLength(8)
    expect(problems[0]).toMatchObject({
      row: 8,
      from: 6,
      message: 'Write a shorter length, or fewer of them at once: the made values of a text would not fit in memory',
    })
    expect(parse(`batch ${Array.from({ length: 10 }, () => 'put a 1024KiB').join('; ')}`)).toMatchObject({ from: 8 * 15 + 12 })
  })

  it('shows of a long or unseen word only what can be seen', () => {
    expect(parse(`${'x'.repeat(1_000_000)} a`)).toMatchObject({ message: expect.stringMatching(/^"x{57}\.\.\." is not/) as string })
    expect(parse('wait \u001b[31m')).toMatchObject({ message: 'Write milliseconds as a number, not "\\u001b[31m"' })
  })

  it('completes what can stand at the end', () => {
    const words = (typed: string): readonly string[] => complete(typed).words.map(({ word }) => word)
    expect(words('re')).toEqual(['release', 'reopen', 'readrandom', 'readmissing', 'readhot', 'readwhilewriting', 'readseq', 'readreverse'])
    expect(complete('get k')).toMatchObject({ from: 4, wants: ['key'] })
    expect(words('get k ')).toEqual(['at'])
    expect(complete('get k at ')).toMatchObject({ from: 9, wants: ['snapshot'] })
    expect(complete('range ')).toMatchObject({ wants: ['key'], words: [{ word: 'limit' }, { word: 'reverse' }] })
    expect(complete('in ')).toMatchObject({ from: 3, wants: ['transaction'] })
    expect(words('in t ')).toEqual(['get', 'put', 'del', 'range', 'clear'])
    expect(complete('in t get ')).toMatchObject({ wants: ['key'] })
    expect(words('begin t ')).toEqual(['sync'])
    expect(words('put k 1 ')).toEqual(['ttl', 'sync'])
    expect(complete('put k 1 ttl ')).toMatchObject({ words: [], hint: 'milliseconds until it expires' })
    expect(words('batch put a 1 ttl 5 ')).toEqual([';', 'sync'])
    expect(words('batch put a 1; ')).toEqual(['put', 'del'])
    expect(words('random 10 s')).toEqual(['seed'])
    expect(words('random 10 seed 3 ')).not.toContain('seed')
    expect(complete('put a ')).toMatchObject({ words: [], hint: 'a length such as 100B, or a value: text, or a length such as 100B' })
    expect(complete('put a b c')).toMatchObject({ words: [] })
  })
})

describe('generators', () => {
  it('give the same operations for the same line, other ones for another seed, and fewer of the same with first', async () => {
    for (const each of [
      'ascending 50',
      'random 50',
      'zipfian 50',
      'cities 5',
      'ycsb-a 50 keys 30',
      'fillrandom 50',
      'readwhilewriting 20',
    ]) {
      const operations = await operationsOf(each)
      expect(await operationsOf(each)).toEqual(operations)
      expect(await operationsOf(`${each} first 3`)).toEqual(operations.slice(0, 3))
      expect([...(await expand(firstOf(parse(each) as Line, 4), cities))]).toEqual(operations.slice(0, 4))
      if (!each.startsWith('cities')) expect(await operationsOf(`${each} seed 9`)).not.toEqual(operations)
    }
  })

  it('have a word for every workload of db_bench and YCSB, each of which makes operations that can be written as lines', async () => {
    const missing = WORKLOADS.map(({ name }) => name).filter(name => !WORKLOAD_WORDS.some(word => word.name === name))
    expect(missing).toEqual(['beyond-cache', 'mixgraph'])
    for (const { name } of WORKLOAD_WORDS) {
      const operations = await operationsOf(`${name} 20 keys 60`)
      expect(operations.length).toBeGreaterThan(4)
      for (const each of operations) expect(parse(format({ operation: each }))).toEqual({ operation: each })
    }
  })

  it('draw a few keys most of the time where they are zipfian', async () => {
    const keys = (await operationsOf('zipfian 1000 keys 1000')).map(each => (each.type === 'put' ? each.key : ''))
    const times = new Map<string, number>()
    for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1)
    expect(Math.max(...times.values())).toBeGreaterThan(80)
    expect(times.size).toBeGreaterThan(200)
  })
})
