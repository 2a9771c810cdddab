import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { faultOf } from '../../packages/cli/src/datasets/json-fault.js'
import { SortedRuns, type SortedRecord } from '../../packages/cli/src/sorted-runs.js'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { kvarium, type Ran } from './support/command-line.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-load-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const run = (...parameters: string[]): Promise<Ran> => kvarium(directory, parameters)
const write = (name: string, text: string): void => writeFileSync(join(directory, name), text)

async function entriesOf(name: string, engine = 'lsm', valueEncoding = 'utf8'): Promise<[string, unknown][]> {
  const db = new Kvarium<string, unknown>(join(directory, name), {
    createIfMissing: false,
    engine: builtInEngines.resolve(engine),
    valueEncoding,
  })
  try {
    return await db.iterator().all()
  } finally {
    await db.close()
  }
}

describe('load', () => {
  it('stores every record of a file in no order under its key, and the last one of a repeated key', async () => {
    write('people.ndjson', '{"id":2,"name":"Ben"}\n\n{"id":10,"name":"Cleo"}\n{"id":1,"name":"Änne"}\n{"id":2,"name":"Berta"}\n')
    const { status, stdout, stderr } = await run('load', 'store', 'people.ndjson')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^store \(lsm\): 3 entries, .*, in \d+\.\d s, by id; 1 had the key of a later one\n$/)
    expect(status).toBe(0)
    expect(await entriesOf('store')).toEqual([
      ['1', '{"id":1,"name":"Änne"}'],
      ['10', '{"id":10,"name":"Cleo"}'],
      ['2', '{"id":2,"name":"Berta"}'],
    ])
  })

  it('makes keys of several columns, and keeps the entries that the store has', async () => {
    write('a.csv', 'country,city,people\nDE,Berlin,3\nAT,"Wien\nStadt",2\n')
    write('b.tsv', 'country\tcity\tpeople\nDE\tBerlin\t4\nCH\tBern\t1\n')
    const options = ['--key', 'country,city', '--value-encoding', 'msgpack']
    expect((await run('load', 'store', 'a.csv', '--engine', 'btree', ...options)).status).toBe(0)
    expect((await run('load', 'store', 'b.tsv', ...options)).stdout).toMatch(/^store \(btree\): 2 entries/)
    expect(await entriesOf('store', 'btree', 'msgpack')).toEqual([
      ['AT/Wien\nStadt', { country: 'AT', city: 'Wien\nStadt', people: '2' }],
      ['CH/Bern', { country: 'CH', city: 'Bern', people: '1' }],
      ['DE/Berlin', { country: 'DE', city: 'Berlin', people: '4' }],
    ])
  })

  it('puts records into a sublevel, which get, scan, put and del find again, and refuses a name that is none', async () => {
    write('cities.csv', 'country,city\nDE,Berlin\nCH,Bern\nDE,Aachen\n')
    write('more.csv', 'country,city\nFR,Lyon\n')
    const cities = ['--sublevel', 'geo', '--sublevel', 'cities']
    const columns = ['--key', 'country,city']
    const refused = await run('load', 'store', 'cities.csv', ...columns, '--sublevel', 'a b')
    expect([refused.status, refused.stderr]).toEqual([
      2,
      'error: "a b" is no name of a sublevel: that has ASCII characters other than space, ! and "\n',
    ])
    expect(existsSync(join(directory, 'store'))).toBe(false)
    expect((await run('load', 'store', 'cities.csv', ...columns, ...cities)).stdout).toMatch(/^store \(lsm\): 3 entries/)
    expect((await run('load', 'store', 'more.csv', ...columns, '--sublevel', 'geo')).status).toBe(0)
    expect((await run('load', 'store', 'more.csv', ...columns)).status).toBe(0)
    expect((await run('put', 'store', 'CH/Basel', 'new', ...cities)).status).toBe(0)
    expect((await run('del', 'store', 'DE/Aachen', ...cities)).status).toBe(0)
    expect((await run('get', 'store', 'DE/Berlin', '--json', '-v', 'json', ...cities)).stdout).toBe(
      '{"key":"DE/Berlin","value":{"country":"DE","city":"Berlin"}}\n',
    )
    expect((await run('scan', 'store', '--keys', ...cities)).stdout).toBe('CH/Basel\nCH/Bern\nDE/Berlin\n')
    expect((await run('scan', 'store', '--keys', '--gt', 'CH/Basel', '--reverse', ...cities)).stdout).toBe('DE/Berlin\nCH/Bern\n')
    expect((await run('scan', 'store', '--keys', '--lte', 'CH/Bern', ...cities)).stdout).toBe('CH/Basel\nCH/Bern\n')
    expect((await run('scan', 'store', '--count', '--prefix', 'CH/', ...cities)).stdout).toBe('2\n')
    const db = new Kvarium(join(directory, 'store'))
    expect(await db.sublevel(['geo', 'cities']).keys().all()).toEqual(['CH/Basel', 'CH/Bern', 'DE/Berlin'])
    expect(await db.keys({ gte: 'A' }).all()).toEqual(['FR/Lyon'])
    expect(await db.sublevel('geo').keys({ gte: 'A' }).all()).toEqual(['FR/Lyon'])
    await db.close()
  })

  it('reads standard input, sorts in files what does not fit into memory, and leaves none of them', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ id: `k${String((i * 7919) % 20_000).padStart(5, '0')}`, i }))
    const input = `${lines.join('\n')}\n`
    writeFileSync(join(directory, 'marker'), '')
    const parameters = ['load', 'store', '-', '--format', 'ndjson', '--memory', '1', '--scratch', '.']
    const { stdout } = await kvarium(directory, parameters, input)
    expect(stdout).toMatch(/^store \(lsm\): 20,000 entries/)
    expect(readdirSync(directory).sort()).toEqual(['marker', 'store'])
    const entries = await entriesOf('store')
    expect(entries.length).toBe(20_000)
    expect(entries[7919]).toEqual(['k07919', '{"id":"k07919","i":1}'])
  })

  it.each([
    ['a line that is not JSON', 'x.ndjson', '{"id":1}\n{"id":2,]\n', [], /^error: x\.ndjson line 2 column 9: this is not JSON/],
    [
      'a record without the key',
      'x.ndjson',
      '{"id":1}\n{"di":2}\n',
      [],
      /^error: x\.ndjson line 2: the record has no field "id" .* Its fields are di\./,
    ],
    [
      'a row with a column too few',
      'x.csv',
      'id,name\n1,a\n2\n',
      [],
      /^error: x\.csv line 3.*: this is not CSV: .*columns length is 2, got 1/,
    ],
    [
      'a repeated key',
      'x.csv',
      'id,name\n1,a\n2,b\n1,c\n',
      ['--on-repeat', 'error'],
      /^error: x\.csv line 4: the key "1" is that of line 2, too\n/,
    ],
    ['no record', 'x.ndjson', '\n', [], /^error: x\.ndjson holds no records\n/],
    ['a missing file', 'y.ndjson', '', [], /^error: The dataset cannot be read: .*x\.ndjson/],
    ['a name that does not say the format', 'x.txt', '1', [], /^error: The name of x\.txt does not say what it is: choose with --format\n/],
  ])('%s is named with its place, and changes nothing', async (_what, name, text, more, message) => {
    write('good.ndjson', '{"id":"old"}\n')
    write(name, text)
    const file = name === 'y.ndjson' ? 'x.ndjson' : name
    const fresh = await run('load', 'fresh', file, ...more)
    expect(fresh.stderr).toMatch(message)
    expect(fresh.status).toBe(2)
    expect(existsSync(join(directory, 'fresh'))).toBe(false)
    await run('load', 'store', 'good.ndjson')
    expect((await run('load', 'store', file, ...more)).stderr).toMatch(message)
    expect(await entriesOf('store')).toEqual([['old', '{"id":"old"}']])
  })

  it('another engine than that of the store is refused', async () => {
    write('good.ndjson', '{"id":"a"}\n')
    await run('load', 'store', 'good.ndjson', '--engine', 'btree')
    const { status, stderr } = await run('load', 'store', 'good.ndjson', '--engine', 'lsm')
    expect(stderr).toBe('error: store is a store of btree: leave out --engine lsm, or load into another directory\n')
    expect(status).toBe(2)
  })
})

describe('a sort in files', () => {
  it('returns what a stable sort in memory does, also over more runs than are open at a time', () => {
    const record = fc.record({ key: fc.uint8Array({ maxLength: 2 }), value: fc.uint8Array({ maxLength: 3 }), line: fc.nat() })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 400 }), fc.constantFrom(100, 700, 1 << 20), (records, memory) => {
        using runs = new SortedRuns(directory, memory)
        for (const each of records) runs.add(each)
        const expected = [...records].sort((a, b) => Buffer.compare(a.key, b.key))
        const plain = ({ key, value, line }: SortedRecord): unknown => [[...key], [...value], line]
        expect([...runs.sorted()].map(plain)).toEqual(expected.map(plain))
      }),
      { seed: 11, numRuns: 40 },
    )
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('the place where a text stops to be JSON', () => {
  it.each([
    ['{"a":1,]', 7],
    ['[1 2]', 3],
    ['{"a" 1}', 5],
    ['[1,]', 3],
    ['"a', 0],
    ['{} x', 3],
    ['', 0],
    ['[01]', 2],
    ['{"a":tru}', 5],
    ['{"a":1}', undefined],
    [' [1, {"b": [null, "\\u00e4"]}, -1.5e3] ', undefined],
  ])('of %s is %s', (text, fault) => expect(faultOf(text)).toBe(fault))

  it('is found exactly where JSON.parse fails', () => {
    const text = fc.json().chain(json => fc.tuple(fc.constant(json), fc.nat(json.length), fc.constantFrom('', ']', ',', '1', '"')))
    fc.assert(
      fc.property(text, ([json, at, sign]) => {
        const changed = json.slice(0, at) + sign + json.slice(at + 1)
        let isJson = true
        try {
          JSON.parse(changed)
        } catch {
          isJson = false
        }
        expect(faultOf(changed) === undefined).toBe(isJson)
      }),
      { seed: 12, numRuns: 500 },
    )
  })
})
