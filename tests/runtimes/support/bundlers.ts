/** An application in one file, made by each bundler as `docs/bundlers.md` says: it runs, with its compactions in the worker thread. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { rollup } from 'rollup'
import { build as vite } from 'vite'

/** Two flushes: the second says where jobs run once the first has looked for its worker. */
const APPLICATION = `
import { Kvarium } from 'kvarium'
const main = async () => {
  const db = new Kvarium(process.argv.at(-1), { engine: 'lsm', valueEncoding: 'msgpack' })
  for (const key of ['a', 'b']) {
    await db.put(key, { key })
    await db.flush()
  }
  console.log(JSON.stringify([await db.get('a'), db.stats().executor]))
  await db.close()
}
main()`

interface Bundled {
  /** What starts the application. */
  readonly command: readonly string[]
  /** Where the file of the worker goes. */
  readonly directory: string
}

type Bundler = (entry: string, out: string) => Promise<Bundled>

const node = (file: string, directory: string): Bundled => ({ command: [process.execPath, file], directory })

/** The file that runs in the worker thread. */
const WORKER = 'compaction-worker.js'

const EXTERNAL = /^(node:|abstract-level$|events$)/

/**
 * @param bun - The program of Bun.
 * @param dist - The folder of the built package.
 */
export function bundlers(bun: string, dist: string): Readonly<Record<string, Bundler>> {
  return {
    async esbuild(entry, out) {
      const outfile = join(out, 'app.cjs')
      await esbuild({
        entryPoints: [entry],
        outfile,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        logLevel: 'error',
        define: { 'import.meta.url': 'importMetaUrl' },
        banner: { js: `const importMetaUrl = require('node:url').pathToFileURL(__filename).href` },
      })
      return node(outfile, out)
    },
    async rollup(entry, out) {
      const bundle = await rollup({
        input: entry,
        external: EXTERNAL,
        plugins: [{ name: 'kvarium', resolveId: id => (id === 'kvarium' ? join(dist, 'index.js') : null) }],
      })
      await bundle.write({ dir: out, format: 'es', entryFileNames: 'app.mjs', chunkFileNames: '[name].mjs' })
      return node(join(out, 'app.mjs'), out)
    },
    async webpack(entry, out) {
      // Installed in this directory alone: the checkout's types do not know it.
      const name: string = 'webpack'
      const { default: webpack } = (await import(name)) as { default: (options: object, done: Done) => void }
      await new Promise<void>((resolve, reject) => {
        webpack({ mode: 'production', target: 'node', entry, output: { path: out, filename: 'app.cjs' } }, (error, stats) => {
          if (error) reject(error)
          else if (stats?.hasErrors()) reject(new Error(stats.toString('errors-only')))
          else resolve()
        })
      })
      return node(join(out, 'app.cjs'), out)
    },
    async vite(entry, out) {
      await vite({
        root: join(entry, '..'),
        logLevel: 'error',
        build: { ssr: entry, outDir: out, rollupOptions: { output: { entryFileNames: 'app.mjs' } } },
        ssr: { noExternal: true },
      })
      return node(join(out, 'app.mjs'), join(out, 'assets'))
    },
    async 'bun-build'(entry, out) {
      run([bun, 'build', entry, '--target=node', `--outfile=${join(out, 'app.mjs')}`])
      return node(join(out, 'app.mjs'), out)
    },
    async 'bun-compile'(entry, out) {
      cpSync(join(dist, WORKER), join(entry, '..', WORKER))
      run([bun, 'build', entry, join(entry, '..', WORKER), '--compile', `--outfile=${join(out, 'app')}`])
      return { command: [join(out, 'app')], directory: out }
    },
  }
}

type Done = (error: Error | null, stats?: { hasErrors(): boolean; toString(preset: string): string }) => void

function run([command, ...parameters]: readonly string[], cwd?: string): { readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(command, parameters, { encoding: 'utf8', cwd, timeout: 120_000 })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}: code ${status}\n${stdout}${stderr}`)
  return { stdout, stderr }
}

/**
 * Bundles the application in `project`, which has `kvarium` in its node_modules, and runs it without the file of the worker and with it. Returns
 * where its compactions ran. Throws where it does not run, where the worker does not start although its file is there, and where it runs inline
 * without one warning.
 */
export async function tryBundler(name: string, bundler: Bundler, project: string, dist: string): Promise<string> {
  const out = join(project, name.replaceAll(/\W+/g, '-'))
  mkdirSync(out)
  const entry = join(project, 'application.mjs')
  writeFileSync(entry, APPLICATION)
  const { command, directory } = await bundler(entry, out)
  const places = [true, false].map(isAlone => {
    if (!isAlone) cpSync(join(dist, WORKER), join(directory, WORKER))
    const { stdout, stderr } = run([...command, join(out, isAlone ? 'alone' : 'db')])
    const place = /^\[\{"key":"a"\},"(worker|inline)"\]\n$/.exec(stdout)?.[1]
    const warnings = stderr.match(/KVARIUM_NO_WORKER/g)?.length ?? 0
    if (place === undefined || warnings !== (place === 'inline' ? 1 : 0)) throw new Error(`${name} printed ${stdout}${stderr}`)
    return place
  })
  if (places[1] !== 'worker') throw new Error(`${name}: compactions run ${places[1]}, although the file of the worker is there`)
  return places[0] === 'worker' ? 'worker' : 'worker with its file, else inline'
}
