import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compare } from '../../../packages/lab/src/compare/compare.js'
import { comparisonRunReport } from '../../../packages/lab/src/compare/comparison-run-report.js'
import { configureEngines, loadEngines } from '../../../packages/lab/src/compare/engine-table.js'
import { loadLevel } from '../../../packages/lab/src/compare/level-store.js'
import { isModulePath, lackOfTypeScript, loadEngine } from '../../../packages/lab/src/compare/own-modules.js'
import { describeMachine } from '../../../packages/lab/src/compare/process-counters.js'
import { describeWork } from '../../../packages/lab/src/compare/work-digest.js'
import { loadWorkload } from '../../../packages/lab/src/workloads/own-workload.js'
import { workloadPhases } from '../../../packages/lab/src/workloads/workload-phases.js'
import { renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
import { findWorkload } from '../../../packages/lab/src/workloads/catalogue.js'
import type { Size } from '../../../packages/lab/src/workloads/workload.js'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const SIZE: Size = { entries: 300, operations: 200, keyBytes: 16, valueBytes: 100, seed: 1, batch: 10, readsSync: false }

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-own-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let files = 0
function file(text: string): string {
  const path = join(directory, `module-${++files}.mjs`)
  writeFileSync(path, text)
  return path
}

describe('a file for --engine or --workload', () => {
  it('is distinguished from a name by its form', () => {
    for (const path of ['./a', '../a.ts', '/a', 'a.ts', 'b/c.mjs', 'a.cts']) expect([path, isModulePath(path)]).toEqual([path, true])
    for (const name of ['lsm', 'level:classic-level', 'ycsb-a', 'a.tsx']) expect([name, isModulePath(name)]).toEqual([name, false])
  })

  it('of the examples is an engine, or a workload', async () => {
    expect((await loadEngine(join(EXAMPLES, 'array-engine.ts'))).name).toBe('array')
    expect((await loadWorkload(join(EXAMPLES, 'delivery-log.ts'))).plan(SIZE).entries).toBe(300)
  })

  it.each([
    ['', /it exports no engine\. It must export an EngineFactory .* It exports nothing$/],
    ['export const a = 1, b = {}', /it exports no engine\..* It exports a, b$/],
    ['export const a = { open() {} }, b = { open() {} }', /it exports several engines \(a, b\): export the one to use as default$/],
    ['export default { open() {}, name: "My engine" }', /An engine cannot be called "My engine"/],
    ['export default { open() {}, name: "mine" }', /The factory of engine "mine" lacks "durable" or "options"/],
    ['export default { open() {}, name: "mine", durable: true, options: {} }', /lacks "files"/],
    ['export default {', /it cannot be imported: /],
    ['throw new Error("no")', /it cannot be imported: no$/],
  ])('with %j is refused as an engine', async (text, message) => {
    await expect(loadEngine(file(text))).rejects.toThrow(message)
  })

  it.each([
    ['export const a = 1', /it exports no workload\. It must export a Workload /],
    ['export default { plan() {} }', /the workload's "name" must be text$/],
    ['export default { name: "a b", about: "", source: "", plan() {} }', /the workload cannot be called "a b"/],
  ])('with %j is refused as a workload', async (text, message) => {
    await expect(loadWorkload(file(text))).rejects.toThrow(message)
  })

  it.each([
    ['undefined', /the plan must be an object/],
    ['{ entries: "1" }', /the plan needs a number "entries"/],
    ['{ entries: 1, keyBytes: 1, valueBytes: 1, phases: [] }', /the plan needs "phases", a list of at least one/],
    ['{ entries: 1, keyBytes: 1, valueBytes: 1, phases: [{ name: "a" }] }', /phase 1 of the plan needs texts "name" and "about"/],
    [
      '{ entries: 1, keyBytes: 1, valueBytes: 1, phases: [{ name: "a", about: "", operations: 1, kind: "put" }] }',
      /phase 1 of the plan needs a "kind": write, read, mixed, other/,
    ],
    [
      '{ entries: 1, keyBytes: 1, valueBytes: 1, phases: [{ name: "a", about: "", operations: 1, kind: "write", lanes: [1] }] }',
      /phase 1 of the plan needs "lanes"/,
    ],
  ])('with the plan %s is refused', async (plan, message) => {
    const { plan: make } = await loadWorkload(file(`export default { name: 'mine', about: '', source: '', plan: () => (${plan}) }`))
    expect(() => make(SIZE)).toThrow(message)
  })

  it('that is not there is named, as is a package', async () => {
    await expect(loadEngine('./nowhere.ts')).rejects.toThrow(/^\.\/nowhere\.ts: there is no such file$/)
    await expect(loadLevel('not-there', [directory])).rejects.toThrow(
      /The package not-there is not installed in .*: npm install not-there$/,
    )
    await expect(loadEngines('level:fast-check')).rejects.toThrow(/exports no class that is an abstract-level database: a class with open/)
  })
})

describe('TypeScript that Node cannot read', () => {
  const fails = (code: string, message: string): Error => Object.assign(new Error(message), { code })

  it.each([
    [
      fails('ERR_UNKNOWN_FILE_EXTENSION', 'Unknown file extension ".ts" for /a.ts'),
      /does not read TypeScript\. Install tsx .* Node 22\.18/,
    ],
    [fails('ERR_UNKNOWN_FILE_EXTENSION', 'Unknown file extension ".mts" for /a.mts'), /does not read TypeScript/],
    [fails('ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'enum is not supported'), /\(enum is not supported\)\. Install tsx .* JavaScript$/],
    [fails('ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING', 'in node_modules'), /\(in node_modules\)\. Install tsx/],
  ])('%s is answered with what to do', (error, message) => {
    expect(lackOfTypeScript(error)).toMatch(message)
  })

  it('is nothing else', () => {
    expect(lackOfTypeScript(fails('ERR_UNKNOWN_FILE_EXTENSION', 'Unknown file extension ".tsx" for /a.tsx'))).toBeUndefined()
    expect(lackOfTypeScript(fails('ERR_MODULE_NOT_FOUND', 'Cannot find module "a.ts"'))).toBeUndefined()
    expect(lackOfTypeScript('thrown')).toBeUndefined()
  })

  it('is read by tsx, also what a file of JavaScript imports', async () => {
    writeFileSync(join(directory, 'typed.mts'), 'enum Name { Own = "typed" }\nexport const name: string = Name.Own\n')
    const path = file("export { name } from './typed.mts'\nexport default { open() {}, name: 'typed', durable: false, options: {} }")
    expect((await loadEngine(path)).name).toBe('typed')
  })
})

describe('a workload in a comparison', () => {
  it('reads and writes one after the other where bench does both in one call', () => {
    const phases = workloadPhases(findWorkload('ycsb-f')!.plan(SIZE))
    const types = new Set([...phases.find(({ name }) => name === 'ycsb-f')!.operations()].map(({ type }) => type))
    expect([...types].sort()).toEqual(['get', 'put'])
  })

  it('with concurrent streams is refused', () => {
    expect(() => workloadPhases(findWorkload('readwhilewriting')!.plan(SIZE))).toThrow(/runs 2 streams at once, and kvarium compare one/)
  })
})

it('an abstract-level database is compared from outside: answers checked, bytes by the system, no blocks and no levels', async () => {
  const rows = await loadEngines('lsm-leveled,level:classic-level')
  const engines = configureEngines(rows, 1 / 1024, ['classic-level.blockSize=1KiB', 'blockSize=1KiB'])
  expect(engines[1].options).toMatchObject({ blockSize: 1024, compression: false })
  const plan = (await loadWorkload(join(EXAMPLES, 'delivery-log.ts'))).plan(SIZE)
  const phases = workloadPhases(plan)
  const comparison = await compare({ engines, phases, directory })
  expect(comparison.engines.flatMap(({ problems }) => problems)).toEqual([])
  const made = comparisonRunReport(comparison, {
    title: 'Own',
    createdAt: new Date(0),
    command: 'kvarium compare',
    machine: describeMachine(directory),
    versions: {},
    work: {
      name: 'delivery-log',
      about: '',
      seed: 1,
      parameters: {},
      entries: 300,
      keyBytes: 23,
      valueBytes: 100,
      ...(await describeWork(phases)),
    },
  })
  const report = parseRunReport(JSON.stringify(made))
  const [lsm, level] = report.engines
  expect([level.kind, level.write, level.read, level.cache, level.stalls]).toEqual(['peer', undefined, undefined, undefined, undefined])
  expect(level.verification).toEqual({ ...lsm.verification, entries: 400 })
  expect(level.space.settledBytes).toBeGreaterThan(1000)
  expect(level.space.liveBytes).toBe(lsm.space.liveBytes)
  if (process.platform === 'linux') {
    expect(level.outside!.amplification.median).toBeGreaterThan(0.9)
    expect(level.outside!.amplification.median).toBeLessThan(3)
  }
  expect(renderHtml(report)).not.toMatch(/NaN|undefined|Infinity/)
})
