import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseOptions } from '../../bench/suite/options.js'
import { WORKLOADS } from '../../packages/lab/src/workloads/catalogue.js'
import { parseRunReport } from '../../packages/lab/src/report/parse-run-report.js'
import type { RunReport } from '../../packages/lab/src/report/run-report.js'
import { bundledProgram } from '../support/bundled-program.js'
import { slice } from '../support/thoroughness.js'

const ROOT = join(import.meta.dirname, '../..')
/** These tests start processes, which takes long on a busy machine. */
const TIMEOUT_MS = 120_000
const ENTRIES = slice(1500, 4000)

let directory = ''
let command = ''
beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist/index.js')))
    throw new Error("dist/ is missing: run 'npm run build' first, or 'npm test', which does both")
  command = bundledProgram(join(ROOT, 'bench/suite/main.ts'))
  directory = mkdtempSync(join(tmpdir(), 'kvarium-bench-command-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function bench(...parameters: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...parameters], { cwd: ROOT, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

function reportOf(name: string): RunReport {
  return parseRunReport(readFileSync(join(directory, name), 'utf8'))
}

describe('npm run bench', () => {
  it.each([
    [['--workload', 'ycsb-g'], 'Did you mean ycsb-'],
    [['--workload', 'fillrandon'], 'Did you mean fillrandom?'],
    [['--engine', 'btre'], 'Did you mean btree?'],
    [['--engine', 'oracle-db'], 'There is no engine "oracle-db"'],
    [['--n', '10'], 'at least 100'],
    [['--n', 'many'], 'whole number'],
    [['--rounds', '0'], 'at least 1'],
    [['--cache', '64XB'], 'KiB, MiB or GiB'],
    [['--key-size', '3'], 'too small'],
    [['--report', 'result.html'], '.json'],
    [['--set', 'lsm.writeBufferSize'], 'ENGINE.OPTION=VALUE'],
    [['--set', 'lmdb.noSync=true'], 'not among those to run'],
    [['--wrkload', 'fillseq'], '--workload'],
    [['fillseq'], 'too many arguments'],
    [['--engine', './nowhere.ts'], './nowhere.ts: there is no such file'],
    [['--workload', './examples/array-engine.ts'], './examples/array-engine.ts: it exports no workload'],
    [['--engine', 'level:not-installed'], 'The package not-installed is not installed'],
  ])('%j is refused, with what to do', async (parameters, message) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await expect(parseOptions(parameters, ROOT)).rejects.toThrow(message)
    vi.restoreAllMocks()
  })

  it.each([
    [['--workload', 'fillrandon'], 'error: There is no workload "fillrandon". Did you mean fillrandom?'],
    [['--wrkload', 'fillseq'], "error: unknown option '--wrkload'\n(Did you mean --workload?)"],
  ])('%j ends with exit code 2 and without a stack, and nothing runs', (parameters, message) => {
    const { code, stdout, stderr } = bench(...parameters)
    expect(stderr.startsWith(message)).toBe(true)
    expect(stderr).not.toContain('    at ')
    expect([code, stdout]).toEqual([2, ''])
  })

  it('without flags it is everything on the engines of kvarium, and --quick is less of it', async () => {
    const { workloads, engines, size, rounds } = await parseOptions([], ROOT)
    expect(workloads).toBe(WORKLOADS)
    expect(engines.map(({ name }) => name)).toEqual(['lsm', 'lsm-tiered', 'btree'])
    const quick = await parseOptions(['--quick'], ROOT)
    expect(quick.workloads).toBe(WORKLOADS)
    expect(quick.size.entries).toBeLessThan(size.entries)
    expect([rounds, quick.rounds, quick.isScaled]).toEqual([3, 1, true])
    expect(await parseOptions(['--quick', '--n', '1e6', '--cache', '32 MiB', '--set', 'btree.pageSize=8192'], ROOT)).toMatchObject({
      size: { entries: 1_000_000 },
      cacheBytes: 32 * 2 ** 20,
      set: { btree: { pageSize: 8192 } },
    })
  })

  it('the list has every workload', () => {
    const { code, stdout } = bench('--list')
    expect(code).toBe(0)
    for (const { name } of WORKLOADS) expect(stdout).toContain(`  ${name} `)
  })

  it(
    'the ledger agrees with the operating system, reports are valid, and no store is left behind',
    () => {
      const stores = join(directory, 'stores')
      const report = join(directory, 'result.json')
      const flags = ['--n', String(ENTRIES), '--rounds', '2', '--scaled', '--dir', stores, '--report', report]
      const { code, stdout, stderr } = bench('--workload', 'overwrite', '--engine', 'lsm,btree,memory', ...flags)
      expect(stderr).not.toMatch(/WRONG|fail/i)
      expect(code).toBe(0)
      expect(readdirSync(stores)).toEqual([])
      const { engines, work, rounds } = reportOf('result.json')
      expect([rounds, work.name, work.parameters.dataLargerThanCache]).toEqual([2, 'overwrite', false])
      expect(stdout).toContain('overwrite')
      expect(engines.map(({ name }) => name)).toEqual(['lsm', 'btree', 'memory'])
      expect(new Set(engines.map(({ verification }) => verification.digest)).size).toBe(1)
      for (const { name, outside, write, space, phases, verification, timeline, predictions } of engines) {
        expect(verification.problems).toEqual([])
        expect(phases[0].ms.values).toHaveLength(2)
        expect(timeline!.samples.length).toBeGreaterThan(2)
        if (name === 'memory') {
          expect([outside, write]).toEqual([undefined, undefined])
          continue
        }
        expect(space.settled.median).toBeGreaterThan(0.5)
        expect(predictions.map(({ metric }) => metric)).toContain('write amplification')
        const ledger = Object.values(write!.settled.parts).reduce((sum, part) => sum + part, 0)
        expect(ledger).toBeGreaterThan(2 * ENTRIES * 116)
        if (process.platform !== 'linux') continue
        expect(outside!.ledgerBytes).toBe(ledger)
        expect(write!.settled.userBytes).toBe(outside!.userBytes)
        // What is left are bytes by which threads wake each other: the busier the machine, the more.
        expect(outside!.writtenBytes).toBeGreaterThanOrEqual(ledger)
        expect(outside!.writtenBytes / ledger).toBeLessThan(1.05)
      }
    },
    TIMEOUT_MS,
  )

  it(
    'several workloads are a report each, and one says that its data are larger than the cache',
    () => {
      const report = join(directory, 'several.json')
      const { code } = bench(
        '--workload',
        'beyond-cache,fillseq',
        '--engine',
        'memory',
        '--n',
        '20000',
        '--rounds',
        '1',
        '--report',
        report,
      )
      expect(code).toBe(0)
      expect(reportOf('several-beyond-cache.json').work.parameters.dataLargerThanCache).toBe(true)
      expect(reportOf('several-fillseq.json').work.parameters.dataLargerThanCache).toBe(false)
    },
    TIMEOUT_MS,
  )

  it(
    'an interrupt ends it at once, and leaves nothing',
    async () => {
      const stores = join(directory, 'interrupted')
      const parameters = [command, '--workload', 'fillsync', '--engine', 'btree', '--n', '1e8', '--dir', stores]
      const child = spawn(process.execPath, parameters, { cwd: ROOT, stdio: 'ignore' })
      const ended = new Promise(resolve => child.once('close', resolve))
      const isRunning = (): boolean =>
        existsSync(stores) && readdirSync(stores, { recursive: true }).some(path => String(path).includes('store'))
      while (!isRunning() && child.exitCode === null) await new Promise(resolve => setTimeout(resolve, 20))
      child.kill('SIGINT')
      expect(await ended).toBe(130)
      expect(readdirSync(stores)).toEqual([])
    },
    TIMEOUT_MS,
  )
})
