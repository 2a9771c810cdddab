import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Comparison } from '../../packages/lab/src/compare/results.js'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import { kvarium, kvariumProcess } from './support/command-line.js'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-command-'))
  vi.stubEnv('TMPDIR', directory)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

interface Output {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(...parameters: readonly string[]): Promise<Output> {
  const { status, ...printed } = await kvarium(directory, parameters)
  return { code: status, ...printed }
}

interface JsonOutput extends Comparison {
  readonly dataset: { readonly entries: number; readonly duplicates: number; readonly keys: string }
}

async function runJson(...parameters: readonly string[]): Promise<JsonOutput> {
  const { code, stdout, stderr } = await run('compare', '--json', ...parameters)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as JsonOutput
}

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text)
  return name
}

const sum = (parts: Readonly<Record<string, number>> | readonly number[]): number =>
  Object.values(parts).reduce((total, part) => total + part, 0)

describe('kvarium compare', () => {
  it('the cities go through every engine, all of it is verified, and every byte is accounted for', async () => {
    const { engines, dataset, ok } = await runJson('--limit', '2000')
    expect(ok).toBe(true)
    expect(dataset).toMatchObject({ entries: 2000, duplicates: 0, keys: 'country/name/cityId' })
    expect(engines.map(engine => engine.name)).toEqual(expect.arrayContaining(['lsm-leveled', 'lsm-tiered', 'memory']))
    for (const engine of engines) {
      expect(engine.problems).toEqual([])
      expect(engine.phases.map(phase => phase.name)).toEqual(expect.arrayContaining(['load', 'overwrite', 'get', 'scan', 'reopen']))
      expect(engine.verification).toMatchObject({ entries: 1800, deleted: 200, digest: engines[0].verification.digest })
      expect(engine.live.entries).toBe(1800)
      expect(engine.traffic.userBytes).toBeGreaterThan(300_000)
      expect(sum(engine.traffic.written)).toBe(engine.metered.meterWritten)
      expect(sum(engine.traffic.read)).toBe(engine.metered.meterRead)
      for (const part of ['flush', 'compaction', 'page'] as const) {
        expect(sum(engine.phases.map(phase => phase.traffic.written[part]))).toBe(engine.traffic.written[part])
      }
    }
    const leveled = engines.find(engine => engine.name === 'lsm-leveled')!
    expect(leveled.levels.length).toBeGreaterThan(1)
    expect(leveled.amplification.write.total).toBeGreaterThan(1)
    expect(leveled.amplification.space.peak).toBeGreaterThanOrEqual(leveled.amplification.space.settled)
    expect(leveled.phases.find(phase => phase.name === 'getSync')).toMatchObject({ operations: 1800, entries: 1800 })
  })

  it('people get a report, progress goes elsewhere, and nothing is left behind', async () => {
    const { code, stdout, stderr } = await run('compare', '--limit', '300', '--engine', 'lsm-leveled,memory')
    expect(code).toBe(0)
    expect(stderr).toContain('lsm-leveled: load (1 of 13)\n')
    for (const text of ['GeoNames cities', 'where every byte went', 'side by side', 'write amplification', 'hold the same 270 entries']) {
      expect(stdout).toContain(text)
    }
    expect(stdout.split('\n').filter(line => line.length > 100)).toEqual([])
    expect(stdout).not.toContain('\u001b')
    expect(readdirSync(directory).filter(name => name.startsWith('kvarium-compare'))).toEqual([])
  })

  it('the stores are kept on request, where they were wanted, and are not overwritten', async () => {
    const parameters = ['compare', '--limit', '50', '--engine', 'lsm-tiered', '--dir', 'kept', '--keep']
    expect((await run(...parameters)).code).toBe(0)
    expect(readdirSync(join(directory, 'kept'))).toEqual(['lsm-tiered'])
    expect(readdirSync(join(directory, 'kept/lsm-tiered'))).toContain('KVARIUM')
    const { code, stderr } = await run(...parameters)
    expect(code).toBe(2)
    expect(stderr).toContain('kept holds lsm-tiered already')
  })
})

describe('cacheSize=auto', () => {
  it('is a size of this machine in what is printed, in the report and in the predictions', async () => {
    const sizes = ['--limit', '2000', '--reads', '500', '--rounds', '1']
    const parameters = ['compare', ...sizes, '--engine', 'lsm-leveled,btree', '--set', 'cacheSize=auto']
    const { code, stdout } = await run(...parameters, '--report', 'auto.json')
    expect(code).toBe(0)
    expect(stdout.match(/^ +cacheSize auto: [\d.,]+ [MG]iB$/gm)).toHaveLength(2)
    const report = parseRunReport(readFileSync(join(directory, 'auto.json'), 'utf8'))
    for (const { options, cache, predictions } of report.engines) {
      expect(options['cacheSize']).toBe('auto')
      expect(cache!.capacityBytes).toBeGreaterThanOrEqual(64 * 2 ** 20)
      expect(predictions.find(({ metric }) => metric === 'cache hit rate')!.predicted).toBeGreaterThan(0)
    }
    expect(readFileSync(join(directory, 'auto.html'), 'utf8')).toMatch(/cacheSize.{1,80}auto: [\d.,]+ [MG]iB/s)
  })

  it('is not offered for another size', async () => {
    const { code, stderr } = await run('compare', '--limit', '9', '--set', 'blockSize=auto')
    expect(stderr).toContain('--set blockSize takes a whole number, also with KiB, MiB or GiB; not "auto"')
    expect(code).toBe(2)
    expect((await run('compare', '--limit', '9', '--set', 'cacheSize=all')).stderr).toContain('MiB or GiB, or auto; not "all"')
  })
})

describe('a dataset of the user', () => {
  it('NDJSON: of records with the same key the last one counts', async () => {
    const people = file('people.ndjson', '\ufeff{"id":"b","n":1}\n\n{"id":"a","n":2}\r\n{"id":"b","n":3}\n')
    const { dataset, engines } = await runJson('--engine', 'memory', '--dataset', people)
    expect(dataset).toMatchObject({ entries: 2, duplicates: 1, keys: 'id' })
    expect(engines[0].verification.entries).toBe(2)
  })

  it('NDJSON: values that are no objects are keyed by their number', async () => {
    const numbers = file('numbers.jsonl', '1\n[2]\n"three"\nnull\n')
    expect((await runJson('--engine', 'memory', '--dataset', numbers)).dataset).toMatchObject({ entries: 4, keys: 'record number' })
  })

  it('CSV: quoted line breaks, a byte-order mark, and a key of two columns', async () => {
    const towns = file('towns.csv', '\ufeffcountry,name\nIT,"Ro\nma"\nFR,Paris\n')
    expect((await runJson('--engine', 'memory', '--dataset', towns, '--key', 'country,name')).dataset).toMatchObject({
      entries: 2,
      keys: 'country/name',
    })
    expect((await runJson('--engine', 'memory', '--dataset', towns)).dataset).toMatchObject({ entries: 2, keys: 'country' })
  })

  it.each([
    ['bad.ndjson', '{"id":1}\n\n{"id":2,}\n', [], 'bad.ndjson line 3 column 9: this is not JSON'],
    ['other.ndjson', '{"id":1}\n{"ld":2}\n', [], 'other.ndjson line 2: the record has no field "id" for the key'],
    ['mixed.ndjson', '{"id":1}\n7\n', [], 'mixed.ndjson line 2: the record is not an object'],
    ['deep.ndjson', '{"id":[1]}\n', ['--key', 'id'], 'deep.ndjson line 1: the field "id" cannot be part of a key'],
    ['wide.csv', 'a,b\n1,2\n1,2,3\n', [], 'Invalid Record Length: columns length is 2, got 3 on line 3'],
    ['typo.csv', 'city,b\nx,2\n', ['--key', 'cty'], 'typo.csv line 2: the record has no field "cty" for the key. Did you mean "city"?'],
    ['none.csv', 'a,b\n', [], 'none.csv holds no records'],
    ['data.txt', 'a', [], 'must end in .ndjson, .jsonl, .csv or .tsv'],
  ])('%s is refused with the place and the reason', async (name, text, parameters, message) => {
    const { code, stdout, stderr } = await run('compare', '--engine', 'memory', '--dataset', file(name, text), ...parameters)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('a file that is not there is named', async () => {
    expect((await run('compare', '--dataset', 'nowhere.csv')).stderr).toMatch(/^error: The dataset cannot be read: .*nowhere\.csv/)
  })
})

describe('engines and workloads of the user', () => {
  const ROOT = join(import.meta.dirname, '../..')

  it('come from TypeScript files and packages, also where Node itself does not read TypeScript', () => {
    const engine = './examples/array-engine.ts,memory,level:classic-level'
    const flags = ['--workload', 'examples/delivery-log.ts', '--limit', '200', '--reads', '100', '--rounds', '1', '--json']
    const { status, stdout, stderr } = kvariumProcess(ROOT, ['compare', '--engine', engine, ...flags])
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const { engines, ok } = JSON.parse(stdout) as Comparison
    expect(ok).toBe(true)
    expect(engines.map(({ name, kind }) => [name, kind])).toEqual([
      ['array', 'kvarium'],
      ['memory', 'kvarium'],
      ['classic-level', 'peer'],
    ])
    expect(engines.map(({ verification }) => verification.entries)).toEqual([250, 250, 250])
  })

  it.each([
    [['--workload', 'ycsb-g'], 'There is no workload "ycsb-g". Did you mean ycsb-'],
    [['--workload', 'ycsb-a', '--dataset', 'a.csv'], '--workload brings its own entries: it does not go with --dataset'],
    [['--engine', './nowhere.ts'], './nowhere.ts: there is no such file'],
    [['--engine', 'level:nowhere'], 'The package nowhere is not installed in'],
  ])('%j is answered with what to do', async (parameters, message) => {
    const { code, stdout, stderr } = await run('compare', ...parameters)
    expect(stderr).toContain(message)
    expect([code, stdout]).toEqual([2, ''])
  })
})

describe('the command line', () => {
  it.each([
    [['comapre'], 'Did you mean compare?'],
    [['compare', '--engin', 'lsm'], 'Did you mean --engine?'],
    [['compare', '--engine', 'lsm-levelled'], 'Did you mean lsm-leveled?'],
    [['compare', '--limit', '0'], 'It must be a whole number of at least 1.'],
    [['compare', '--delete-share', '2'], 'It must be a number from 0 to 1.'],
    [['compare', '--set', 'blokSize=4096', '--limit', '9'], 'Did you mean blockSize?'],
    [['compare', '--set', 'blockSize=3', '--limit', '9'], 'must be an integer from 64'],
    [['compare', '--set', 'blockSize', '--limit', '9'], '--set takes NAME=VALUE'],
  ])('%j is answered with what to do', async (parameters, message) => {
    const { code, stdout, stderr } = await run(...parameters)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('--help and --version are no errors', async () => {
    const help = await run('compare', '--help')
    expect(help.code).toBe(0)
    for (const flag of ['--engine', '--dataset', '--key', '--json', '--set', '--seed']) expect(help.stdout).toContain(flag)
    for (const ran of [await kvarium(directory, ['--version']), kvariumProcess(directory, ['--version'])])
      expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, stderr: '' })
  })
})
