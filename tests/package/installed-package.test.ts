import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { rollup } from 'rollup'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEveryStory, storyCases } from '../support/thoroughness.js'
import { dependencyPackages, installPackages, packedSize, ROOT } from './support/installed-package.js'

let project: string
let installed: string

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'kvarium-package-'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  installed = installPackages(project, ['kvarium'], ['@types/node', 'undici-types'])
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function node(...parameters: readonly string[]): Ran {
  return spawnSync(process.execPath, parameters, { cwd: project, encoding: 'utf8', timeout: 60_000 })
}

const evaluate = (program: string): Ran => node('--input-type=module', '-e', program)

/** Two flushes: the second says where jobs run once the first has looked for its worker. */
const APPLICATION = `
import { Kvarium } from 'kvarium'
const main = async () => {
  const db = new Kvarium(process.argv[2], { engine: 'lsm', valueEncoding: 'msgpack' })
  for (const key of ['a', 'b']) {
    await db.put(key, { key })
    await db.flush()
  }
  console.log(JSON.stringify([await db.get('a'), db.stats().executor]))
  await db.close()
}
main()`

/** Bytes of the files in a folder, without the packages in it that are counted for themselves. */
function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules')
  return entries.reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size)
  }, 0)
}

const inStore = (name: string): string => join(project, `store-${name}`)

describe('an installed package', () => {
  it('needs no install script, and no package without which npm could not install it', () => {
    const packages = [...dependencyPackages('kvarium')]
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([])
    expect(packages.map(([path]) => path)).not.toContain('node_modules/msgpackr-extract')
    expect(packages.length).toBeGreaterThan(5)
  })

  it('loads no native code, not even with every engine and encoding in use', () => {
    const ran = evaluate(`
      import { Kvarium } from 'kvarium'
      for (const engine of ['lsm', 'btree', 'memory']) {
        const db = new Kvarium('native-' + engine, { engine, valueEncoding: 'msgpack' })
        await db.put('a', 1)
        await db.flush()
        await db.close()
      }
      console.log(JSON.stringify(process.report.getReport().sharedObjects.filter(file => file.endsWith('.node'))))`)
    expect(ran).toMatchObject({ stdout: '[]\n', stderr: '' })
  })

  it.skipIf(process.platform === 'win32')('imports and works with 40 descriptors', () => {
    const program = `
      import { Kvarium } from 'kvarium'
      const db = new Kvarium('narrow')
      await db.put('a', '1')
      console.log(await db.get('a'))
      await db.close()`
    const ran = spawnSync('sh', ['-c', 'ulimit -n 40 && exec "$0" --input-type=module -e "$1"', process.execPath, program], {
      cwd: project,
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect(ran).toMatchObject({ stdout: '1\n', stderr: '' })
  })

  it.skipIf(process.platform !== 'linux').each(['lsm', 'btree'])(
    'reads, writes and closes %s with 15 descriptors to spare, with its worker',
    engine => {
      const program = `
      import { closeSync, openSync } from 'node:fs'
      import { Kvarium } from 'kvarium'
      const options = { engine: '${engine}', cacheSize: 0, writeBufferSize: 65536, ...('${engine}' === 'lsm' && { maxFileSize: 4096 }) }
      const db = new Kvarium('spare-${engine}', options)
      const key = i => 'k' + String(i % 2000).padStart(4, '0')
      const value = i => String(i % 2000).repeat(50)
      for (let i = 0; i < 2000; i++) await db.put(key(i), value(i))
      await db.flush()
      await db.compactRange()
      await db.close()
      await db.open()
      const taken = []
      try {
        for (;;) taken.push(openSync('/dev/null'))
      } catch (error) {
        if (error.code !== 'EMFILE') throw error
      }
      for (let i = 0; i < 15; i++) closeSync(taken.pop())
      let failed = 0
      for (let i = 0; i < 4000; i++) {
        const writing = i % 4 === 0 ? db.put(key(i * 7), value(i * 7)) : undefined
        await db.get(key(i * 37)).then(got => (failed += got === value(i * 37) ? 0 : 1), () => failed++)
        await writing
      }
      await db.flush()
      await db.compactRange()
      await db.settle()
      const { executor } = db.stats()
      await db.close()
      for (const descriptor of taken) closeSync(descriptor)
      console.log(failed, executor)`
      const ran = spawnSync('sh', ['-c', 'ulimit -n 100 && exec "$0" --input-type=module -e "$1"', process.execPath, program], {
        cwd: project,
        encoding: 'utf8',
        timeout: 60_000,
      })
      expect(ran).toMatchObject({ stdout: `0 ${engine === 'lsm' ? 'worker' : 'undefined'}\n`, stderr: '' })
    },
  )

  it('reads at most eight files of its own at import, without what the first opening of the default engine does not need', () => {
    const files = new Set<string>()
    const follow = (file: string): void => {
      if (files.has(file)) return
      files.add(file)
      for (const [, to] of readFileSync(join(installed, 'dist', file), 'utf8').matchAll(/(?:from|import) ?"\.\/([^"]+)"/g)) follow(to)
    }
    follow('index.js')
    const text = [...files].map(file => readFileSync(join(installed, 'dist', file), 'utf8')).join('')
    expect(files.size).toBeLessThanOrEqual(8)
    expect(text.length).toBeLessThan(525_000)
    const engines = ['BtreeEngine', 'MemoryEngine', 'MemoryFileSystem', 'salvageTree']
    for (const later of [
      ...engines,
      'EVENT_SCHEMAS',
      'Ingester',
      'Share',
      'Transactions',
      'checkTree',
      'repairStoreInPlace',
      'verifyStore',
    ]) {
      expect(text, later).not.toMatch(new RegExp(`(class|function\\*?|const|var) ${later}\\b|${later}=class`))
    }
  })

  it('has short lines of code with the names of the sources, and no comments', () => {
    for (const file of readdirSync(join(installed, 'dist')).filter(name => /^(index|chunk-).*\.js$/.test(name))) {
      const lines = readFileSync(join(installed, 'dist', file), 'utf8').split('\n')
      expect(lines.filter(line => /^\s*(\/\/|\/?\*)/.test(line))).toEqual([])
      const longest = lines.reduce((most, line) => Math.max(most, line.length), 0)
      // A line that cannot be broken is a text or a table of numbers.
      expect(longest, file).toBeLessThan(2000)
    }
    const core = ['core', 'core-open'].map(name => readFileSync(join(installed, `dist/chunk-${name}.js`), 'utf8')).join('')
    for (const name of ['WriteBatch', 'LogWriter', 'encodeUtf8'])
      expect(core).toMatch(new RegExp(`(class|function) ${name}\\b|${name}=class`))
  })

  it('loads no compression and no cryptography of Node before they are needed', () => {
    const ran = evaluate(`
      import { Kvarium } from 'kvarium'
      const db = new Kvarium('narrow-modules')
      await db.put('a', '1')
      console.log(process.moduleLoadList.filter(name => /^NativeModule (zlib|crypto|internal\\/crypto\\/random)$/.test(name)).join())
      await db.close()`)
    expect(ran).toMatchObject({ stdout: '\n', stderr: '' })
  })

  it('installs at most 24 packages and 14 MB, packed in at most 720 kB', () => {
    const packages = [...dependencyPackages('kvarium').keys()]
    expect(packages.length + 1).toBeLessThanOrEqual(24)
    const bytes = [installed, ...packages.map(path => join(ROOT, path))].reduce((sum, folder) => sum + bytesIn(folder), 0)
    expect(bytes).toBeLessThan(14e6)
    expect(packedSize('kvarium')).toBeLessThan(720_000)
  })

  it('has the same classes in every entry', () => {
    const ran = evaluate(`
      import { Kvarium, KvariumError, Trace } from 'kvarium'
      import * as engine from 'kvarium/engine'
      import { lsmEngine } from 'kvarium/lsm'
      import * as skiplist from 'kvarium/skiplist'
      import * as sstable from 'kvarium/sstable'
      import * as trace from 'kvarium/trace'
      import { MemoryFileSystem } from 'kvarium/vfs'
      const db = new Kvarium('memory', { engine: lsmEngine(), fileSystem: new MemoryFileSystem() })
      await db.open()
      const { executor } = db.stats()
      await db.close()
      let thrown
      try { new Kvarium('wrong', { engine: 'lsm', cacheSize: -1 }) } catch (error) { thrown = error }
      const same = [KvariumError === engine.KvariumError, Trace === trace.Trace, engine.ByteView === skiplist.ByteView, engine.ByteView === sstable.ByteView]
      console.log(JSON.stringify([...same, thrown instanceof engine.MisuseError, executor]))`)
    expect(ran).toMatchObject({ stdout: '[true,true,true,true,true,"inline"]\n', stderr: '' })
  })

  it('has nothing of a source checkout in its code', () => {
    for (const file of ['chunk-node.js', 'compaction-worker.js']) {
      expect(readFileSync(join(installed, 'dist', file), 'utf8')).not.toMatch(/tsx|worker\.ts|sourceThread|KVARIUM_BUILT/)
    }
  })

  it('carries the licences of the packages that are in its files', () => {
    const text = readFileSync(join(installed, 'dist/LICENSES.txt'), 'utf8')
    for (const name of ['bloom-filters', 'msgpackr', 'xxhash-wasm']) expect(text).toContain(`${name} `)
    expect(text.match(/Permission is hereby granted/g)?.length).toBeGreaterThanOrEqual(3)
  })

  it('is read by worker threads, from modules and from CommonJS', () => {
    const reader = `
      openReader(workerData).then(async reader => {
        parentPort.postMessage([reader.getSync('a'), await reader.keys({ reverse: true, limit: 1 }).all()])
        await reader.close()
      })`
    writeFileSync(
      join(project, 'reading.mjs'),
      `import { parentPort, workerData } from 'node:worker_threads'\nimport { openReader } from 'kvarium/reader'\n${reader}`,
    )
    writeFileSync(
      join(project, 'reading.cjs'),
      `const { parentPort, workerData } = require('node:worker_threads')\nconst { openReader } = require('kvarium/reader')\n${reader}`,
    )
    const sharing = `
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      import { Kvarium } from 'kvarium'
      const seen = []
      for (const engine of ['lsm', 'btree']) {
        const db = new Kvarium('read-' + engine, { engine, valueEncoding: 'msgpack' })
        await db.batch([{ type: 'put', key: 'a', value: { engine } }, { type: 'put', key: 'b', value: 1 }])
        const share = await db.share()
        for (const file of ['./reading.mjs', './reading.cjs']) {
          const handle = share.handle()
          const worker = new Worker(file, { workerData: handle, transferList: [handle.port] })
          // Both at once: a thread that ends quickly emits both in one step.
          const [[message]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
          seen.push(message)
        }
        share.release()
        await db.close()
      }
      console.log(JSON.stringify(seen))`
    writeFileSync(join(project, 'sharing.mjs'), sharing)
    const ran = node('sharing.mjs')
    const answer = (engine: string): unknown => [{ engine }, ['b']]
    expect(ran.stderr).toBe('')
    expect(JSON.parse(ran.stdout)).toEqual(['lsm', 'lsm', 'btree', 'btree'].map(answer))
  })

  it('runs the example for a browser tab, where there are no threads and no sockets', () => {
    writeFileSync(
      join(project, 'confined.mjs'),
      `import net from 'node:net'
      import threads from 'node:worker_threads'
      import { syncBuiltinESMExports } from 'node:module'
      const refuse = () => { throw new Error('not in a tab') }
      net.Server.prototype.listen = net.connect = refuse
      threads.Worker = class { constructor() { refuse() } }
      syncBuiltinESMExports()`,
    )
    for (const file of ['index.js', 'package.json']) {
      mkdirSync(join(project, 'tab'), { recursive: true })
      writeFileSync(join(project, 'tab', file), readFileSync(join(ROOT, 'examples/stackblitz', file)))
    }
    const { status, stdout, stderr } = node('--import', './confined.mjs', 'tab/index.js')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^lsm: \d+ bytes were put, [\d.]+ times as many were written\n\[[^]*btree: \d+ bytes/)
  })

  it('starts its compaction worker', () => {
    writeFileSync(join(project, 'application.js'), APPLICATION)
    expect(node('application.js', inStore('plain'))).toMatchObject({ stdout: '[{"key":"a"},"worker"]\n', stderr: '' })
  })
})

describe('a bundled application', () => {
  const entry = (): string => join(project, 'bundled.js')

  beforeAll(() => writeFileSync(entry(), APPLICATION))

  it('by esbuild, in one CommonJS file with the worker as its second entry, starts the worker', async () => {
    const outdir = join(project, 'esbuild')
    await build({
      entryPoints: [entry(), 'kvarium/compaction-worker'],
      outdir,
      entryNames: '[name]',
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      absWorkingDir: project,
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: `const importMetaUrl = require('node:url').pathToFileURL(__filename).href` },
      logLevel: 'silent',
    })
    // The library looks for the name that the package gives the worker.
    writeFileSync(join(outdir, 'package.json'), '{ "type": "commonjs" }')
    writeFileSync(join(outdir, 'compaction-worker.js'), readFileSync(join(outdir, 'compaction-worker.cjs')))
    expect(node('esbuild/bundled.cjs', inStore('esbuild'))).toMatchObject({ stdout: '[{"key":"a"},"worker"]\n', stderr: '' })
  })

  it.runIf(isEveryStory)('by rollup, with the copied worker beside it, starts the worker', async () => {
    await copyOfBundle('rollup')
    writeFileSync(join(project, 'rollup/compaction-worker.js'), readFileSync(join(installed, 'dist/compaction-worker.js')))
    expect(node('rollup/bundled.js', inStore('rollup'))).toMatchObject({ stdout: '[{"key":"a"},"worker"]\n', stderr: '' })
  })

  it.runIf(isEveryStory)('without the worker runs inline, says so in its stats, and warns once', async () => {
    await copyOfBundle('alone')
    const ran = node('alone/bundled.js', inStore('alone'))
    expect(ran.stdout).toBe('[{"key":"a"},"inline"]\n')
    expect(ran.stderr.match(/KVARIUM_NO_WORKER/g)).toHaveLength(1)
    expect(ran.stderr).toContain('kvarium/compaction-worker')
  })

  let bundling: Promise<void> | undefined

  async function copyOfBundle(folder: string): Promise<void> {
    await (bundling ??= bundleByRollup())
    cpSync(join(project, 'bundled'), join(project, folder), { recursive: true })
  }

  async function bundleByRollup(): Promise<void> {
    const bundle = await rollup({
      input: entry(),
      external: id =>
        id.startsWith('node:') || [...dependencyPackages('kvarium').keys()].some(path => id === path.replace('node_modules/', '')),
      plugins: [{ name: 'kvarium', resolveId: id => (id === 'kvarium' ? join(installed, 'dist/index.js') : null) }],
    })
    await bundle.write({ dir: join(project, 'bundled'), format: 'es' })
  }
})

describe('the types of an installed package', () => {
  const PROGRAM = `
    import { Kvarium, CorruptionError, type KvariumStats } from 'kvarium'
    import { lsmEngine, type LsmOptions } from 'kvarium/lsm'
    import { FilterReader, TableBuilder } from 'kvarium/sstable'
    import { btreeEngine } from 'kvarium/btree'
    import { Worker } from 'node:worker_threads'
    import { openReader, type Reader, type ReaderHandle } from 'kvarium/reader'
    import { Skiplist } from 'kvarium/skiplist'
    import { Trace } from 'kvarium/trace'
    import { LogWriter } from 'kvarium/wal'
    import { MemoryFileSystem, type FileSystem } from 'kvarium/vfs'
    import { nodeEnvironment } from 'kvarium/vfs/node'
    import { resolveOptions } from 'kvarium/engine'
    import { inspectDirectory } from 'kvarium/inspect'
    const db = new Kvarium<string, { born: number }>('./people', { engine: lsmEngine(), valueEncoding: 'json' })
    export const born: number | undefined = db.getSync('ada')?.born
    export const where: 'worker' | 'inline' | undefined = (db.stats() as KvariumStats).executor
    export const files: FileSystem = new MemoryFileSystem()
    export const all = [CorruptionError, FilterReader, TableBuilder, btreeEngine, Skiplist, Trace, LogWriter, nodeEnvironment, resolveOptions, inspectDirectory]
    export async function read(handle: ReaderHandle): Promise<number | undefined> {
      const reader: Reader<string, { born: number }> = await openReader<string, { born: number }>(handle, { cacheSize: 1000 })
      return (await reader.get('ada'))?.born
    }
    export async function send(): Promise<Worker> {
      const { port, ...rest } = (await db.share()).handle()
      return new Worker('./read.js', { workerData: { ...rest, port }, transferList: [port] })
    }
    export type Options = LsmOptions`

  const RESOLUTIONS = [
    ['NodeNext', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['a bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ] as const

  it.each(storyCases(RESOLUTIONS))('compile under %s with skipLibCheck off', { timeout: 120_000 }, (_name, module, moduleResolution) => {
    mkdirSync(join(project, 'types'), { recursive: true })
    const file = join(project, 'types/program.ts')
    writeFileSync(file, PROGRAM)
    const options: ts.CompilerOptions = {
      module,
      moduleResolution,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      typeRoots: [join(project, 'node_modules/@types')],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    }
    const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options))
    expect(
      diagnostics.map(({ messageText, file: where }) => `${where?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
    ).toEqual([])
  })

  it('name no package that is only in the files of the build', () => {
    const declarations = readdirSync(join(installed, 'dist')).filter(file => file.endsWith('.d.ts'))
    expect(declarations.length).toBeGreaterThan(10)
    for (const file of declarations)
      expect(readFileSync(join(installed, 'dist', file), 'utf8')).not.toMatch(/['"](msgpackr|bloom-filters|xxhash-wasm)/)
  })
})
